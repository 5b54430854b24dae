#!/usr/bin/env bash
# rules.sh - schemas/rules.tsv, the code and the tests name the same rules. TAP: one test a promise;
# every offence is named.
#
# A rule is cited in code as a string of its id ("id.fold": what a diag or a comparison carries), or,
# where it only turns one form into another, in a comment as "rule: id". It is exercised where a file under
# tests/ names it: what a test expects, or a heading over the rows that show it.
set -u
export LC_ALL=C
cd "${srcdir:-.}" || exit 99
table=schemas/rules.tsv
count=0
failed=0
report() { # NAME OFFENCES
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
		printf '%s\n' "$2" | head -n 40 | sed 's/^/# /'
	fi
}

ids() {
	tail -n +2 "$table" | cut -f 1 | sort -u
}

families() {
	ids | sed 's/\..*//' | sort -u | paste -s -d '|'
}

code_texts() {
	sed -n 's/^BD_CODE([A-Z0-9_]*, "\([^"]*\)".*/\1/p' gateway/base/codes.def | sort -u
}

# Every "rule: id", every rule given to a diag, and strings of a family of the table that are no code of
# codes.def (some codes and rules share a name).
cited() {
	{
		grep -rhoE '[Rr]ules?: ?[a-z_]+\.[a-z0-9_.]*[a-z0-9_](, [a-z_]+\.[a-z0-9_.]*[a-z0-9_])*' gateway --include='*.[ch]' |
			sed -E 's/^[Rr]ules?: ?//; s/, /\n/g'
		grep -rhoE 'bd_diag_set_rule\([^"]*"[^"]+"' gateway --include='*.[ch]' | sed -E 's/.*"([^"]+)"/\1/'
		grep -rhoE "\"($(families))\.[a-z0-9_.]+\"" gateway --include='*.[ch]' | tr -d '"' | sort -u |
			comm -23 - <(comm -23 <(code_texts) <(ids))
	} | sort -u
}

# Names with a dot in the tests, the lints apart.
exercised() {
	grep -rIhoE '[a-z_]+(\.[a-z0-9_]+)+' tests --exclude-dir=lint | sort -u
}

echo 1..5
report 'every row has id, zh, en and source, and the id fits a diag' \
	"$(awk -F '\t' 'NR == 1 { if ($0 != "id\tzh\ten\tsource") print "line 1 is not the heading" ; next }
		NF != 4 { print "line " NR ": " NF " columns" ; next }
		{ for (i = 1; i <= 4; i++) if ($i ~ /^ *$/) print "line " NR ": column " i " is empty" }
		$1 !~ /^[a-z_]+(\.[a-z0-9_]+)+$/ || length($1) > 31 { print "line " NR ": not an id: " $1 }' "$table")"
report 'no id stands twice' "$(tail -n +2 "$table" | cut -f 1 | sort | uniq -d)"
report 'every rule of the table is cited in the code' "$(comm -23 <(ids) <(cited))"
report 'every rule that the code cites is in the table' "$(comm -13 <(ids) <(cited))"
report 'every rule of the table is exercised by a test' "$(comm -23 <(ids) <(exercised))"
exit $failed
