#!/usr/bin/env bash
# look_up.sh - departments asked on the spot: what a case does not find fresh enough in the store is asked for within its
# deadline, from departments that stand in; and what becomes of the case when they do not answer as they should. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_stand_in; kill "$bidui_pid" 2>/dev/null; rm -rf "$work"' EXIT

# -- a matter for each kind of freshness --
schemas=$work/schemas
cp -r "$top/schemas" "$schemas"
matter() { # ID ROLE KIND ELEMENTS
	mkdir -p "$schemas/matters/$1"
	cat >"$schemas/matters/$1/matter.xml" <<-END
		<?xml version="1.0" encoding="UTF-8"?>
		<matter id="$1" version="1" zh="现场查询试验" en="a trial of look-ups" basis="试验" effective-from="2020-01-01" wait-s="3600">
		 <role name="$2" zh="主体" en="subject" kind="$3" min="1" max="1"/>
		 $4
		</matter>
	END
}
element() { # ID ATTRIBUTES [INSIDE]
	echo "<element id=\"$1\" zh=\"$1\" en=\"$1\" core=\"true\" $2>${3-}</element>"
}
status='entity="tax_status" field="taxpayer_status" polarity="must_agree" sources="tax"'
matter held business organization "$(element status "role=\"business\" $status" '<value>normal</value>')"
matter hour business organization "$(element status "role=\"business\" $status freshness=\"observed\" max-age-s=\"3600\"" '<value>normal</value>')"
matter second business organization "$(element status "role=\"business\" $status freshness=\"observed\" max-age-s=\"1\"" '<value>normal</value>')"
matter tolerant business organization "$(element status "role=\"business\" $status freshness=\"observed\" max-age-s=\"1\" tolerated=\"stale\"" '<value>normal</value>')"
matter person applicant person "$(element insured 'role="applicant" entity="insurance_status" polarity="must_exist" sources="medical"')"

matter named business organization "$(element name 'role="business" entity="organization" field="name" polarity="must_agree" claimed="true" sources="tax"')"

"$build/tests/gen/bidui_gen" --people 300 --businesses 600 --seed 7 --fault-rate 0 --out "$work/generated" >/dev/null
start_stand_in --generated "$work/generated" --samples "$top/adapters" || { echo 'Bail out! no stand-in'; exit 1; }
make_keys
write_settings 0 0
# Who is told the decision alone.
"$build/bidui" pki department counter DNS:counter.client.invalid --folder "$work/tls" >/dev/null 2>&1
printf '[counter]\nspki_pin = %s\nroles = engine\n' "$(spki_pin "$work/tls/counter.crt")" >>"$work/senders"
sed -i "s|</grants>| <grant id=\"C1\" sender=\"counter\" purpose=\"$purpose\" matter=\"hour\" disclosure=\"decision\" basis=\"SAMPLE-2026-001\" from=\"2026-01-01\" until=\"2099-12-31\"/>\n&|" \
	"$work/grants.xml"
cat >>"$work/bidui.conf" <<END
sources_file = $work/sources.xml
look_up_wait_ms = 25000
END

