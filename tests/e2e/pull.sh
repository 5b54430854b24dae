#!/usr/bin/env bash
# pull.sh - what biduid fetches by itself, from departments that stand in: pages by number and by cursor, from where the
# last pull ended, over failures and restarts; and what it does not take. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_stand_in; kill "$bidui_pid" 2>/dev/null; rm -rf "$work"' EXIT

# sources XML: the sources file, from the next reload or start on.
sources() {
	printf '<?xml version="1.0" encoding="UTF-8"?>\n<sources>%s</sources>\n' "$1" >"$work/sources.xml"
}

# http NAME BASE [ATTRIBUTES [VALUES]]
http() {
	echo "<http name=\"$1\" base=\"http://127.0.0.1:$stand_in_http$2\" allow=\"127.0.0.1\" plaintext=\"true\" ${3-}>${4-}</http>"
}

# state NAME JQ: what the status says of a connection or pull.
state() {
	ask GET /v1/status >/dev/null && jq -e --arg n "$1" '.sources[] | select(.name == $n) | '"$2" "$work/body" >/dev/null
}

# How often the stand-in was asked for what begins so, of the last questions.
targets() { # JQ: of the list of targets
	control seen && jq -e '[.last[].target] | '"$1" "$work/control" >/dev/null
}

# answers JQ: of how often the stand-in answered how: {"200": 3, "gzip": 3}
answers() {
	control seen && jq -e '.answers | '"$1" "$work/control" >/dev/null
}

messages() { # FEED COUNT
	ask GET /v1/status >/dev/null && jq -e --arg f "$1" --argjson n "$2" '[.feeds[] | select(.feed == $f).messages] | add // 0 == $n' "$work/body" >/dev/null
}

figure() { # LINE
	ask GET /metrics >/dev/null && grep -qxF "$1" "$work/body"
}

"$build/tests/gen/bidui_gen" --people 600 --businesses 1200 --seed 5 --fault-rate 0 --out "$work/generated" >/dev/null
changes=$(grep -o '<DATA>' "$work/generated/social_packet.xml" | wc -l)
businesses=$(wc -l <"$work/generated/market_E_PB_BASEINFO.utf8.txt")
start_stand_in --generated "$work/generated" || { echo 'Bail out! no stand-in'; exit 1; }
make_keys
write_settings 0 0
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"

social() { # [ATTRIBUTES]
	http main /social/packet "concurrency=\"2\" tries=\"3\" trip-after=\"3\" trip-for=\"2s\" ${1-}"
}
changes() { # NAME REQUEST
	echo "<pull name=\"$1\" from=\"main\" request=\"$2\" feed=\"packet\" every=\"1s\"/>"
}
table() { # NAME REQUEST TABLE FEED
	echo "<pull name=\"$1\" from=\"main\" request=\"$2\" feed=\"$4\" every=\"1s\"><value name=\"table\" value=\"$3\"/></pull>"
}

# -- pages --
sources "<source name=\"social\">$(social)$(changes numbered changes)</source>
<source name=\"market\">$(http main /market/tables)$(table operators table-cursor E_PB_OPERATOR e_pb_operator)</source>"
start_gateway || { echo 'Bail out! the gateway did not start'; sed 's/^/# /' "$work/biduid.log"; exit 1; }
check 'pages by number are pulled to the end' eventually state numbered ".records == $changes and .failed == 0"
check 'in pages of the size that the adapter says' targets 'map(select(test("^/social/packet.*since=&page="))) | length >= 2'
check 'pages by cursor too' eventually state operators ".records >= $(wc -l <"$work/generated/market_E_PB_OPERATOR.utf8.txt") and .failed == 0"
check 'they came compressed, each of them' answers '.gzip >= 2'
check 'each names the next' targets 'any(test("cursor=[A-Za-z0-9]"))'
check 'the next pull begins where the last one ended' eventually targets 'any(test("since=20[0-9]{12}&page=1"))'
check 'figures tell of it' figure "bidui_pull_records_total{source=\"social\",name=\"numbered\"} $changes"
check 'bidui source list shows both' grep -q numbered <("$build/bidui" source list --lang en)
check 'and in Chinese' grep -q '连接／取数／现场查询／前置库' <("$build/bidui" source list --lang zh)
audit_has() {
	BIDUI_PURPOSE='' "$build/bidui" audit show "$work/data/trail" --key "$work/signing.pub" -o json >"$work/trail.ndjson" &&
		grep -q "$1" "$work/trail.ndjson"
}
check 'the trail has each message, in its own name' eventually audit_has pull:social/numbered

