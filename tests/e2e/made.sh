#!/usr/bin/env bash
# made.sh - invented data of all four native formats: without faults all is accepted and all departments say the same
# of everyone; with faults exactly those are refused that the generator states. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
people=240 businesses=120 rate=0.25

make_data() { # FOLDER [FAULT-RATE]
	"$build/tests/gen/bidui_gen" --people "$people" --businesses "$businesses" --seed 17 --fault-rate "${2-0}" --out "$1"
}

# send FILE FEED QUERY: each message of the file over one connection; receipt N in $work/receipts/N.json.
send() {
	local file=$1 feed=$2 query=$3 one next=
	rm -rf "$work/messages" "$work/receipts"
	mkdir "$work/messages" "$work/receipts"
	case $file in
	*.ndjson | *.ndxml) split -l 1 -a 6 --numeric-suffixes=1 "$file" "$work/messages/" ;;
	*) cp "$file" "$work/messages/000001" ;;
	esac
	for one in "$work/messages"/*; do
		printf '%surl = "https://127.0.0.1:%s/v1/sources/%s%s"\ndata-binary = "@%s"\noutput = "%s"\nheader = "Expect:"\n' \
			"$next" "$https_port" "$feed" "$query" "$one" "$work/receipts/${one##*/}.json"
		printf 'cacert = "%s"\ncert = "%s"\nkey = "%s"\n' "$BIDUI_CA" "$BIDUI_CERT" "$BIDUI_KEY"
		next=$'next\n'
	done >"$work/transfers"
	curl -sS -K "$work/transfers" --max-time 120
}

# What was refused, as faults.tsv has it: line or record, kind, code.
refused() {
	find "$work/receipts" -name '*.json' -exec jq -r '(input_filename | capture("/0*(?<n>[0-9]+)[.]json$").n | tonumber) as $line |
		if has("rejects") then .rejects[] | [if $lines then $line else .index + 1 end, "reject", .code]
		else [$line, "refused", .code] end | @tsv' --argjson lines "$1" {} + | sort
}

# exact FOLDER FILE FEED QUERY: the refusals are those that the generator states, and none besides.
exact() {
	local folder=$1 file=$2 feed=$3 query=$4 lines=false
	case $file in *.ndjson | *.ndxml) lines=true ;; esac
	send "$folder/$file" "$feed" "$query" && refused "$lines" >"$work/refused" &&
		diff <(awk -F '\t' -v OFS='\t' -v f="$file" '$1 == f { print $2, $3, $4 }' "$folder/faults.tsv" | sort) "$work/refused"
}

# The receipts together have the counts that expected.tsv states.
counted() { # MESSAGES REJECTED REFUSED
	jq -s -e --argjson m "$1" --argjson r "$2" --argjson f "$3" 'length == $m and (map(.rejected // 0) | add) == $r and
		(map(select(has("rejects") | not)) | length) == $f' "$work/receipts"/*.json
}

# Everyone asked in one batch, beside what is true of each.
ask_all() { # KIND JQ-OF-TRUTH-FIELDS
	grep "^$1" "$work/sound/truth.tsv" >"$work/truth"
	jq -R -c "split(\"\t\") | {subject: $2}" "$work/truth" >"$work/ask.ndjson"
	[ "$(ask POST /v1/identities/query -H 'Content-Type: application/x-ndjson' \
		--data-binary "@$work/ask.ndjson")" = 200 ] || return 1
	jq -R 'split("\t")' "$work/truth" | jq -s . >"$work/truth.json"
}