# sources [TAX-ATTRIBUTES [LOOK-UP-ATTRIBUTES [MORE]]]: from the next reload or start on. $remember is of medical insurance.
remember=600s
sources() {
	cat >"$work/sources.xml" <<-END
		<?xml version="1.0" encoding="UTF-8"?>
		<sources>
		 <source name="tax">
		  <http name="main" base="http://127.0.0.1:$stand_in_http/tax/gt3" allow="127.0.0.1" plaintext="true" concurrency="64" ${1-trip-after=\"1000\"}>
		   <value name="channel_id" value="SZGM.ZWFW.BIDUI"/>
		  </http>
		  <look-up from="main" request="by-number" feed="gt3" ${2-}/>
		  ${3-}
		 </source>
		 <source name="medical">
		  <http name="main" base="http://127.0.0.1:$stand_in_http/platform/medical" allow="127.0.0.1" plaintext="true" concurrency="64" trip-after="1000">
		   <value name="rid" value="r-1"/><value name="sid" value="s-1"/>
		   <value name="platform_secret" file="$work/stand-in/keys/platform.secret"/>
		  </http>
		  <look-up from="main" request="query-platform" feed="platform" remember-none="$remember"/>
		 </source>
		</sources>
	END
}

fault() { # FAULT [PATH]
	control -X PUT "faults?path=${2-/tax/gt3}&fault=$1" >/dev/null
}
whole() {
	control -X DELETE faults && control -X DELETE seen
}
# What the fault `wait` holds back, once there is some.
release() {
	eventually released
}
released() {
	control -X POST release && [ "$(cat "$work/control")" -gt 0 ]
}
asked() { # COUNT [PATH]: how often the stand-in was, since `whole`
	control seen && jq -e --arg p "${2-/tax/gt3}" --argjson n "$1" '([.counts[$p] // 0] | add) == $n' "$work/control"
}
state() { # JQ: of the tax look-up
	ask GET /v1/status >/dev/null && jq -e '.sources[] | select(.kind == "look_up" and .source == "tax") | '"$1" "$work/body" >/dev/null
}
figure() { # LINE
	ask GET /metrics >/dev/null && grep -qxF "$1" "$work/body"
}
# case_of MATTER NUMBER [MEMBERS]
case_of() {
	if [ "$1" = person ]; then
		printf '{"matter":"person","case":"P-%s","submitted_at":"%s","subjects":{"applicant":{"entity":"person","id_type":"resident_id","id_no":"%s"}}%s}\n' \
			"${2: -4}" "$(date +%Y-%m-%dT%H:%M:%S%:z)" "$2" "${3-}"
	else
		printf '{"matter":"%s","case":"B-%s","submitted_at":"%s","subjects":{"business":{"entity":"organization","uscc":"%s"}}%s}\n' \
			"$1" "${2: -4}" "$(date +%Y-%m-%dT%H:%M:%S%:z)" "$2" "${3-}"
	fi
}
# decided MATTER NUMBER JQ [MEMBERS]: compared, and the answer is so.
decided() {
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data "$(case_of "$1" "$2" "${4-}")")" = 200 ] &&
		body_is "$3"
}
# batch FILE: its lines in $work/lines
# begin FILE CURL-ARGUMENT...: a case or a batch in the background; its answer in $work/FILE, its process in $begun.
begin() {
	local file=$1
	shift
	rm -f "$work/$file"
	curl -sN --max-time 30 -o "$work/$file" -H "Bidui-Purpose: $purpose" --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
		--key "$work/tls/client.key" "$@" "https://127.0.0.1:$https_port/v1/compare" &
	begun=$!
}
begin_case() { # FILE MATTER NUMBER [CURL-ARGUMENT...]
	begin "$1" -H 'Content-Type: application/json' --data "$(case_of "$2" "$3")" "${@:4}"
}
begin_batch() { # FILE FROM
	begin "$1" -H 'Content-Type: application/x-ndjson' --data-binary "@$2"
}
waits() { # COUNT: cases that wait for the tax authority
	eventually state ".waiting == $1"
}
batch() {
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$1")" = 200 ] && cp "$work/body" "$work/lines"
}

# Taxpayers in order of one registration, each for one check; and people that medical insurance knows.
identity_files="$work/generated/tax.ndxml $work/generated/medical.ndjson"
mapfile -t businesses < <(grep '<nsrztDm>03<' "$work/generated/tax.ndxml" | grep -v '<nsrxxGridlb>.*<nsrxxGridlb>' |
	sed -n 's/.*<shxydm>\([^<]*\)<.*/\1/p' | sort -u)
mapfile -t people < <(jq -r '.output.baseinfo | select(.psn_cert_type == "01") | .certno' "$work/generated/medical.ndjson" | sort -u)
[ "${#businesses[@]}" -gt 200 ] && [ "${#people[@]}" -gt 20 ] || { echo 'Bail out! too few are invented'; exit 1; }
next=0
another() { # the number of a business that nobody has asked about: in $number
	number=${businesses[next]}
	next=$((next + 1))
}
passes='.decision == "pass" and .findings[0].code == "match"'
unknown='.decision == "retry" and .findings[0].code == "unavailable"'

