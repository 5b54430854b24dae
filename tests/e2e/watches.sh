#!/usr/bin/env bash
# watches.sh - whoever asked for a case hears when its data changes, by asking and by a signed webhook that is sent
# until it is taken; and nobody else does. TAP.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
receiver_pid=
trap 'stop_gateway; stop_receiver; rm -rf "$work"' EXIT

number=440311199106159019
subject='{"entity":"person","id_type":"resident_id","id_no":"'$number'"}'
case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json
json=(-H 'Content-Type: application/json')
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")

# start_receiver STATUS...: anew, what it got before is gone.
start_receiver() {
	stop_receiver
	rm -rf "$work/got"
	mkdir "$work/got"
	"$python" "$top/tests/e2e/receiver.py" "$work/got" "$@" >"$work/receiver.log" 2>&1 &
	receiver_pid=$!
	until_there "$work/got/port"
}

stop_receiver() {
	[ -z "$receiver_pid" ] || { kill "$receiver_pid" 2>/dev/null; wait "$receiver_pid" 2>/dev/null; }
	receiver_pid=
}

until_there() { # FILE
	local left=300
	while [ "$left" -gt 0 ] && [ ! -e "$1" ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ -e "$1" ]
}

# Configuration of the webhook: the gateway reads it again without a dropped connection.
point_webhook() {
	sed -i '/^webhook_/d' "$work/senders"
	sed -i "s#^\[window\]#[window]\nwebhook_url = http://127.0.0.1:$(cat "$work/got/port")/watches\nwebhook_key_file = webhook.key#" "$work/senders"
	kill -HUP "$bidui_pid"
}

as() {
	local as=$1
	shift
	"$@"
}

decide() {
	jq '.question | .case = "GM-7"' "$case_file" >"$work/question.json"
	ask POST /v1/compare "${json[@]}" --data "@$work/question.json" >/dev/null
	jq -r .receipt "$work/body"
}

watches() { # QUERY
	ask GET "/v1/watches$1"
}

# Until the case file of a receipt is indexed a change is found when it is: both are within a second.
push_reply() { # SED-SCRIPT
	sed "$1" "$top/adapters/social/samples/social_nws_response.xml" >"$work/reply.xml"
	push social/nws "$work/reply.xml" >/dev/null
	jq -r .message "$work/body"
}