# all_are JQ: true of each [answer, truth].
all_are() {
	jq -s -e --slurpfile truth "$work/truth.json" "def values(e; f): [.[0].statements[] | select(.entity == e) | .values[] |
			select(.field == f).value] | unique;
		def rows(e): [.[0].statements[] | select(.entity == e and (.inverse | not))] | length;
		def flag(n): (if .[1][5] | contains(n + \"=1\") then 1 else 0 end);
		[., \$truth[0]] | transpose | length > 0 and (map(select(($1) | not) | .[1][0:3]) |
			if length == 0 then true else (.[0:3] | debug | false) end)" "$work/body"
}

people_agree() {
	ask_all person '{entity: "person", id_type: "resident_id", id_no: .[2]}' && all_are '.[0].status == "found" and
		values("person"; "name") == [.[1][3]] and values("person"; "birth_date") == [.[1][4]] and
		([.[0].statements[].source] | contains(["medical", "social"])) and
		values("insurance_status"; "insured_status") == [if flag("insured") == 1 then "normal" else "suspended" end] and
		([.[0].statements[].values[] | select(.conflict or .unmapped)] == [])'
}

businesses_agree() {
	ask_all business '{entity: "organization", uscc: .[2]}' && all_are '.[0].status == "found" and
		values("organization"; "name") == [.[1][3]] and
		([.[0].statements[].source] | contains(["market", "tax"])) and
		rows("arrears") == flag("arrears") and rows("abnormal") == flag("abnormal") and
		rows("cancellation") == flag("cancelled") and
		([.[0].statements[] | select(.entity == "relation") | .other[] | select(.kind == "resident_id").number] | unique) == [.[1][4]] and
		([.[0].statements[].values[] | select(.conflict or .unmapped)] == [])'
}

# The share of those with a fault is the one that was asked for, within what chance allows.
rate_is_kept() {
	awk -F '\t' -v rate="$rate" '{ all[$1]++; bad[$1] += $NF != "-" } END { for (k in all) { share = bad[k] / all[k]
		if (share < rate * 0.8 || share > rate * 1.2) { print k, share; wrong = 1 } } exit wrong }' "$work/faulty/truth.tsv"
}

every_fault_occurs() {
	local wanted="amount code date failed id_check name_placeholder no_name short_row"
	local got
	got=$(cut -f 7 "$work/faulty/truth.tsv" | sort -u | grep -v '^-$' | paste -sd ' ')
	[ "$got" = "$wanted" ] || { echo "$got"; return 1; }
}

same_again() {
	make_data "$work/again" "$rate" && diff -r "$work/faulty" "$work/again"
}

# What is accepted with a fault in it is not taken for good.
holes_are_indeterminate() {
	local number
	number=$(awk -F '\t' '$1 == "person" && $7 == "name_placeholder" { print $3; exit }' "$work/faulty/truth.tsv")
	query "{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$number\"}" >/dev/null
	body_is '[.statements[] | select(.entity == "person" and .section == "basicform") | .values[] | select(.field == "name")] |
		length == 1 and all(.code == "indeterminate" and .conflict == null and (.value | endswith("?")))'
}

# A row in GB18030 is the same row.
gb18030() {
	local file=market_E_PB_BASEINFO.utf8.txt
	iconv -f UTF-8 -t GB18030 "$work/sound/$file" >"$work/base.gb18030.txt" &&
		status_is 200 push market/e_pb_baseinfo "$work/base.gb18030.txt" &&
		body_is ".received == $businesses and .unchanged == $businesses"
}

# `bidui adapter run` says of a file what its push then does.
adapter_run() { # FEED FILE REJECTED
	"$build/bidui" adapter run "$1" "$work/faulty/$2" -o json >"$work/body"
	body_is ".dry_run and .rejected == $3"
}

make_data "$work/sound" && make_data "$work/faulty" "$rate" || { echo 'Bail out! no data'; exit 1; }
make_keys
write_settings 0 0
start_or_bail
check 'the rate is the one that was asked for' rate_is_kept
check 'every kind of fault occurs' every_fault_occurs
check 'the same arguments give the same bytes' same_again
while IFS=$'\t' read -r file feed messages rejected refused; do
	check "$file with faults: exactly those are refused" exact "$work/faulty" "$file" "$feed" '?dry_run=true'
	check "$file with faults: as many as stated" counted "$messages" "$rejected" "$refused"
	case $file in *.ndjson | *.ndxml) ;; *)
		check "$file with faults: bidui adapter run says the same" adapter_run "$feed" "$file" "$rejected"
		;;
	esac
done <"$work/faulty/expected.tsv"
while IFS=$'\t' read -r file feed messages rejected refused; do
	check "$file without faults: nothing is refused" exact "$work/sound" "$file" "$feed" ''
	check "$file without faults: nothing was to be" [ "$rejected $refused" = '0 0' ]
done <"$work/sound/expected.tsv"
check 'everyone is known to medical insurance and social security, and both say the same' people_agree
check 'every business is known to tax and market supervision, and both say the same' businesses_agree
check 'in GB18030 it is the same' gb18030
while IFS=$'\t' read -r file feed messages rejected refused; do
	check "$file with faults, stored: exactly those are refused" exact "$work/faulty" "$file" "$feed" ''
done <"$work/faulty/expected.tsv"
check 'a name with a hole is indeterminate' holes_are_indeterminate
check 'it stops in order' stop_gateway
echo "1..$count"