sources
start_or_bail

# -- what is held is not asked; what nobody told, and what is old, is --
another
whole
check 'what nobody has told is asked on the spot' decided hour "$number" "$passes"' and .findings[0].source == "tax"'
check 'the answer says so' body_is '.look_ups == [{source: "tax", feed: "gt3", subject: "/subjects/business", code: "ok", detail_zh: "成功", detail_en: "ok"}]'
check 'once' asked 1
check 'what is fresh is not' decided hour "$number" "$passes and (has(\"look_ups\") | not)"
check 'nobody was asked' asked 1
control -X POST "replace?number=$number&old=<nsrztDm>03<&new=<nsrztDm>05<" >/dev/null
check 'not even where it has changed meanwhile' decided hour "$number" "$passes"
stale_is_asked() {
	eventually decided second "$number" '.findings[0].code == "mismatch" and .findings[0].flags == [] and .look_ups[0].code == "ok"'
}
check 'what is older than the matter takes is asked, and compared as it is now' stale_is_asked
check 'and is held from then on' decided held "$number" '.findings[0].code == "mismatch" and (has("look_ups") | not)'
another
a_clerk_sees_it() {
	case_of hour "$number" >"$work/case.json"
	"$build/bidui" compare "$work/case.json" | grep -qxF '  现场查询 tax/gt3：成功'
}
check 'bidui compare says who was asked, and how that ended' a_clerk_sees_it
in_the_receipt() { # as the answer says it; and nothing where nobody was asked
	local told
	another
	decided hour "$number" "$passes" && told=$(jq -c '[.look_ups[] | {source, feed, subject, code}]' "$work/body") &&
		status_is 200 ask GET "/v1/receipts/$(jq -r .receipt "$work/body")" && body_is ".look_ups == $told" &&
		decided hour "$number" "$passes" &&
		status_is 200 ask GET "/v1/receipts/$(jq -r .receipt "$work/body")" && body_is '.kind == "compare" and (has("look_ups") | not)'
}
check 'its receipt too says who was asked' in_the_receipt
to_whom_it_may() { # who is told the decision alone is not told that; whoever explains the decision is
	local receipt
	another
	as=counter decided hour "$number" '.decision == "pass" and .disclosure == "decision" and (has("look_ups") | not)' &&
		receipt=$(jq -r .receipt "$work/body") &&
		as=counter status_is 200 ask GET "/v1/receipts/$receipt" && body_is '.elements == [] and (has("look_ups") | not)' &&
		status_is 200 ask GET "/v1/receipts/$receipt" && body_is '(.elements | length) == 1 and .look_ups[0].code == "ok"'
}
check 'but not to whom the decision alone is told' to_whom_it_may
another
check 'deadline_ms 0 asks nobody' decided hour "$number" "$unknown and (has(\"look_ups\") | not)" ',"deadline_ms":0'
check 'a deadline is a whole number' expect 422 question.form ask POST /v1/compare -H 'Content-Type: application/json' \
	--data "$(case_of hour "$number" ',"deadline_ms":-1')"