# -- a file that is asked for again only when it has changed --
control -X DELETE seen
sources "<source name=\"market\">$(http main /market/files)<pull name=\"file\" from=\"main\" request=\"file\" feed=\"e_pb_operator\" every=\"1s\"><value name=\"file\" value=\"20260601_E_PB_OPERATOR.txt\"/></pull></source>"
reload
check 'a file is pulled' eventually state file ".records >= $(wc -l <"$work/generated/market_E_PB_OPERATOR.utf8.txt")"
check 'what has not changed is not sent again' eventually answers '.["304"] >= 2'
check 'it is asked by its tag' eval 'control seen && jq -e ".last[-1].headers | has(\"if-none-match\")" "$work/control"'
check 'such a pull went well, and took nothing' state file '.code == "ok" and .failed == 0 and .pages == 1 and .unchanged >= 2'
check 'which the figures tell too' eval 'ask GET /metrics && grep -qE "^bidui_pull_unchanged_total.source=\"market\",name=\"file\". [1-9]" "$work/body"'
check 'the tag is kept over a restart' eval 'stop_gateway && control -X DELETE seen && start_gateway && eventually state file ".unchanged >= 1 and .pages == 0"'
check 'and the file was not sent' answers 'has("200") | not'
control -X PUT 'hidden?rows=3'
check 'one that has changed is taken' eventually state file '.pages == 1 and .code == "ok"'
control -X PUT 'hidden?rows=0'

# -- a restart in the middle: it goes on at the page that was not stored --
# Whole again before it starts: a pull that met the fault once more would be counted as failed.
restart_whole() {
	stop_gateway && control -X DELETE faults && start_gateway
}
control -X DELETE seen
control -X PUT 'faults?path=/market/tables/E_PB_BASEINFO&fault=drip:1' >/dev/null
sources "<source name=\"market\">$(http main /market/tables)$(table businesses table E_PB_BASEINFO e_pb_baseinfo)</source>"
control -X DELETE faults
control -X PUT 'faults?path=/market/tables/E_PB_BASEINFO&fault=hang' >/dev/null
check 'a reload takes another file' reload
check 'and the pulls of the old one are no more' test "$(ask GET /v1/status; jq '[.sources[].name] | index("numbered")' "$work/body")" = 200null
check 'a pull that hangs is running' eventually state businesses '.state == "running"'
check 'the gateway ends all the same' restart_whole
check 'the pull is done after the restart' eventually state businesses ".pages >= 2 and .failed == 0 and .records == $businesses"

# -- what the store has is kept with the page: kill -9 in the middle --
control -X DELETE seen
sources "<source name=\"social\">$(social 'max-bytes="1000000"')$(changes again changes-cursor)</source>"
control -X PUT 'faults?path=/social/packet&fault=slow:400' >/dev/null
reload
check 'a page is there' eventually state again '.pages >= 1'
kill -9 "$bidui_pid" && wait "$bidui_pid" 2>/dev/null
control -X DELETE faults
control -X DELETE seen
start_gateway
check 'after a crash the pages go on' eventually state again '.asked >= 1 and .failed == 0'
check 'from the page that was not stored, by its cursor' targets '(map(select(test("/social/packet")))[0]) | test("cursor=[A-Za-z0-9]")'

# -- what fails is tried again, and left alone after too many failures --
control -X PUT 'faults?path=/social/packet&fault=503*2' >/dev/null
check 'two failures are overcome by the third try' eventually targets 'length > 3'
check 'and the pull did not fail' state again '.failed == 0'
control -X PUT 'faults?path=/social/packet&fault=500' >/dev/null
check 'a circuit opens' eventually state main '.state == "open" and .code == "ask.status"'
check 'which the figures tell' figure 'bidui_source_circuit{source="social",name="main"} 1'
check 'and the log' grep -q '"event":"circuit.open"' "$work/biduid.log"
check 'bidui status shows it' grep -q '已熔断' <("$build/bidui" status --lang zh)
check 'bidui source test passes it, and says why' grep -q 'ask.status' <("$build/bidui" source test social --lang en)
control -X DELETE faults
check 'it closes again by itself' eventually state main '.state == "closed" and .code == "ok"'
check 'and the pull goes on' eventually state again '.code == "ok"'

# -- bidui source test --
"$build/bidui" source test social --lang en >"$work/tried"
check 'a trial that goes well' test $? -eq 0
check 'shows each step with its time' test "$(grep -cE '^✓ (name|TCP|answer|first record).* [0-9.]+ ms$' "$work/tried")" -eq 4
check 'in Chinese too' grep -qE '^✓ 首条记录 +[0-9.]+ ms$' <("$build/bidui" source test social --lang zh)