# signed FILE: the stand-in's copy of a request carries the mark that the contract describes.
signed() {
	local id stamp mark
	id=$(jq -r '.headers["webhook-id"]' "$1")
	stamp=$(jq -r '.headers["webhook-timestamp"]' "$1")
	mark=$( (printf '%s.%s.' "$id" "$stamp" && jq -jr .body "$1") |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(cat "$work/webhook.key")" -binary | base64 -w 0)
	[ "$(jq -r '.headers["webhook-signature"]' "$1")" = "v1,$mark" ]
}

make_keys
for name in window other bureau; do
	make_certificate "$name" "/CN=$name" 'extendedKeyUsage=clientAuth'
done
write_settings 0 0
for row in 'window:engine:' 'other:engine:' 'bureau:department:social'; do
	IFS=: read -r name roles sources_of <<<"$row"
	printf '\n[%s]\nspki_pin = %s\nroles = %s\n' "$name" "$(spki_pin "$work/tls/$name.crt")" "$roles" >>"$work/senders"
	[ -z "$sources_of" ] || printf 'sources = %s\n' "$sources_of" >>"$work/senders"
done
write_grants demo window other >"$work/grants.xml"
(umask 077 && openssl rand -hex 32 >"$work/webhook.key")
start_or_bail
push_samples_or_bail

# -- asked for --
receipt=$(as window decide)
check 'nothing has changed yet' as window status_is 200 watches ''
check 'so there is no event' body_is '.watches == [] and .more == false'
since=$(jq -r .next "$work/body")
wrong=$(push_reply 's/林示例/林示范/')
check 'whoever asked for the case hears of a change' as window status_is 200 watches "?since=$since&wait=10"
check 'of that case, and that it has changed' body_is ".watches | any(.receipt == \"$receipt\" and .case == \"GM-7\" and .source == \"social\" and .what == \"changed\" and .entity == \"person\")"
check 'and no value' bash -c "! grep -q -e $number -e 林示 '$work/body'"
check 'no case is decided anew unasked' body_is '.watches | all(has("would_now") | not)'
as window watches "?since=$since&would_now=true" >/dev/null
now=$(jq -r '.watches[0].would_now' "$work/body")
look=$(jq -r '.watches[0].entry' "$work/body")
check 'what the case would come to today is told to whom wants to know' body_is '.watches | all(.would_now == "refer")'
since=$(jq -r .next "$work/body")
as window ask POST "/v1/receipts/$receipt/reproduce" >/dev/null
check 'it is what a reproduction says' body_is ".today.decision == \"$now\" and .decision == \"pass\""
as window ask GET "/v1/receipts/$look" >/dev/null
check 'and is on record' body_is ".kind == \"reproduce\" and .of == \"$receipt\" and .status == \"today\" and .client == \"window\" and (.subjects | length) > 0"
check 'another engine does not' as other status_is 200 watches ''
check 'it has no events' body_is '.watches == []'
check 'nor can it use the cursor' as other expect 400 cursor.invalid watches "?since=$since"
check 'a department may not ask' as bureau expect 403 auth.role watches ''
push_reply 's/林示例/林示范/' >/dev/null
check 'said again it has not changed' as window status_is 200 watches "?since=$since"
check 'nothing since' body_is '.watches == []'

# A client that waits is told as soon as there is something.
as window watches "?since=$since&wait=20" >"$work/waited" &
waiting=$!
as bureau ask POST /v1/sources/social/recall "${json[@]}" --data "{\"message\":\"$wrong\"}" >/dev/null
push_reply '' >/dev/null
wait "$waiting"
check 'a client that waits is answered' test "$(cat "$work/waited")" = 200
as window watches "?since=$since" >/dev/null
check 'with what came meanwhile' body_is '.watches | length > 0'
since=$(jq -r .next "$work/body")
ask POST /v1/disputes "${json[@]}" --data "{\"subject\":$subject,\"source\":\"social\",\"entity\":\"person\",\"reason\":\"other\"}" >/dev/null
id=$(jq -r .dispute "$work/body")
as window watches "?since=$since&wait=10" >/dev/null
check 'a dispute is told' body_is '.watches | any(.what == "disputed" and .entity == "person")'
since=$(jq -r .next "$work/body")
message=$(push_reply 's/林示例/林示变/')
as window watches "?since=$since&wait=10" >/dev/null
since=$(jq -r .next "$work/body")
as bureau ask POST /v1/sources/social/recall "${json[@]}" --data "{\"message\":\"$message\"}" >/dev/null
as window watches "?since=$since&wait=10" >/dev/null
check 'and so is a recall' body_is '.watches | any(.what == "recalled")'
since=$(jq -r .next "$work/body")
push_reply '' >/dev/null
as window watches "?since=$since&wait=10" >/dev/null
since=$(jq -r .next "$work/body")

# In the moment between an answer and its indexing.
receipt=$(as window decide)
push_reply 's/林示例/林示快/' >/dev/null
as window watches "?since=$since&wait=10" >/dev/null
told=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	jq -e ".watches | any(.receipt == \"$receipt\")" "$work/body" >/dev/null && told=1 && break
	as window watches "?since=$since&wait=1" >/dev/null
	read -r -t 0.2 <> <(:) || true
done
check 'a change right behind an answer is not lost' test "$told" = 1

# -- over a kill --
before=$(as window watches '' >/dev/null; jq '.watches | length' "$work/body")
kill -9 "$bidui_pid"
wait "$bidui_pid" 2>/dev/null
start_gateway || { echo 'Bail out! no start after a kill'; exit 1; }
check 'events outlive a kill' test "$(as window watches '' >/dev/null; jq '.watches | length' "$work/body")" = "$before"

# -- by a load, while it is stopped --
since=$(as window watches '' >/dev/null; jq -r .next "$work/body")
sed 's/林示例/林示装/' "$top/adapters/social/samples/social_nws_response.xml" >"$work/loaded.xml"
check 'biduid ends in order' stop_gateway
check 'a change is loaded' "$build/bidui" load "$work/loaded.xml" --source social --feed nws --config "$work/bidui.conf"
start_gateway || { echo 'Bail out! no start after a load'; exit 1; }
check 'a load is told as a push is' as window status_is 200 watches "?since=$since&wait=10"
check 'of the same case' body_is ".watches | any(.receipt == \"$receipt\" and .source == \"social\" and .what == \"changed\" and .entity == \"person\")"

# -- on the command line --
export BIDUI_CERT="$work/tls/window.crt" BIDUI_KEY="$work/tls/window.key"
"$build/bidui" watch >"$work/said" 2>"$work/said.err"
check 'bidui watch' test $? -eq 0
check 'shows the case' grep -q 'GM-7.*social' "$work/said"
check 'not what it comes to today' bash -c "! grep -q 今日结论 '$work/said'"
last=$(sed -n 's/^--since //p' "$work/said.err")
"$build/bidui" watch --would-now >"$work/said" 2>/dev/null
check 'unless one wants to know' grep -qE '(pass|refer) *$' "$work/said"
check 'and where it stopped' test -n "$last"
"$build/bidui" watch --since "$last" >"$work/said" 2>/dev/null
check 'behind it there is nothing' test ! -s "$work/said"
timeout 20 "$build/bidui" -o json watch --since "$last" --follow >"$work/followed" 2>/dev/null &
following=$!
push_reply '' >/dev/null
for _ in $(seq 100); do
	grep -q '"seq"' "$work/followed" && break
	read -r -t 0.1 <> <(:) || true
done
check 'bidui watch --follow prints what comes' grep -q '"what":"changed"' "$work/followed"
kill "$following" 2>/dev/null
wait "$following" 2>/dev/null
export BIDUI_CERT="$work/tls/client.crt" BIDUI_KEY="$work/tls/client.key"

# -- sent --
start_receiver 503 302 204
point_webhook
check 'a webhook is called' until_there "$work/got/0.json"
check 'its body is signed' signed "$work/got/0.json"
check 'and says which cases' jq -e '.body | fromjson | .type == "watches" and (.watches | any(.case == "GM-7")) and (.watches | length) <= 100' "$work/got/0.json"
check 'and no value' bash -c "! grep -q -e $number -e 林示 '$work/got/0.json'"
check 'what is not taken is sent again' until_there "$work/got/1.json"
check 'as the same' test "$(jq -r '.headers["webhook-id"]' "$work/got/0.json")" = "$(jq -r '.headers["webhook-id"]' "$work/got/1.json")"
check 'a redirect is not followed' until_there "$work/got/2.json"
check 'but tried again where it should be' test "$(jq -r .path "$work/got/2.json")" = /watches
check 'signed anew' signed "$work/got/2.json"
first=$(jq -r '.body | fromjson | .watches | last | .seq' "$work/got/2.json")
push_reply 's/林示例/林示新/' >/dev/null
check 'the next event is sent' until_there "$work/got/3.json"
check 'in order, and none twice' jq -e ".body | fromjson | .watches | all(.seq > $first)" "$work/got/3.json"
ask GET /metrics >/dev/null
check 'failures are counted' grep -q '^bidui_webhook_failures_total 2$' "$work/body"
check 'and what was taken' grep -qE '^bidui_webhook_requests_total [1-9]' "$work/body"
"$build/bidui" --lang en status >"$work/said"
check 'bidui status shows it' grep -qE 'window +[0-9]+ +0 +204' "$work/said"
check 'to the sender itself as well' as window status_is 200 ask GET /v1/status
check 'only its own' body_is '.webhooks | length == 1 and .[0].sender == "window"'
as other ask GET /v1/status >/dev/null
check 'to nobody else' body_is '.webhooks == []'

# A receiver that is away, over a restart: what it has taken is not sent again, what it has not is.
sent=$(jq -r '.body | fromjson | .watches | last | .seq' "$work/got/3.json")
stop_receiver
stop_gateway || exit 1
start_gateway || { echo 'Bail out! no start'; exit 1; }
push_reply '' >/dev/null
start_receiver 204
point_webhook
check 'after a restart it goes on' until_there "$work/got/0.json"
check 'behind what was taken' jq -e ".body | fromjson | .watches | all(.seq > $sent)" "$work/got/0.json"
cat "$work/got/"*.json >"$work/all"
check 'no number in what was sent, the log or the data' bash -c "! grep -raq $number '$work/all' '$work/biduid.log' '$work/data'"

# -- settings --
refused() { # LINE TEXT: a configuration with that line of [other] is refused for that reason
	cp "$work/senders" "$work/senders.good"
	sed -i "s#^\[other\]#[other]\n$1#" "$work/senders"
	"$build/biduid" --config "$work/bidui.conf" --check >"$work/said" 2>&1
	local got=$?
	mv "$work/senders.good" "$work/senders"
	[ "$got" -eq 4 ] && grep -q "$2" "$work/said" || { cat "$work/said"; return 1; }
}
check 'plain http elsewhere is refused' refused 'webhook_url = http://192.0.2.1/x\nwebhook_key_file = webhook.key' 'webhook_url: https'
check 'a user in the address too' refused 'webhook_url = https://a:b@example.invalid/x\nwebhook_key_file = webhook.key' 'without a user'
check 'and a webhook without a key' refused 'webhook_url = https://example.invalid/x' 'go together'
check 'a misspelt one is found' refused 'webhook_uri = https://example.invalid/x' "did you mean 'webhook_url'"
stop_receiver
stop_gateway || exit 1
echo "1..$count"