# -- one request a subject and feed, however many cases --
another
whole
fault 'wait*1'
ten_at_once() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		begin_case "one.$i" hour "$number"
		ten[i]=$begun
	done
	waits 10 && release && wait "${ten[@]}"
	[ "$(jq -s "[.[] | select($passes and .look_ups[0].code == \"ok\")] | length" "$work"/one.*)" = 10 ]
}
check 'ten cases about the same business' ten_at_once
check 'make one request' asked 1
check 'the state counts it' state '.asked >= 3 and .failed == 0 and .busy == 0 and .waiting == 0'
audit_is() { # JQ
	BIDUI_PURPOSE='' "$build/bidui" audit show "$work/data/trail" --key "$work/signing.pub" -o json >"$work/trail.ndjson" &&
		jq -es "$1" "$work/trail.ndjson" >/dev/null
}
audit_has() { # JQ
	audit_is "any(.[]; $1)"
}
case_id="B-${number: -4}"
check 'the trail has who asked whom, for which case, with how many others' eventually audit_has \
	".kind == \"look_up\" and .client == \"demo\" and .purpose == \"$purpose\" and .case == \"$case_id\" and .source == \"tax\" and .feed == \"gt3\" and .code == \"ok\" and .more == 9 and (.subjects[0].digest | length) == 64 and .message > 0"

# -- bidui source test: the step of the first record lasts until a worker has read it --
try_step() { # a trial while no worker works: its last step is not over before they go on
	local workers trial begun_ms ended_ms
	another
	workers=$(pgrep -P "$bidui_pid" -f bidui-worker) || return 1
	# shellcheck disable=SC2086
	kill -STOP $workers
	"$build/bidui" source test tax gt3 --kind uscc --number "$number" -o json >"$work/tried" 2>&1 &
	trial=$!
	eventually figure 'bidui_workers_busy 1'
	begun_ms=$(date +%s%3N)
	read -r -t 0.2 <> <(:) || true
	ended_ms=$(date +%s%3N)
	# shellcheck disable=SC2086
	kill -CONT $workers
	wait "$trial" &&
		jq -e --argjson least $((ended_ms - begun_ms - 2)) '.steps[-1] | .step == "records" and .good and .us >= $least * 1000' "$work/tried"
}
check 'a trial of it: the first record is there when a worker has read it' try_step

check 'people too, through a platform that wants its signature' decided person "${people[0]}" "$passes"' and .look_ups[0].feed == "platform"'

# -- that a department has nothing is remembered for a while --
nobody=440311199001019909
whole
none='.decision == "retry" and .findings[0].code == "unavailable" and .look_ups[0].code == "source.not_found"'
check 'whom a department does not know proves nothing' decided person "$nobody" "$none"
check 'and is not asked again at once' decided person "$nobody" "$none"
check 'so it was asked once' asked 1 /platform/medical
asked_again() {
	decided person "$nobody" "$none" && asked 2 /platform/medical
}
forgets() {
	remember=1s
	sources
	reload && eventually asked_again
}
check 'but after remember-none' forgets

# -- departments that do not answer as they should: never mismatch, and in time --
failing() { # FAULT CODE [MATTER]
	another
	fault "$1"
	decided "${3-hour}" "$number" "$unknown and .look_ups[0].code == \"$2\""
}
whole
check 'a 500' failing 500 ask.status
check 'a success code that says failure' failing wrong-code source.failed
check 'a login page' failing html xml.doctype
check 'bytes that nobody can read' failing junk xml.syntax
check 'bytes that are not HTTP' failing garbage connect.broken
check 'a connection that is broken off' failing reset connect.broken
check 'an answer that ends in the middle' failing cut connect.broken
check 'an answer about somebody else' failing stranger ok
in_time() { # it is the case's deadline that is over, not the time that a department has
	another
	fault 'wait*1'
	decided hour "$number" "$unknown and .look_ups[0].code == \"connect.timeout\"" ',"deadline_ms":600' &&
		timed_out=$(jq -r .receipt "$work/body") && state '.busy == 1' &&
		release && eventually state '.busy == 0'
}
check 'one that hangs: answered within the deadline' in_time
explained() { # long after: who was asked, and that it did not answer
	"$build/bidui" explain "$1" --lang zh >"$work/explained" && grep -qxF '  现场查询 tax/gt3：对方未在限定时间内应答' "$work/explained" &&
		"$build/bidui" explain "$1" --lang en | grep -qxF '  asked on the spot tax/gt3: the other side did not answer in time'
}
check 'bidui explain says that it was asked in vain' eventually explained "$timed_out"
another
fault 500
push_old() { # what the tax authority said of it some seconds ago
	grep -m 1 "<shxydm>$number<" "$work/generated/tax.ndxml" >"$work/reply.xml"
	status_is 200 push tax/gt3 "$work/reply.xml"
}
check 'of what is held' push_old
is_stale() {
	decided second "$number" '.decision == "retry" and .findings[0].code == "match" and .findings[0].flags == ["stale"] and .look_ups[0].code == "ask.status"' &&
		decided tolerant "$number" '.decision == "pass" and .findings[0].flags == ["stale"]'
}
check 'what could not be asked anew is stale, as the matter takes it' eventually is_stale
control -X DELETE faults

# -- what comes too late for its case is stored all the same --
another
fault 'wait*1'
check 'an answer that is late' decided hour "$number" "$unknown and .look_ups[0].code == \"connect.timeout\"" ',"deadline_ms":300'
check 'comes in the end' release
check 'is held from then on' eventually decided held "$number" "$passes" ',"deadline_ms":0'
check 'the figures tell of it' figure 'bidui_look_ups_late_total{source="tax",name="gt3"} 2'

# -- lines: in their order, whatever waits --
whole
fault 'wait*1'
: >"$work/cases.ndjson"
waits=${businesses[next]}
case_of hour "$waits" >>"$work/cases.ndjson"
for ((i = 0; i < 150; i++)); do
	case $((i % 3)) in
	0) case_of held "${businesses[0]}" >>"$work/cases.ndjson" ;;
	1) another && case_of hour "$number" >>"$work/cases.ndjson" ;;
	2) echo '{"matter":"nothing"}' >>"$work/cases.ndjson" ;;
	esac
