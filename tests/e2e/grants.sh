#!/usr/bin/env bash
# grants.sh - who may ask what, and how much is told: every refusal, every level, on every way to an answer; what an
# approved use that has ended withholds, and how that is told; a reload, and a file that is wrong. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

matter=individual-business-registration
case_file=$top/schemas/matters/$matter/cases/01-pass.json
person=440311199106159019

as() { # SENDER PURPOSE COMMAND...
	local as=$1 purpose=$2
	shift 2
	"$@"
}

ask_case() { # [QUERY [CURL-ARGUMENT...]]
	local query=${1-}
	[ $# -eq 0 ] || shift
	ask POST "/v1/compare$query" -H 'Content-Type: application/json' --data "@$work/question.json" "$@"
}

ask_person() { query "{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$person\"}"; }

# refused SENDER PURPOSE CODE JQ COMMAND...: 403, and what of the missing grant it names.
refused() {
	local sender=$1 purpose=$2 code=$3 grant=$4
	shift 4
	as "$sender" "$purpose" expect 403 "$code" "$@" &&
		body_is ".grant | .sender == \"$sender\" and (.given_by_zh | length) > 0 and (.given_by_en | length) > 0 and ($grant)"
}

# holds_none WORD...: none of them stands in the last answer.
holds_none() {
	local word
	for word in "$@"; do
		! grep -qF -- "$word" "$work/body" || { echo "$word"; return 1; }
	done
}

write_file() { # [LINE...]: the grants, with these besides
	local days='from="2026-01-01" until="2099-12-31"' basis='basis="SAMPLE-2026-001"'
	{
		echo '<?xml version="1.0" encoding="UTF-8"?>'
		echo '<grants given-by-zh="示例区政务服务和数据管理局" given-by-en="Data Administration of the Example District">'
		cat <<-END
			 <grant id="E1" sender="engine" purpose="登记审批" matter="$matter" disclosure="codes" $basis $days/>
			 <grant id="E2" sender="engine" purpose="事后抽查" matter="$matter" disclosure="values" $basis $days/>
			 <grant id="E3" sender="engine" purpose="登记审批" matter="tax-clearance" disclosure="codes" $basis
			   from="2026-01-01" until="2026-01-31" given-by-zh="示例市税务局" given-by-en="Taxation of the Example City"/>
			 <grant id="W1" sender="window" purpose="登记审批" matter="$matter" disclosure="decision" $basis $days/>
			 <grant id="C1" sender="clerk" purpose="窗口核对" entity="person" fields="name" disclosure="values" $basis $days/>
			 <grant id="C2" sender="clerk" purpose="窗口核对" entity="person" fields="birth_date" disclosure="codes" $basis $days/>
		END
		printf '%s\n' "$@" '</grants>'
	} >"$work/grants.xml"
}

# soon COMMAND...: until it holds. Each loop takes a new configuration by itself.
soon() {
	local left=100
	until "$@" >/dev/null; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { "$@"; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
}

reload() { # COMMAND...
	kill -HUP "$bidui_pid"
	soon "$@"
}

log_has() { grep -qE -- "$1" "$work/biduid.log" || { tail -n 5 "$work/biduid.log"; return 1; }; }

# -- refusals --

a_purpose_is_stated() {
	refused engine '' grant.purpose ".matter == \"$matter\" and (has(\"purpose\") | not)" ask_case &&
		refused clerk '' grant.purpose '.entity == "person"' ask_person
}

what_is_missing_is_named() {
	refused clerk 窗口核对 grant.missing ".purpose == \"窗口核对\" and .matter == \"$matter\" and .disclosure == \"decision\"" ask_case &&
		refused engine 登记审批 grant.missing '.purpose == "登记审批" and .entity == "person"' ask_person &&
		refused engine "看看 $person" grant.missing 'has("purpose") | not' ask_case && holds_none "$person" &&
		as clerk 窗口核对 expect 403 grant.missing query '{"entity":"organization","uscc":"92440311MAXXXXX152"}'
}

a_grant_that_has_ended_is_none() {
	jq -n '{matter: "tax-clearance", subjects: {}}' >"$work/tax.json"
	refused engine 登记审批 grant.not_in_force '.id == "E3" and .given_by_zh == "示例市税务局"' \
		ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/tax.json"
}

more_than_is_granted_is_refused() {
	refused engine 登记审批 grant.level '.id == "E1" and .disclosure == "values"' ask_case '?explain=true' &&
		refused window 登记审批 grant.level '.id == "W1" and .disclosure == "values"' ask_case '?explain=true'
}

# -- how much is told --

window_is_told_the_decision() {
	[ "$(as window 登记审批 ask_case)" = 200 ] && body_is '.decision == "pass" and .disclosure == "decision"
		and (.next_zh | length) > 0 and (.receipt | length) > 0
		and (keys - ["at", "case", "decision", "decision_zh", "disclosure", "matter", "next_en", "next_zh", "receipt", "version"] == [])' &&
		holds_none 林示例 real_name match "$person"
}

engine_is_told_the_findings() {
	[ "$(as engine 登记审批 ask_case)" = 200 ] && body_is '.decision == "pass" and .disclosure == "codes"
		and ([.findings[] | select(.element == "name")][0] | .code == "match" and .age_s >= 0 and (.sources | length) > 1)
		and ([.findings[] | has("score") or has("holds_from") or has("explain")] | any | not)' &&
		holds_none 林示例 "$person"
}

review_is_told_the_values() {
	[ "$(as engine 事后抽查 ask_case '?explain=true')" = 200 ] && body_is '.disclosure == "values"
		and ([.findings[] | select(.element == "name")][0].explain | .claim == "林**" and .held == "林**")'
}

lines_are_each_judged() {
	{
		jq -c . "$work/question.json" && jq -c . "$work/tax.json"
		echo '{"matter":"none","subjects":{}}'
		jq -c . "$work/question.json"
	} >"$work/lines.ndjson"
	[ "$(as window 登记审批 ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$work/lines.ndjson")" = 200 ] &&
		[ "$(jq -r '.code // .decision' "$work/body" | tr '\n' ' ')" = 'pass grant.missing matter.unknown pass ' ] &&
		[ "$(jq -r 'select(.code == "grant.missing") | .grant.sender + " " + .grant.matter' "$work/body")" = 'window tax-clearance' ] &&
		! jq -e 'has("findings")' "$work/body" >/dev/null
}

clerk_sees_what_is_named() {
	local line="{\"subject\":{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$person\"}}"
	[ "$(as clerk 窗口核对 ask_person)" = 200 ] && body_is '.status == "found" and .identifiers == []
		and ([.statements[].entity] | unique == ["person"])
		and ([.statements[].values[] | select(.field == "name") | .value] | unique == ["林示例"])
		and ([.statements[].values[] | select(.field == "birth_date") | .reason] | unique == ["level"])
		and ([.statements[].values[] | select(.field != "name" and .field != "birth_date") | .reason] | unique == ["not_granted"])
		and ([.withheld[] | .entity // "identifiers"] | contains(["identifiers", "insurance_status", "restriction", "relation"]))' &&
		holds_none 1991 "$person" &&
		[ "$(as clerk 窗口核对 ask POST /v1/identities/query -H 'Content-Type: application/x-ndjson' \
			--data-binary "$line"$'\n{"subject":{"entity":"organization","uscc":"92440311MAXXXXX152"}}\n')" = 200 ] &&
		[ "$(jq -r '.code // .status' "$work/body" | tr '\n' ' ')" = 'found grant.missing ' ]
}

# -- later, on other ways --

# What was told then, and no more.
receipts_tell_as_much() {
	as window 登记审批 ask_case >/dev/null
	window_receipt=$(jq -r .receipt "$work/body")
	as engine 登记审批 ask_case >/dev/null
	receipt=$(jq -r .receipt "$work/body")
	[ "$(as window '' ask GET "/v1/receipts/$window_receipt")" = 200 ] &&
		body_is '.decision == "pass" and .grant == "W1" and .disclosure == "decision" and .elements == []' &&
		as window 登记审批 expect 403 grant.level ask GET "/v1/receipts/$window_receipt/proof" &&
		[ "$(as engine '' ask GET "/v1/receipts/$receipt")" = 200 ] &&
		body_is '.grant == "E1" and .disclosure == "codes" and (.elements | length) > 3' &&
		[ "$(ask GET "/v1/receipts/$window_receipt")" = 200 ] && body_is '(.elements | length) > 3'
}

is_indexed() { [ "$(as engine 事后抽查 ask GET "/v1/receipts/$receipt?explain=true")" = 200 ]; }

looking_again_needs_a_grant() {
	local left=100
	until is_indexed; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	body_is '[.elements[] | select(.element == "name")][0].explain.held == "林**"' &&
		as engine 登记审批 expect 403 grant.level ask GET "/v1/receipts/$receipt?explain=true" &&
		as engine '' expect 403 grant.purpose ask GET "/v1/receipts/$receipt?explain=true" &&
		[ "$(as engine 登记审批 ask POST "/v1/receipts/$receipt/reproduce")" = 200 ] && holds_none 林示例 &&
		as engine 窗口核对 expect 403 grant.missing ask POST "/v1/receipts/$receipt/reproduce" &&
		as window 登记审批 expect 403 grant.level ask POST "/v1/receipts/$window_receipt/reproduce" &&
		as client 登记审批 expect 403 grant.missing ask POST "/v1/matters/$matter/backtest?since=30d" \
			-H 'Content-Type: application/xml' --data-binary "@$top/schemas/matters/$matter/matter.xml"
}

a_key_repeats_no_more_than_is_granted() {
	[ "$(as engine 事后抽查 ask_case '' -H 'Idempotency-Key: k1')" = 200 ] && body_is '.disclosure == "values"' &&
		as engine 登记审批 expect 403 grant.level ask_case '' -H 'Idempotency-Key: k1' &&
		[ "$(as engine 事后抽查 ask_case '' -H 'Idempotency-Key: k1')" = 200 ]
}

events_tell_by_the_level() {
	sed 's/林示例/林更名/g' "$top/adapters/social/samples/social_nws_response.xml" >"$work/renamed.xml"
	[ "$(push social/nws "$work/renamed.xml")" = 200 ] || return 1
	[ "$(as window '' ask GET '/v1/watches?wait=10')" = 200 ] && body_is '(.watches | length) > 0
		and ([.watches[] | has("what") or has("source") or has("entity")] | any | not)' &&
		[ "$(as engine '' ask GET '/v1/watches?wait=10')" = 200 ] && body_is '[.watches[] | .source == "social"] | all' &&
		as window '' expect 403 grant.purpose ask GET '/v1/watches?would_now=true' &&
		[ "$(as window 登记审批 ask GET '/v1/watches?would_now=true')" = 200 ] &&
		body_is '[.watches[] | .would_now == "refer"] | all' &&
		[ "$(as window 好奇 ask GET '/v1/watches?would_now=true')" = 200 ] && body_is '[.watches[] | has("would_now")] | any | not'
}

# Each refusal above has its entry, with the purpose where it is no number of a person.
refusals_are_on_the_trail() {
	local code
	for code in grant.purpose grant.missing grant.not_in_force grant.level; do
		[ "$(cat "$work"/data/trail/* 2>/dev/null | grep -aoF "$code" | wc -l)" -ge 1 ] || { echo "$code"; return 1; }
	done
	! grep -raqF "$person" "$work/data/trail" && grep -raqF 窗口核对 "$work/data/trail"
}

# -- the file --

a_reload_takes_new_grants() {
	write_file '<grant id="N1" sender="clerk" purpose="窗口核对" entity="organization" fields="name" disclosure="values" basis="SAMPLE-2026-001" from="2026-01-01" until="2099-12-31"/>'
	reload as clerk 窗口核对 status_is 200 query '{"entity":"organization","uscc":"92440311MAXXXXX152"}' || return 1
	write_file
	reload as clerk 窗口核对 expect 403 grant.missing query '{"entity":"organization","uscc":"92440311MAXXXXX152"}'
}

a_wrong_file_leaves_the_last_good_one() {
	local got=0
	write_file '<grant id="N2" sender="clrk" purpose="p" matter="tax-clearence" disclosure="codes" basis="b" from="2026-01-01" until="2026-12-31"/>'
	"$build/biduid" --config "$work/bidui.conf" --check >"$work/check" 2>&1 || got=$?
	[ "$got" = 4 ] && grep -qF "grants.xml:10:16: no sender 'clrk'; did you mean 'clerk'?" "$work/check" &&
		grep -qE "grants.xml:10:[0-9]+: no matter 'tax-clearence'; did you mean 'tax-clearance'\?" "$work/check" ||
		{ echo "exit $got"; cat "$work/check"; return 1; }
	write_file '<grant id="N3" sender="clerk" purpose="p" matter="tax-clearance" disclosure="codes" basis="SAMPLE-2026-01" from="2026-01-01" until="2026-12-31"/>'
	"$build/biduid" --config "$work/bidui.conf" --check >"$work/check" 2>&1
	grep -qF "grants.xml:10:1: basis: no feed states an approved use 'SAMPLE-2026-01'; did you mean 'SAMPLE-2026-001'?" "$work/check" ||
		{ cat "$work/check"; return 1; }
	reload log_has 'reload.refused' && [ "$(as engine 登记审批 ask_case)" = 200 ] && write_file
}

without_a_file_nothing_starts() {
	local got=0
	sed '/^grants_file/d' "$work/bidui.conf" >"$work/no_grants.conf"
	"$build/biduid" --config "$work/no_grants.conf" --check >"$work/check" 2>&1 || got=$?
	[ "$got" = 4 ] && grep -qF "'grants_file' is missing" "$work/check"
}

people_can_ask_beforehand() {
	local got=0
	"$build/bidui" grant list --config "$work/bidui.conf" --sender engine >"$work/list" &&
		[ "$(wc -l <"$work/list")" = 4 ] && grep -qE '^E3 .*tax-clearance +codes +2026-01-01 +2026-01-31 +已到期$' "$work/list" &&
		"$build/bidui" grant list -o json --config "$work/bidui.conf" >"$work/list" && jq -e '[.grants[] | select(.id == "C1")][0].fields == ["name"]' "$work/list" >/dev/null &&
		"$build/bidui" grant test --config "$work/bidui.conf" --sender engine --purpose 登记审批 --matter "$matter" >"$work/list" &&
		grep -qF '✓ 允许： E1, codes, 有效至 2099-12-31' "$work/list" &&
		"$build/bidui" grant test --config "$work/bidui.conf" --sender clerk --purpose 窗口核对 --entity person >"$work/list" &&
		grep -qF '✓ person: name, birth_date（仅有无）' "$work/list" || { cat "$work/list"; return 1; }
	"$build/bidui" grant test --config "$work/bidui.conf" --sender engine --purpose 登记审批 --matter tax-clearance >"$work/list" || got=$?
	[ "$got" = 1 ] && grep -qF '(grant.not_in_force)' "$work/list" && grep -qF '由谁批准：示例市税务局' "$work/list" || return 1
	got=0
	"$build/bidui" grant test --config "$work/bidui.conf" --sender engin --purpose 登记审批 --matter "$matter" 2>"$work/list" || got=$?
	[ "$got" = 2 ] && grep -qF engine "$work/list" || return 1
	"$build/bidui" grant test --config "$work/bidui.conf" --sender engine --purpose 登记审批 --matter tax-clearance --on 2026-01-31 >"$work/list"
}

# -- the catalogue --

medical_has_ended() { # what the use is instead
	sed -i "s|<use [^>]*/>|<use application=\"SAMPLE-2026-001\" $1/>|" "$work/adapters/medical/adapter.xml"
}

name_is_withheld() {
	[ "$(as engine 登记审批 ask_case)" = 200 ] && body_is '.decision == "refer"
		and ([.findings[] | select(.element == "name")][0] | .code == "withheld" and .reason == "use_expired" and .sources == [])'
}

# Of the other sources too: one that may not be used may be the one that disagrees.
an_ended_use_withholds() {
	medical_has_ended 'matters="*" from="2026-01-01" until="2026-01-31"'
	reload name_is_withheld
}

state_tells() {
	[ "$(ask GET /v1/status)" = 200 ] && body_is '[.withheld_feeds[] | .source] | unique == ["medical"]' &&
		body_is '.withheld_feeds[0] | .until == "2026-01-31" and .department_zh == "示例市医疗保障局" and (.catalogue | length) > 0'
}

metrics_tell() {
	[ "$(ask GET /metrics)" = 200 ] && grep -qE '^bidui_feeds_withheld [1-9]' "$work/body" &&
		grep -qE '^bidui_elements_withheld_total [1-9]' "$work/body"
}

command_tells() {
	"$build/bidui" status >"$work/list" &&
		grep -q '✗ 用数申请不在有效期内.*medical/1101，到期日 2026-01-31，责任部门 示例市医疗保障局$' "$work/list"
}

that_is_an_alarm() {
	soon state_tells && soon metrics_tell && soon command_tells &&
		log_has 'catalogue.*use_expired.*medical/1101' && log_has 'catalogue.*withheld' &&
		! grep -qF "$person" "$work/biduid.log" &&
		"$build/bidui" grant test --config "$work/bidui.conf" --sender engine --purpose 登记审批 --matter "$matter" >"$work/list" &&
		grep -q 'withheld.*name' "$work/list"
}

queries_withhold_it() {
	[ "$(as clerk 窗口核对 ask_person)" = 200 ] && body_is '
		([.statements[] | select(.source == "medical") | .values[] | .reason] | unique == ["use_expired"])
		and ([.statements[] | select(.source == "market") | .values[] | select(.field == "name") | .value] | unique == ["林示例"])'
}

# In force again, but for another matter; then for this one.
a_use_is_of_its_matters() {
	medical_has_ended 'matters="tax-clearance old-age-allowance" from="2026-01-01" until="2099-12-31"'
	reload status_is_none_withheld && soon name_is_withheld || return 1
	medical_has_ended "matters=\"$matter\" from=\"2026-01-01\" until=\"2099-12-31\""
	reload name_is_told
}

status_is_none_withheld() { [ "$(ask GET /v1/status)" = 200 ] && body_is '.withheld_feeds == []'; }
name_is_told() { [ "$(as engine 登记审批 ask_case)" = 200 ] && body_is '[.findings[] | select(.element == "name")][0].code != "withheld"'; }

make_keys
for name in engine window clerk; do
	make_certificate "$name" "/CN=$name" 'extendedKeyUsage=clientAuth'
done
cp -r "$top/adapters" "$work/adapters"
adapters=$work/adapters
write_settings 0 0
for name in engine window clerk; do
	printf '\n[%s]\nspki_pin = %s\nroles = engine\n' "$name" "$(spki_pin "$work/tls/$name.crt")" >>"$work/senders"
done
write_file
jq .question "$case_file" >"$work/question.json"
start_or_bail
push_samples_or_bail
check 'without a purpose nothing is answered' a_purpose_is_stated
check 'what is not granted is named, and who gives it' what_is_missing_is_named
check 'a grant that has ended is none' a_grant_that_has_ended_is_none
check 'more than is granted is refused' more_than_is_granted_is_refused
check 'of a grant of decisions only the decision is told' window_is_told_the_decision
check 'of a grant of codes the findings, and no value' engine_is_told_the_findings
check 'of a grant of values both sides, masked' review_is_told_the_values
check 'lines are each judged by themselves' lines_are_each_judged
check 'a query shows what is named, and says what it withholds' clerk_sees_what_is_named
check 'a receipt tells its owner as much as the answer did' receipts_tell_as_much
check 'to look again needs a grant as well' looking_again_needs_a_grant
check 'a key repeats no more than is granted' a_key_repeats_no_more_than_is_granted
check 'events tell what has changed only to whom codes are told' events_tell_by_the_level
check 'each refusal is on the trail' refusals_are_on_the_trail
check 'a reload takes new grants, and takes them away' a_reload_takes_new_grants
check 'a wrong file is told by line and column, and leaves the last good one' a_wrong_file_leaves_the_last_good_one
check 'without a file nothing starts' without_a_file_nothing_starts
check 'people can ask beforehand what is allowed' people_can_ask_beforehand
check 'a use that has ended withholds the element' an_ended_use_withholds
check 'that is an alarm: state, metrics, log' that_is_an_alarm
check 'a query withholds what that source says' soon queries_withhold_it
check 'a use is of its matters' a_use_is_of_its_matters
check 'it stops in order' stop_gateway
echo "1..$count"
