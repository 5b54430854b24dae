#!/usr/bin/env bash
# silence.sh - a feed that falls silent or changes its format is reported in status, figures and a webhook, and no
# more when it is over; over a kill what was learnt is there. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
receiver_pid=
trap 'stop_gateway; stop_receiver; rm -rf "$work"' EXIT
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")

until_true() { # COMMAND...
	local left=150
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { "$@"; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
}

stop_receiver() {
	[ -z "$receiver_pid" ] || { kill "$receiver_pid" 2>/dev/null; wait "$receiver_pid" 2>/dev/null; }
	receiver_pid=
}

alarm() { # CODE SOURCE/FEED [JQ-FILTER]: there is that one
	ask GET /v1/status >/dev/null && jq -e --arg c "$1" --arg s "${2%%/*}" --arg f "${2#*/}" \
		".alarms | any(.code == \$c and .source == \$s and .feed == \$f and (${3-true}))" "$work/body"
}

no_alarm() {
	ask GET /v1/status >/dev/null && jq -e --arg c "$1" --arg f "${2#*/}" '.alarms | any(.code == $c and .feed == $f) | not' "$work/body"
}

figure() { # CODE SOURCE/FEED
	ask GET /metrics >/dev/null
	sed -n "s|^bidui_feed_alarms{code=\"$1\",source=\"${2%%/*}\",feed=\"${2#*/}\"} ||p" "$work/body"
}

# The newest webhook that was taken.
last_told() {
	local newest
	newest=$(ls "$work/got" | grep -E '^[0-9]+\.json$' | sort -n | tail -1)
	jq -r .body "$work/got/$newest"
}
told() { # JQ-FILTER
	last_told | jq -e ".type == \"alarms\" and ($1)"
}

# person N [SED]: a reply about an invented person, changed.
person() {
	sed -n "$1p" "$work/made/medical.ndjson" | sed -e "s/\"respond_time\":\"[0-9]*\"/\"respond_time\":\"$(TZ=Asia/Shanghai date +%Y%m%d%H%M%S000)\"/" -e "${2-}" >"$work/one.json"
	[ "$(push medical/1101 "$work/one.json")" = 200 ]
}
people() { # FIRST LAST [SED]
	local n
	for n in $(seq "$1" "$2"); do
		person "$n" "${3-}" || return 1
	done
}

silent() {
	until_true alarm feed.silent tax/gt3 '.last_received == null' && [ "$(figure feed.silent tax/gt3)" = 1 ] &&
		until_true told '.alarms | any(.code == "feed.silent" and .feed == "gt3" and (.zh | length) > 0)'
}
not_where_it_is_closed() {
	no_alarm feed.silent social/nws && no_alarm feed.silent market/e_baseinfo
}
heard_again() {
	[ "$(push tax/gt3 "$top/adapters/tax/samples/tax_gt3_response.xml")" = 200 ] && until_true no_alarm feed.silent tax/gt3 &&
		until_true told '.alarms | any(.code == "feed.silent") | not' &&
		until_true alarm feed.silent tax/gt3 '.last_received != null'
}
usual() {
	people 1 24 && alarm feed.silent tax/gt3 && no_alarm feed.missing_field medical/1101 && no_alarm feed.retyped_field medical/1101 &&
		no_alarm feed.new_field medical/1101
}
new_field() {
	person 25 's/"gend"/"wxid":"x","gend"/' && until_true alarm feed.new_field medical/1101 '.field | test("wxid$")' &&
		[ "$(figure feed.new_field medical/1101)" = 1 ] && until_true told '.alarms | any(.code == "feed.new_field")'
}
no_number_is_kept() {
	person 26 's/"gend"/"440311199106159019":"x","gend"/' && until_true alarm feed.new_field medical/1101 '.field == "baseinfo/?"' &&
		! grep -q 440311199106159019 "$work/body"
}
new_field_is_over() {
	people 27 36 && until_true no_alarm feed.new_field medical/1101
}
missing_and_retyped() {
	# The birth date is digits, the nation is left out.
	people 37 46 's/"naty":"[0-9]*",//;s/"brdy":"\([0-9]*\)-\([0-9]*\)-\([0-9]*\)"/"brdy":"\1\2\3"/' &&
		until_true alarm feed.missing_field medical/1101 '.field == "baseinfo/naty"' &&
		alarm feed.retyped_field medical/1101 '.field == "baseinfo/brdy" and .was == "date" and .is == "integer"' &&
		no_alarm feed.new_field medical/1101 && until_true told '[.alarms[].code] | index("feed.missing_field") and index("feed.retyped_field")'
}
shown_to_the_operator() {
	"$build/bidui" status >"$work/said" && grep -q '告警：medical/1101 baseinfo/brdy 数据项的形式变了.*date -> integer' "$work/said" &&
		grep -q '告警：tax/gt3 数据流久未收到报文' "$work/said"
}
kept_over_a_restart() {
	stop_gateway && start_gateway && until_true alarm feed.missing_field medical/1101 '.field == "baseinfo/naty"' &&
		alarm feed.retyped_field medical/1101
}
healed() {
	person 47 && until_true no_alarm feed.missing_field medical/1101 && no_alarm feed.retyped_field medical/1101 &&
		until_true told '[.alarms[].code] | index("feed.missing_field") == null'
}
kept_over_a_kill() {
	kill -9 "$bidui_pid" && { wait "$bidui_pid" || true; } 2>/dev/null
	bidui_pid=
	start_gateway && until_true alarm feed.silent tax/gt3 '.last_received != null' && people 48 57 's/"naty":"[0-9]*",//' &&
		until_true alarm feed.missing_field medical/1101
}
only_for_operators() {
	as=plain ask GET /v1/status >/dev/null && body_is 'has("alarms") | not'
}
signed() {
	local one=$work/got/$(ls "$work/got" | grep -E '^[0-9]+\.json$' | sort -n | tail -1)
	local id stamp mac
	id=$(jq -r '.headers["webhook-id"]' "$one") stamp=$(jq -r '.headers["webhook-timestamp"]' "$one")
	mac=$(printf '%s.%s.%s' "$id" "$stamp" "$(jq -rj .body "$one")" |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(cat "$work/webhook.key")" -binary | base64)
	[ "$(jq -r '.headers["webhook-signature"]' "$one")" = "v1,$mac" ] && [ "${id%%-*}" = alarms ]
}

# What was sent is what the contract says.
as_described() {
	last_told >"$work/told.json" && "$python" -W ignore - "$build/openapi.json" "$work/told.json" <<-'END'
		import json, sys
		import jsonschema
		contract, told = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
		schema = {"$ref": "#/components/schemas/AlarmsSent", "components": contract["components"]}
		jsonschema.Draft202012Validator(schema).validate(told)
		assert len(told["alarms"]) >= 3, told
	END
}

make_keys
make_certificate plain '/CN=plain' 'extendedKeyUsage=clientAuth'
"$build/tests/gen/bidui_gen" --people 60 --businesses 5 --seed 3 --out "$work/made"
mkdir "$work/got"
"$python" "$top/tests/e2e/receiver.py" "$work/got" 204 >"$work/receiver.log" 2>&1 &
receiver_pid=$!
until_true test -s "$work/got/port" || { echo 'Bail out! no receiver'; exit 1; }
write_settings 0 0
(umask 077 && openssl rand -hex 32 >"$work/webhook.key")
cat >>"$work/senders" <<END
webhook_url = http://127.0.0.1:$(cat "$work/got/port")/alarms
webhook_key_file = $work/webhook.key
[plain]
spki_pin = $(spki_pin "$work/tls/plain.crt")
roles = engine
END
cat >"$work/sources.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<sources>
 <source name="tax">
  <expect feed="gt3" within="2s"/>
 </source>
 <source name="social">
  <expect feed="nws" within="2s"/>
  <closed from="2020-01-01" until="2099-12-31" zh="示例停报"/>
 </source>
</sources>
END
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
start_or_bail
check 'a feed from which nothing came is silent' silent
check 'not one whose source is closed, nor one that never delivered and is not expected' not_where_it_is_closed
check 'when it speaks it is silent no more, until it is again' heard_again
check 'the webhook is signed' signed
check 'what is usual is learnt' usual
check 'a field that nobody knows is new' new_field
check 'what looks like a number is not kept as a name' no_number_is_kept
check 'without it for a while it is over' new_field_is_over
check 'a field that is missing, and one of another shape' missing_and_retyped
check 'what is sent is what the contract says' as_described
check 'bidui status says so, with what to do' shown_to_the_operator
check 'nobody but operators sees it' only_for_operators
check 'over a restart it is known' kept_over_a_restart
check 'the first message that is as it was heals' healed
check 'over a kill, too, what was learnt is known' kept_over_a_kill
check 'the gateway ends in order, and nobody stands in clear' stop_gateway
echo "1..$count"
