#!/usr/bin/env bash
# atrest.sh - nothing personal can be read on the disk, in a backup or in a log; a backup is whole and comes back; names
# are blinded anew; an erasure is certified. TAP.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
person=440311199106159019
company=91440311MAXXXXX230
subject='{"entity":"person","id_type":"resident_id","id_no":"'$person'"}'
conf=$work/bidui.conf

bidui() { "$build/bidui" "$@"; }

exits() { # CODE TEXT COMMAND...: that exit, and the text in what it said
	local want=$1 text=$2 got=0
	shift 2
	"$@" >"$work/said" 2>&1 || got=$?
	[ "$got" = "$want" ] && grep -q "$text" "$work/said" || { echo "exit $got"; cat "$work/said"; return 1; }
}

scan() { "$python" "$top/tests/e2e/scan.py" "$@"; }

until_so() { # COMMAND...: asks again until it is so, at most 20 s
	local left=200
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

is_explained() { [ "$(ask GET "/v1/receipts/$1?explain=true")" = 200 ]; }

answer_of() { # what the query says, without when
	[ "$(query "$subject")" = 200 ] && jq -S 'del(.. | .age_s?, .at?, .receipt?)' "$work/body"
}

answers_are_the_same() { answer_of | diff "$work/answer" - && until_so is_explained "$receipt"; }

starts() {
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
}

# -- everything that leaves something behind --

# Its bytes are kept, sealed: a number, a name and a date that is none.
a_row_is_refused() {
	sed 's/2025-03-10/2025-13-10/' "$top/adapters/market/samples/market_20260601_E_PER_LIMIT.utf8.txt" >"$work/refused"
	[ "$(push market/e_per_limit "$work/refused" '?delivery=2026-06-02&total=2')" = 200 ] && body_is '.rejected == 1' &&
		[ "$(ask GET '/v1/rejects?source=market')" = 200 ] && body_is '.rejects | any(.reject.code == "date.range")'
}

samples_are_in() {
	starts && push_samples "$top/tests/e2e/samples.tsv" || return 1
	jq .question "$case_file" >"$work/question.json"
	for _ in 1 2; do # the second is a repeat, and the answer of the first is kept for it
		[ "$(ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: at-rest-1' \
			--data "@$work/question.json")" = 200 ] || return 1
	done
	receipt=$(jq -r .receipt "$work/body")
	a_row_is_refused || return 1
	until_so is_explained "$receipt" && answer_of >"$work/answer" && [ -s "$work/answer" ]
}

# A message of some megabytes goes through the spool: copies of it are taken while it is there.
a_spool_is_caught() {
	local pusher left=2000
	local line=$top/adapters/market/samples/market_20260603_E_BASEINFO.utf8.txt
	mkdir -p "$work/spool"
	"$python" -c 'import sys; sys.stdout.buffer.write(open(sys.argv[1], "rb").read() * 8000)' "$line" >"$work/long"
	"$build/bidui" push --source market --feed e_baseinfo --delivery 2026-06-05 "$work/long" >/dev/null 2>&1 &
	pusher=$!
	while [ "$left" -gt 0 ] && kill -0 "$pusher" 2>/dev/null; do
		cp "$work/data/spool/"* "$work/spool/" 2>/dev/null
		left=$((left - 1))
	done
	wait "$pusher"
	[ -n "$(find "$work/spool" -type f -size +100)" ]
}

needles_are_known() {
	local -a files
	mapfile -t files < <(cut -f1 "$top/tests/e2e/samples.tsv" | grep -v '^#' | grep . | sort -u |
		sed "s#^#$top/adapters/#")
	scan needles "$BIDUI_SERVER" "$BIDUI_CA" "$BIDUI_CERT" "$BIDUI_KEY" "${files[@]}" >"$work/needles" &&
		grep -qx "$person" "$work/needles" && grep -q '^9[1-3]440311MA' "$work/needles" &&
		[ "$(grep -c '[^ -~]' "$work/needles")" -ge 5 ] && [ "$(wc -l <"$work/needles")" -ge 20 ]
}

# What would be found: in each charset and form, in a file of its own.
the_scan_finds() {
	local name charset
	name=$(grep '[^ -~]' "$work/needles" | head -n 1)
	mkdir "$work/seeded"
	for charset in UTF-8 GB18030 UTF-16LE UTF-16BE; do
		printf '%s' "$name" | iconv -t "$charset" >"$work/word"
		for before in '' x xy; do
			{ printf '%s' "$before" && cat "$work/word" && echo zz; } >"$work/seeded/raw"
			for form in 'cat' 'xxd -p -c 999' 'base64 -w 0'; do
				$form <"$work/seeded/raw" >"$work/seeded/formed" 2>/dev/null || od -An -tx1 -v <"$work/seeded/raw" | tr -d ' \n' >"$work/seeded/formed"
				! scan search "$work/needles" "$work/seeded/formed" >/dev/null ||
					{ echo "not found: $charset $form after '$before'"; return 1; }
			done
		done
	done
	! scan search "$work/needles" "$top/adapters/market/samples" >/dev/null
}

nothing_is_in_clear() {
	scan search "$work/needles" "$work/data" "$work/spool" "$work/biduid.log"
}

# -- backup --

backed_up_while_it_works() {
	exits 0 '已备份并核验' bidui backup "$work/backup" --config "$conf" --lang zh && [ -s "$work/backup/manifest" ] &&
		[ "$(stat -c %a "$work/backup" "$work/backup/data.mdb" "$work/backup/salts" | tr '\n' ' ')" = '700 600 600 ' ] &&
		exits 4 '' bidui backup "$work/backup" --config "$conf"
}

nothing_is_in_clear_in_the_backup() {
	scan search "$work/needles" "$work/backup"
}

# Each file of it in turn with a bit changed, cut off, or gone.
a_changed_backup_is_told() {
	local file
	sed "s#^data_folder.*#data_folder = $work/restored#" "$conf" >"$work/restored.conf"
	for file in data.mdb salts manifest $(cd "$work/backup" && ls cases/* trail/heads-* | head -n 3); do
		cp -r --sparse=always "$work/backup" "$work/bad"
		printf '\252' | dd of="$work/bad/$file" bs=1 seek=9 conv=notrunc 2>/dev/null
		exits 4 'backup.damaged\|store.key' bidui restore "$work/bad" --config "$work/restored.conf" || return 1
		rm "$work/bad/$file"
		exits 4 'backup.damaged' bidui restore "$work/bad" --config "$work/restored.conf" || return 1
		rm -rf "$work/bad"
		[ ! -e "$work/restored" ] || return 1
	done
}

restored_with_another_key() {
	(umask 077 && openssl rand -hex 32 >"$work/other.key")
	sed "s#^master_key_file.*#master_key_file = $work/other.key#" "$work/restored.conf" >"$work/other.conf"
	exits 4 'store.key' bidui restore "$work/backup" --config "$work/other.conf" && [ ! -e "$work/restored" ]
}

restored() {
	exits 0 'verified and restored' bidui restore "$work/backup" --config "$work/restored.conf" --lang en &&
		exits 4 'store.in_use' bidui restore "$work/backup" --config "$conf" &&
		stop_gateway && mv "$work/data" "$work/kept" && mv "$work/restored" "$work/data" && starts &&
		answers_are_the_same || return 1
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: at-rest-1' \
		--data "@$work/question.json")" = 200 ] && body_is ".receipt == \"$receipt\"" &&
		exits 0 '' bidui audit verify "$work/data/trail" --key "$work/signing.pub"
}

# -- names blinded anew --

not_while_it_runs() {
	exits 4 'store.in_use' bidui rebuild --config "$conf"
}

rebuilt() {
	stop_gateway || return 1
	cp "$work/data/data.mdb" "$work/before.mdb"
	echo 'blinding = hmac-sm3' >>"$conf"
	exits 0 'blinded anew' bidui rebuild --config "$conf" --lang en && [ ! -e "$work/data/rebuild" ] &&
		! cmp -s "$work/data/data.mdb" "$work/before.mdb" && starts && answers_are_the_same || return 1
	[ "$(ask GET /v1/status)" = 200 ] && body_is '.keys.blinding == "hmac-sm3"' || return 1
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json")" = 200 ] &&
		body_is '.decision == "pass"'
}

# -- erased --

# What a thief finds who has a bit-for-bit copy and the master keys. 0: nothing of the person; 1: something.
thief_finds() {
	local got=0
	rm -rf "$work/copy" "$work/opened"
	cp -r "$work/data" "$work/copy" && cp -r "$work/copy" "$work/opened" || return 2
	"$build/tests/e2e/leftovers" "$work/master.key" "$work/copy" "$work/opened" "$person" 440311910615901 "$called" \
		>"$work/found" 2>&1 || got=$?
	return "$got"
}

# The person is a shareholder, and more: each organization's rows, what they were before, a dispute of them.
others_speak_of_it() {
	[ "$(query "$subject")" = 200 ] || return 1
	called=$(jq -r '[.statements[] | select(.entity == "person" and .inverse == false) | .values[] |
		select(.field == "name") | .value][0]' "$work/body")
	[ -n "$called" ] && body_is '[.statements[] | select(.inverse)] | length >= 2' || return 1
	bidui dispute add --source market --about relation --reason wrong_value --reference YY-1 --kind uscc \
		--number "$company" >"$work/disputed" 2>&1 || return 1
	stop_gateway && { thief_finds; [ $? = 1 ]; } && starts
}

erased_with_a_certificate() {
	local erasure
	bidui -o json erase --kind resident_id --number "$person" --basis '示例〔2026〕2号' --yes >"$work/erased" || return 1
	erasure=$(jq -r .receipt "$work/erased")
	[ "$(ask GET "/v1/receipts/$erasure")" = 200 ] &&
		body_is '.kind == "erase" and .basis == "示例〔2026〕2号" and (.subjects | length) == 1' || return 1
	until_so status_is 200 ask GET "/v1/receipts/$erasure/proof" && cp "$work/body" "$work/certificate.json" &&
		env -i PATH="$PATH" LC_ALL=C.UTF-8 "$build/bidui" receipt verify "$work/certificate.json" \
			--key "$work/signing.pub" >"$work/said" && ! grep -q "$person" "$work/certificate.json" "$work/said"
}

# What was kept of the answer for a retry is zeroes: a retry is a question of its own.
a_retry_is_asked_anew() {
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: at-rest-1' \
		--data "@$work/question.json")" = 200 ] && body_is ".receipt != \"$receipt\" and .decision != \"pass\""
}

# In no row of anybody, nor in what it was before, nor in a page that is free: nothing opens that names it. What an
# organization is otherwise said to be stays.
nothing_opens_in_a_copy() {
	stop_gateway || return 1
	thief_finds || { cat "$work/found"; return 1; }
	grep -q ' open with ' "$work/found" && starts && [ "$(query "$subject")" = 200 ] &&
		body_is '(.statements | length) == 0 and (.identifiers | length) == 0' &&
		jq -e '.others >= 1' "$work/erased" >/dev/null
}

# Of a certificate that was changed, nothing is certified.
a_changed_certificate_is_none() {
	"$python" - "$work/certificate.json" "$work/changed.json" <<'END'
import base64, json, sys
proof = json.load(open(sys.argv[1]))
def change(node):
    for key, value in node.items():
        if key in ("entry", "leaf", "body", "bytes") and isinstance(value, str) and len(value) > 40:
            node[key] = value[:20] + ("A" if value[20] != "A" else "B") + value[21:]
            return True
        if isinstance(value, dict) and change(value):
            return True
    return False
assert change(proof), list(proof)
json.dump(proof, open(sys.argv[2], "w"))
END
	! bidui receipt verify "$work/changed.json" --key "$work/signing.pub" >"$work/said" 2>&1
}

make_keys
write_settings 0 0
check 'samples, cases and a repeat are in' samples_are_in
check 'a spool is looked at while it is there' a_spool_is_caught
check 'numbers and names of the samples are known' needles_are_known
check 'the scan finds each form of a name' the_scan_finds
check 'nothing of them stands in the data, the spool, the trail or the log' nothing_is_in_clear
check 'a backup while it works' backed_up_while_it_works
check 'nothing of them stands in the backup' nothing_is_in_clear_in_the_backup
check 'a changed backup is told, and nothing is restored' a_changed_backup_is_told
check 'nor with another key' restored_with_another_key
check 'restored: answers, case files, repeats and the trail' restored
check 'names are not blinded anew while it runs' not_while_it_runs
check 'names are blinded anew, by SM3, and all is found' rebuilt
check 'nothing of them stands anywhere now' nothing_is_in_clear
check 'organizations speak of whom is to be erased, and a thief would read it' others_speak_of_it
check 'an erasure has a certificate that verifies offline' erased_with_a_certificate
check 'a changed certificate is none' a_changed_certificate_is_none
check 'in a bit-for-bit copy nothing opens that names the erased person' nothing_opens_in_a_copy
check 'what was kept for a retry is gone as well' a_retry_is_asked_anew
stop_gateway || exit 1
echo "1..$count"
