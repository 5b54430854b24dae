#!/usr/bin/env bash
# load.sh - bidui load: dumps of all four departments, with faults, into a store that is stopped come to what pushing
# them comes to; nothing is stored when one of them is wrong; killed at any sync it goes on; older dumps never replace
# what is newer; killed while it stores, nothing else opens the store before it has come to its end. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

files='medical.ndjson medical/1101
social_nws.ndxml social/nws
social_packet.xml social/packet
tax.ndxml tax/gt3
market_E_PB_BASEINFO.utf8.txt market/e_pb_baseinfo
market_E_PB_OPERATOR.utf8.txt market/e_pb_operator
market_AO_PB_OPANOMALY.utf8.txt market/ao_pb_opanomaly
market_E_GT_CANCEL.utf8.txt market/e_gt_cancel'

# Each with a day of delivery, so that coverage is compared too.
write_list() { # FOLDER
	local file feed
	while read -r file feed; do
		printf '%s\t%s\t2026-06-01\t-\tbaseline\n' "$1/$file" "$feed"
	done <<<"$files"
}

load() { # OPTION...
	"$build/bidui" load --config "$work/bidui.conf" -o json "$@" >"$work/body" 2>"$work/load.err"
}

load_exits() { # EXIT OPTION...
	local want=$1 got=0
	shift
	load "$@" || got=$?
	[ "$got" = "$want" ] || { echo "exit $got" && cat "$work/load.err"; return 1; }
}

refused_as() { # CODE OPTION...
	local code=$1
	shift
	load_exits 4 "$@" && { grep -q "($code)" "$work/load.err" || { cat "$work/load.err"; return 1; }; }
}

dump() { # NAME
	"$build/tests/store/store_dump" "$work/data" "$work/master.key" >"$work/$1.dump"
}

fresh() {
	rm -rf "$work/data"
	mkdir -m 700 "$work/data"
}