done
a_batch() { # its first line waits until the others have been answered
	begin_batch lines "$work/cases.ndjson"
	eventually asked 21 && waits 2 && release && wait "$begun"
}
check 'a batch in which some wait' a_batch
in_order() {
	jq -r '.case // "none"' "$work/cases.ndjson" >"$work/wanted"
	jq -r '.case // "none"' "$work/lines" | diff "$work/wanted" - &&
		[ "$(jq -s '[.[] | select(.look_ups != null and .decision == "pass")] | length' "$work/lines")" = 51 ] &&
		[ "$(jq -s '[.[] | select(.code == "matter.unknown")] | length' "$work/lines")" = 50 ]
}
check 'is answered in its order' in_order

# -- a repeat, a client that leaves --
key_in_progress() {
	another
	fault 'wait*1'
	local key='Idempotency-Key: look-up-1' body
	body=$(case_of hour "$number")
	begin first -H 'Content-Type: application/json' -H "$key" --data "$body"
	waits 1 &&
		expect 409 idempotency.in_progress ask POST /v1/compare -H 'Content-Type: application/json' -H "$key" --data "$body" &&
		release && wait "$begun" && jq -e "$passes" "$work/first" &&
		status_is 200 ask POST /v1/compare -H 'Content-Type: application/json' -H "$key" --data "$body" &&
		[ "$(jq .receipt "$work/first")" = "$(jq .receipt "$work/body")" ]
}
check 'an Idempotency-Key is in progress while its case waits, and answered once' key_in_progress
leaves() { # PROCESS: a client that is there no more
	kill "$1" && ! wait "$1"
}
was_left=".kind == \"refusal\" and .code == \"http.closed\" and .client == \"demo\" and .path == \"/v1/compare\" and (.subjects | length) == 1"
one_leaves() { # who waits for the same goes on
	local gone
	another
	case_id="B-${number: -4}"
	fault 'wait*1'
	begin_case gone hour "$number" -H 'Idempotency-Key: look-up-2'
	gone=$begun
	begin_case stays hour "$number"
	waits 2 && leaves "$gone" && waits 1 && state '.busy == 1' && release && wait "$begun" && jq -e "$passes" "$work/stays"
}
check 'of two that wait for the same one leaves: the other is answered' one_leaves
check 'the trail has that the first was not' eventually audit_has "$was_left and .case == \"$case_id\""
both() { # answered, and refused
	jq -es --arg id "$case_id" '[.[] | select(.case == $id and .kind == "compare")] | length == 1' "$work/trail.ndjson" &&
		jq -es --arg id "$case_id" '[.[] | select(.case == $id and .kind == "refusal")] | length == 1' "$work/trail.ndjson"
}
check 'once, and that the second was' both
its_key_is_free() {
	status_is 200 ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: look-up-2' --data "$(case_of hour "$number")" &&
		body_is "$passes"
}
check 'and its Idempotency-Key is free' its_key_is_free
all_leave() { # a case and a batch: nobody waits any more, and what is still asked is stored when it comes
	local first last
	another
	first=$number
	fault 'wait*2'
	begin_case gone hour "$first"
	waits 1 && leaves "$begun" && waits 0 && another || return 1
	last=$number
	case_id="B-${last: -4}"
	{ case_of hour "$last" && case_of held "${businesses[0]}" && echo '{"matter":"nothing"}'; } >"$work/left.ndjson"
	begin_batch gone "$work/left.ndjson"
	waits 1 && leaves "$begun" && waits 0 && state '.busy == 2' && control seen && [ "$(jq .waiting "$work/control")" -ge 2 ] &&
		release && eventually decided held "$first" "$passes" ',"deadline_ms":0' &&
		eventually decided held "$last" "$passes" ',"deadline_ms":0'
}
check 'all who wait leave: what comes is stored' all_leave
check 'of a batch too the trail has what was not answered' eventually audit_has "$was_left and .case == \"$case_id\""
begun_leaves() { # a batch that has been answered in part, and whose client is gone
	another
	fault 'wait*1'
	{ case_of held "${businesses[0]}" && case_of hour "$number"; } >"$work/left.ndjson"
	begin_batch gone "$work/left.ndjson"
	waits 1 && eventually test -s "$work/gone" && leaves "$begun" && waits 0 && state '.busy == 1' && release
}
check 'nor is a batch kept whose answer has begun' begun_leaves
half_closed() { # says no more, but reads: the stand-in answers once this is known
	another
	fault 'wait*1'
	case_of hour "$number" >"$work/half.json"
	"$python" - "$work/tls" "$https_port" "$(stand_in_port control)" "$work/half.json" >"$work/half" <<-'END' && jq -e "$passes" "$work/half"
		import os, socket, ssl, sys, urllib.request
		tls, port, control, path = sys.argv[1:]
		context = ssl.create_default_context(cafile=f"{tls}/ca.crt")
		context.load_cert_chain(f"{tls}/client.crt", f"{tls}/client.key")
		plain = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
		beneath = socket.socket(fileno=os.dup(plain.fileno()))
		stream = context.wrap_socket(plain, server_hostname="localhost")
		body = open(path, "rb").read()
		stream.sendall(b"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nBidui-Purpose: verification\r\n"
		               b"Content-Length: %d\r\n\r\n" % len(body) + body)
		beneath.shutdown(socket.SHUT_WR)
		answer = b""
		while not answer.endswith(b"\r\n\r\n"):
		    answer += stream.recv(1)
		assert answer == b"HTTP/1.1 100 Continue\r\n\r\n", answer
		urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{control}/release", method="POST")).read()
		while True:
		    more = stream.recv(65536)
		    if not more:
		        break
		    answer += more
		print(answer.split(b"\r\n\r\n", 2)[2].decode())
	END
}
check 'a client that only has nothing more to say is answered' half_closed