# -- what is not taken: each with its code, counted, and nothing stored --
connections= pulls=
refused() { # NAME BASE ALLOW [ATTRIBUTES]
	connections="$connections<http name=\"$1\" base=\"$2\" allow=\"$3\" plaintext=\"true\" tries=\"1\" trip-after=\"1000\" ${4:-max-bytes=\"100000\"}/>"
	pulls="$pulls<pull name=\"pull-$1\" from=\"$1\" request=\"changes-cursor\" feed=\"packet\" every=\"1d\"/>"
}
faulty() { # NAME FAULT [ATTRIBUTES]
	refused "$1" "http://127.0.0.1:$stand_in_http/with/$2/social/packet" 127.0.0.1 "${3-}"
}
faulty redirect redirect
faulty endless endless
faulty head endless-head
faulty bomb bomb 'max-bytes="1000000"'
faulty swollen swollen 'max-bytes="3000000"'
faulty cut cut
faulty reset reset
faulty garbage garbage
faulty junk junk
faulty login html
faulty words wrong-code 'max-bytes="10000000"'
faulty silence hang 'idle-ms="1000"'
faulty slow drip:100 'total-ms="1500"'
# An address is looked at when the name has been resolved, before anything is sent there.
control -X DELETE seen
refused outside "http://127.0.0.1:$stand_in_http/nobody" 10.0.0.0/8
refused everything "http://127.0.0.1:$stand_in_http/nobody" '0.0.0.0/0 ::/0'
refused by-name "http://localhost:$stand_in_http/nobody" '0.0.0.0/0 ::/0'
refused as-number "http://2130706433:$stand_in_http/nobody" '0.0.0.0/0'
refused mapped "http://[::ffff:127.0.0.1]:$stand_in_http/nobody" '::/0'
refused cloud 'http://169.254.169.254/latest/meta-data' '0.0.0.0/0'
refused unspecified "http://0.0.0.0:$stand_in_http/nobody" '0.0.0.0/0'
# Half a table has whole lines: it is no page all the same.
half="<http name=\"half\" base=\"http://127.0.0.1:$stand_in_http/with/cut/market/tables\" allow=\"127.0.0.1\" plaintext=\"true\" tries=\"1\" trip-after=\"1000\"/>"
ask GET /v1/status >/dev/null
before=$(jq -c '[.feeds[] | [.source, .feed, .messages]]' "$work/body")
sources "<source name=\"social\">$connections$pulls</source><source name=\"market\">$half$(table pull-half table E_PB_BASEINFO e_pb_baseinfo | sed 's/from="main"/from="half"/;s/every="1s"/every="1d"/')</source>"
check 'all of them are pulled from' reload
while read -r name code; do
	check "$name is refused: $code" eventually state "pull-$name" ".code == \"$code\" and .records == 0 and .failed == 1"
done <<-END
	redirect connect.redirect
	endless http.too_large
	head connect.answer_size
	bomb xml.syntax
	swollen limit.expansion
	half connect.broken
	cut connect.broken
	reset connect.broken
	garbage connect.broken
	junk xml.syntax
	login xml.doctype
	words source.failed
	silence connect.timeout
	slow connect.timeout
	outside connect.address
	everything connect.address
	by-name connect.address
	as-number connect.address
	mapped connect.address
	cloud connect.address
	unspecified connect.address
END
for name in redirect endless head swollen outside everything by-name as-number mapped cloud unspecified; do
	check "$name is counted as refused by us" state "$name" '.refused == 1'
done
for name in bomb cut reset garbage junk login words silence slow half; do
	check "$name is counted as failed" state "$name" '.failed == 1 and .refused == 0'
done
check 'nothing of any was taken' eval 'ask GET /v1/status >/dev/null && test "$(jq -c "[.feeds[] | [.source, .feed, .messages]]" "$work/body")" = "$before"'
check 'bidui status shows the refusals in words' grep -q '对方要求转到其他地址' <("$build/bidui" status --lang zh)
check 'and figures tell them' figure 'bidui_source_refusals_total{source="social",name="cloud"} 1'
check 'what may not be called was not asked' targets 'any(test("nobody")) | not'
ask GET /v1/status >/dev/null; jq -c '.sources[] | select(.kind == "pull") | [.name, .code]' "$work/body" >"$work/codes"

# -- a connection that was made while it was allowed is not used when it is no more --
sources "<source name=\"social\"><http name=\"kept\" base=\"http://127.0.0.1:$stand_in_http/social/packet\" allow=\"127.0.0.1\" plaintext=\"true\" tries=\"1\"/>$(changes narrowed changes | sed 's/from="main"/from="kept"/')</source>"
reload
check 'a pull goes well' eventually state narrowed '.code == "ok" and .asked >= 2'
sources "<source name=\"social\"><http name=\"kept\" base=\"http://127.0.0.1:$stand_in_http/social/packet\" allow=\"10.0.0.0/8\" plaintext=\"true\" tries=\"1\" trip-after=\"1000\"/>$(changes narrowed changes | sed 's/from="main"/from="kept"/')</source>"
reload
check 'and no more when its address is allowed no more' eventually state narrowed '.code == "connect.address"'

# -- a file with an error leaves the last good one in force --
sources '<source name="social"><http name="main"/></source>'
kill -HUP "$bidui_pid"
check 'a wrong file is refused' eventually grep -q '"event":"reload.refused"' "$work/biduid.log"
check 'and the pulls go on' state narrowed '.asked >= 1'

check 'the gateway ends in order' stop_gateway
echo "1..$count"