# Every message of every file, pushed.
push_all() {
	local file feed next= line=0 one
	mkdir -p "$work/messages"
	while read -r file feed; do
		rm -f "$work/messages"/*
		case $file in
		*.ndjson | *.ndxml) split -l 1 -a 6 --numeric-suffixes=1 "$work/gen/$file" "$work/messages/" ;;
		*) cp "$work/gen/$file" "$work/messages/000001" ;;
		esac
		next=
		for one in "$work/messages"/*; do
			printf '%surl = "%s/v1/sources/%s?delivery=2026-06-01&baseline=true"\ndata-binary = "@%s"\noutput = "/dev/null"\n' \
				"$next" "$BIDUI_SERVER" "$feed" "$one"
			printf 'header = "Expect:"\ncacert = "%s"\ncert = "%s"\nkey = "%s"\n' "$BIDUI_CA" "$BIDUI_CERT" "$BIDUI_KEY"
			next=$'next\n'
		done >"$work/transfers"
		curl -sS -K "$work/transfers" --max-time 120 || return 1
	done <<<"$files"
}

# What was refused of each source, wherever it stands in the journal.
list_rejects() { # NAME
	local source cursor
	for source in market medical social tax; do
		cursor=
		while :; do
			ask GET "/v1/rejects?source=$source&limit=1000${cursor:+&cursor=$cursor}" >/dev/null || return 1
			jq -r --arg s "$source" '.rejects[] | [$s, .feed, .line, .row, .field, .code] | @tsv' "$work/body" || return 1
			cursor=$(jq -r '.next // empty | @uri' "$work/body")
			[ -n "$cursor" ] || break
		done
	done | sort >"$work/$1.rejects"
}

same() { # WHAT
	[ -s "$work/pushed.$1" ] && diff "$work/pushed.$1" "$work/loaded.$1" | head -n 20 | grep . && return 1
	[ -s "$work/loaded.$1" ]
}

known_counts() { # the generator's, of each file
	local file feed messages rejected refused
	while IFS=$'\t' read -r file feed messages rejected refused; do
		jq -s -e --arg f "$file" --argjson r "$rejected" --argjson n "$refused" \
			'map(select(.file | endswith($f)))[0] | .rejected == $r and .refused_lines == $n' "$work/loaded.json" >/dev/null ||
			{ echo "$file"; return 1; }
	done <"$work/gen/expected.tsv"
}

# Again: files are known as a whole, lines one by one; the receipts are the first ones.
again() {
	load_exits 1 --list "$work/list" && jq -s -e --slurpfile was "$work/loaded.json" 'def kept: [.message, .messages, .accepted,
		.rejected, .refused_lines]; (map(kept) == ($was | map(kept))) and all(.unchanged == 0 or .repeat) and
		all(.[]; .repeat or (.file | test("nd(json|xml)$")))' "$work/body"
}

nothing_is_stored() { # what is refused, then what is in the store
	refused_as "$@" && dump nothing && [ ! -s "$work/nothing.dump" ]
}

# Killed while it stored: neither biduid nor anybody else opens it, and it is said what to do.
is_closed() {
	! start_gateway && grep -q '上次装载没有完成' "$work/biduid.log" && grep -q 'Run bidui load again' "$work/biduid.log" ||
		{ cat "$work/biduid.log"; return 1; }
}

# Killed at its n-th sync, then once more: as if nothing had been. Between, either nothing is missing or it is closed.
survives() { # N
	local got=0
	fresh
	ENDS_AT=$1 LD_PRELOAD=$work/ends.so load --list "$work/short" 2>/dev/null || got=$?
	[ "$got" -eq 137 ] || { [ "$got" -le 1 ] && echo over >"$work/over"; }
	if dump between 2>"$work/between.err"; then
		! grep -q ' lost ' "$work/between.dump" || { echo 'open and not whole'; return 1; }
	else
		grep -q 'load.unfinished' "$work/between.err" || { cat "$work/between.err"; return 1; }
		[ -e "$work/closed" ] || is_closed || return 1
		echo "$1" >>"$work/closed"
	fi
	load_exits 1 --list "$work/short" && dump killed && diff -q "$work/short.dump" "$work/killed.dump" &&
		jq -s -e --slurpfile was "$work/short.json" '[., $was] | transpose | all(.[0].messages == .[1].messages and
			.[0].accepted == .[1].accepted and .[0].rejected == .[1].rejected)' "$work/body"
}

survives_all() {
	local n
	for n in 1 2 3 5 7 9 11 12 13 14 15 16 17 18 19 20 21 22 24 28 35; do
		survives "$n" || { echo "at $n"; return 1; }
		[ ! -e "$work/over" ] || break
	done
	[ "$(wc -l <"$work/closed")" -ge 3 ] || { echo 'hardly ever closed'; return 1; }
}

# The first sound business under another name, as of a day.
row() { # NAME TIME
	awk -F '\001' -v OFS='\001' -v n="$1" -v t="$2" -v sound="$(awk -F '\t' '/^business/ && $NF == "-" { print $3; exit }' \
		"$work/gen/truth.tsv")" '$3 == sound { $5 = n; $NF = t; print }' "$work/gen/market_E_PB_BASEINFO.utf8.txt"
}

# An older dump that is loaded after newer was pushed: what it says of that business is history.
older_stays_older() {
	local code
	row '示例新名' '2026-06-03 10:00:00' >"$work/new.txt"
	row '示例旧名' '2026-06-02 10:00:00' >"$work/old.txt"
	code=$(awk -F '\001' 'NR == 1 { print $3 }' "$work/new.txt")
	status_is 200 push market/e_pb_baseinfo "$work/new.txt" && stop_gateway &&
		load_exits 0 "$work/old.txt" --source market --feed e_pb_baseinfo && start_gateway &&
		status_is 200 query "{\"entity\":\"organization\",\"uscc\":\"$code\"}" &&
		body_is '[.statements[] | select(.source == "market") | .values[] | select(.field == "name").value] == ["示例新名"]'
}

entries() { # STATUS COUNT: of the trail
	BIDUI_PURPOSE='' "$build/bidui" audit show "$work/data/trail" --key "$work/signing.pub" -o json >"$work/trail.ndjson" || return 1
	jq -s -e --arg s "$1" --argjson n "$2" 'map(select(.client == "bidui load" and .status == $s)) | length == $n' \
		"$work/trail.ndjson"
}

"$build/tests/gen/bidui_gen" --people 240 --businesses 120 --seed 23 --fault-rate 0.25 --out "$work/gen" ||
	{ echo 'Bail out! no data'; exit 1; }
make_keys
write_settings 0 0
identity_files="$work/gen/truth.tsv"
write_list "$work/gen" >"$work/list"
grep -E 'packet|gt3|baseinfo' "$work/list" >"$work/short"
start_or_bail
push_all || { echo 'Bail out! not pushed'; exit 1; }
list_rejects pushed
check 'while biduid runs nothing is loaded' refused_as store.in_use --list "$work/list"
check 'biduid ends in order' stop_gateway
dump pushed
fresh
check 'all of them are loaded, and what is refused is said' load_exits 1 --list "$work/list"
cp "$work/body" "$work/loaded.json"
check 'as many as the generator states' known_counts
dump loaded
check 'what is stored is what pushing stores' same dump
check 'the trail has each, before and after' entries load 8
check 'and verifies' "$build/bidui" audit verify "$work/data/trail" --key "$work/signing.pub"
check 'loaded again nothing changes' again
check 'and files that are no lines are not read again' entries load.repeat 5
dump loaded
check 'and the store is the same' same dump
start_or_bail
list_rejects loaded
check 'the rejects are those of pushing' same rejects
check 'the receipt of a load is there' status_is 200 ask GET "/v1/messages/$(jq -rs 'map(select(.feed == "packet"))[0].message' "$work/loaded.json")"
check 'an older dump does not replace what is newer' older_stays_older
check 'nothing of it stands in clear' stop_gateway
fresh
: >"$work/empty.ndxml"
{ for ((i = 0; i <= $(nproc); i++)); do printf '%s\ttax/gt3\n' "$work/empty.ndxml"; done && cat "$work/list"; } >"$work/behind"
check 'behind files that hold nothing all the others are loaded' load_exits 1 --list "$work/behind"
dump loaded
check 'as they are without these' same dump
fresh
: >"$work/empty.txt"
printf '%s\tmarket/e_pb_baseinfo\t2026-06-01\t0\tbaseline\n%s\tsocial/nws\n' "$work/empty.txt" \
	"$top/adapters/social/samples/social_nws_unit_none.xml" >"$work/none"
says_nothing() { # and that is known again
	load_exits 0 --list "$work/none" && jq -se 'length == 2 and all(.received == 0 and .message != null and (.repeat | not))' "$work/body" &&
		load_exits 0 --list "$work/none" && jq -se 'all(.repeat)' "$work/body" && start_gateway && stop_gateway
}
check 'a table without rows, and a reply that nothing is there, are loaded as such' says_nothing
fresh
# The last of them alone.
sed '$s/-\tbaseline/7\tbaseline/' "$work/short" >"$work/wrong"
check 'a control total that is wrong: nothing is stored' nothing_is_stored delivery.total --list "$work/wrong"
printf '<x' >"$work/broken.xml"
{ cat "$work/short"; printf '%s\tsocial/packet\n' "$work/broken.xml"; } >"$work/wrong"
check 'a file that is none: nothing is stored' nothing_is_stored message.truncated --list "$work/wrong"
check 'a feed that is none' nothing_is_stored source.unknown "$work/broken.xml" --source social --feed nosuch
check 'no list, no files' load_exits 2
if cc -shared -fPIC -D_GNU_SOURCE -o "$work/ends.so" "$top/tests/e2e/ends.c" -ldl 2>"$work/check.out" &&
	LD_PRELOAD=$work/ends.so "$build/bidui" --version >/dev/null 2>&1; then
	fresh
	load --list "$work/short"
	cp "$work/body" "$work/short.json"
	dump short
	check 'killed at any sync, the same load goes on to the same end' survives_all
else
	count=$((count + 1))
	echo "ok $count # SKIP nothing can be preloaded into this build"
fi
echo "1..$count"