# -- no more cases wait than may --
cp "$work/bidui.conf" "$work/usual.conf"
echo 'cases_waiting_max = 3' >>"$work/bidui.conf"
too_many() { # three lines wait; the fourth is refused, as is a single case; then the three are answered
	local i all=()
	reload || return 1
	for i in 1 2 3 4; do
		another && case_of hour "$number" && all+=("$number")
	done >"$work/four.ndjson"
	fault 'wait*3'
	begin_batch lines "$work/four.ndjson"
	waits 3 && another && eventually figure 'bidui_cases_busy_total 1' || return 1
	expect 503 busy ask POST /v1/compare -H 'Content-Type: application/json' --data "$(case_of hour "$number")" &&
		grep -qix 'retry-after: 1.\?' "$work/head" && body_is '.retryable and .retry_after == 1' &&
		decided held "${businesses[0]}" '.decision == "pass" or .decision == "refer"' && release_all 3 && wait "$begun" &&
		jq -es "(.[:3] | all($passes)) and (.[3] | .code == \"busy\" and .status == 503 and .retryable and .retry_after == 1)" "$work/lines"
}
release_all() { # COUNT
	local left=$1
	while [ "$left" -gt 0 ]; do
		release || return 1
		left=$((left - $(cat "$work/control")))
	done
}
check 'more cases than may wait: 503 and Retry-After, and the others go on' too_many
accepted_again() { # the very case that was refused, and the last line
	eventually figure 'bidui_cases_waiting 0' && decided hour "$number" "$passes" && decided hour "${businesses[next - 2]}" "$passes"
}
check 'afterwards one more may wait again' accepted_again
check 'and it was counted' figure 'bidui_cases_busy_total 2'
cp "$work/usual.conf" "$work/bidui.conf"

# -- configurations, restarts --
reload_in_the_middle() { # and one that comes meanwhile
	local first
	another
	fault 'wait*1'
	begin_case posted hour "$number"
	first=$begun
	waits 1 && sources && reload && another || return 1
	begin_case later hour "$number"
	release && wait "$first" && jq -e "$passes" "$work/posted" && wait "$begun" && jq -e "$passes" "$work/later"
}
check 'a reload in the middle: what waits is answered, and the next is asked by the new one' reload_in_the_middle
left_between() { # two configurations: nobody has begun to ask
	another
	fault 'wait*1'
	begin_case posted hour "$number"
	local first=$begun
	waits 1 && reload && another || return 1
	begin_case gone hour "$number"
	eventually figure 'bidui_cases_waiting 2' && leaves "$begun" && eventually figure 'bidui_cases_waiting 1' &&
		release && wait "$first" && jq -e "$passes" "$work/posted"
}
check 'one that leaves between two configurations gives its place back too' left_between
source_restarted() {
	local port=$stand_in_http
	another
	stop_stand_in
	decided hour "$number" "$unknown and .look_ups[0].code == \"connect\"" &&
		start_stand_in --generated "$work/generated" --http "$port" && another && decided hour "$number" "$passes"
}
check 'a source that is restarted' source_restarted
drained() {
	another
	fault 'wait*1'
	begin_case posted hour "$number"
	waits 1 && kill -TERM "$bidui_pid" && eventually grep -q '"event":"drain"' "$work/biduid.log" && release &&
		wait "$begun" && jq -e "$passes" "$work/posted"
}
ended() { # by the signal that it has
	local got=0
	wait "$bidui_pid" || got=$?
	bidui_pid=
	[ "$got" = 0 ] && ! grep -qE "$unclean" "$work/biduid.log"
}
check 'SIGTERM: a case that waits is finished' drained
check 'and the gateway ends in order' ended

# -- a circuit, shared with whatever else is asked of the source --
sources 'trip-after="3" trip-for="5s"'
start_or_bail
whole
trips() {
	local i
	fault flap:3
	for i in 1 2 3; do
		another && decided hour "$number" "$passes" || return 1
	done
	state true && good=$(jq -r '.sources[] | select(.kind == "look_up" and .source == "tax") | .good' "$work/body") || return 1
	for i in 1 2 3; do
		another && decided hour "$number" "$unknown and .look_ups[0].code == \"ask.status\"" || return 1
	done
	another && decided hour "$number" "$unknown and .look_ups[0].code == \"ask.circuit\"" && asked 6
}
check 'a source that flaps: its circuit opens, and nobody asks it' trips
check 'which is counted, and is no success' state ".refused == 1 and .busy == 0 and .waiting == 0 and .good == \"$good\" and .good != null"
check 'and is on the trail, of whom' eventually audit_has \
	".kind == \"look_up\" and .code == \"ask.circuit\" and .case == \"B-${number: -4}\" and .client == \"demo\" and (.subjects[0].digest | length) == 64"
closes() {
	another && decided hour "$number" "$passes"
}
check 'and closes by itself' eventually closes
control -X DELETE faults

# -- a second request where the first is slow; a source that has said that it is closed --
hedged() {
	sources 'trip-after="1000"' 'hedge-ms="200"'
	reload && whole || return 1
	another
	fault 'hang*1'
	decided hour "$number" "$passes" && asked 2
}
check 'one that is slow is asked a second time, and the first answer counts' hedged
closed() {
	local opens
	opens=$(date -d '+2 hours' +%Y-%m-%dT%H:%M:%S%:z)
	sources '' '' "<closed from=\"$(date -d '-1 hour' +%Y-%m-%dT%H:%M:%S%:z)\" until=\"$opens\" zh=\"月结\"/>"
	reload && whole || return 1
	another
	decided hour "$number" "$unknown and (has(\"look_ups\") | not) and .retry_after_s > 7000 and .retry_after_s <= 7200" && asked 0
}
check 'one that is closed is not asked, and the case is worth trying again when it opens' closed

# -- a source that judges the claim itself: only its verdict is kept --
judging() { # another connection of the same source, for its verify feed
	sources '' '' "<http name=\"platform\" base=\"http://127.0.0.1:$stand_in_http/platform/tax/verify\" allow=\"127.0.0.1\" plaintext=\"true\"><value name=\"rid\" value=\"r\"/><value name=\"sid\" value=\"s\"/><value name=\"platform_secret\" file=\"$work/stand-in/keys/platform.secret\"/></http><look-up from=\"platform\" request=\"verify\" feed=\"verify\"/>"
	# What the same source tells of itself would be asked beside it.
	sed -i '/feed="gt3"/d' "$work/sources.xml"
	reload && whole
}
check 'a source that judges claims' judging
another
name=$(sed -n "s/.*<shxydm>$number<.*<nsrmc>\\([^<]*\\)<.*/\\1/p" "$work/generated/tax.ndxml" | head -n 1)
claim=",\"claims\":[{\"of\":\"/subjects/business\",\"field\":\"name\",\"value\":\"$name\"}]"
wrong=',"claims":[{"of":"/subjects/business","field":"name","value":"深圳市光明区示例别家店"}]'
judged='.findings[0].via == "source" and .findings[0].source == "tax"'
verdict=/platform/tax/verify
check 'says that it agrees' decided named "$number" ".decision == \"pass\" and $judged and .look_ups[0].feed == \"verify\"" "$claim"
check 'which is kept: it is not asked again' decided named "$number" ".decision == \"pass\" and $judged and (has(\"look_ups\") | not)" "$claim"
check 'another claim is judged by itself' decided named "$number" ".findings[0].code == \"mismatch\" and $judged and .look_ups[0].code == \"ok\"" "$wrong"
check 'so it was asked about two' asked 2 $verdict
no_value() { # nothing but digests and verdicts is held of it
	status_is 200 query "{\"entity\":\"organization\",\"uscc\":\"$number\"}" && ! grep -q "$name" "$work/body" && grep -q consistent "$work/body"
}
check 'no value is held' no_value
refuses_to_judge() {
	another
	fault wrong-code $verdict
	decided named "$number" "$unknown and .look_ups[0].code == \"source.failed\"" "$claim"
}
check 'one that cannot judge is no mismatch' refuses_to_judge
control -X DELETE faults
sources
check 'and back' reload
check 'bidui source list shows look-ups' grep -qE 'tax +gt3' <("$build/bidui" source list --lang en)
check 'in the end nobody waits' eventually state '.waiting == 0'
check 'the gateway ends in order, and nobody stands in clear' stop_gateway
echo "1..$count"
