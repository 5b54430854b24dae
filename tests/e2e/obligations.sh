#!/usr/bin/env bash
# obligations.sh - what a conditional decision leaves owed is kept: listed by case and by due day, extended within what
# the matter allows, closed by a material, by a later answer and by a push, flagged when its day is over, on the trail, and
# never with a citizen's value. TAP.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

cases=$top/schemas/matters/food-permit-on-commitment/cases
today=$(TZ=Asia/Shanghai date +%F)

# Working days have to be known for today as well, whenever this runs: the years that the table lacks, with one holiday.
make_calendar() {
	cp -r "$top/schemas" "$work/schemas" || return 1
	local year last
	last=$(tail -n 1 "$work/schemas/calendar/holidays.tsv" | cut -c 1-4)
	for year in $(seq $((last + 1)) $((${today%%-*} + 1))); do
		printf '%s-01-01\toff\t元旦\n' "$year" >>"$work/schemas/calendar/holidays.tsv"
	done
}

# conditional CASE-NUMBER [JQ]: a food permit, both materials to follow, accepted today; changed by the filter.
conditional() {
	jq --arg case "$1" --arg on "$today" ".question | .case = \$case | .on = \$on | ${2:-.}" \
		"$cases/02-conditional.json" >"$work/question.json"
	ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json"
}

id_of() { # NUMBER: of the last answer's obligations, from 0
	jq -r ".obligations[$1].id" "$work/body"
}

post() { # PATH JSON
	ask POST "/v1/obligations/$1" -H 'Content-Type: application/json' --data "$2"
}

by_case() { # CASE-NUMBER
	post query "{\"case\":\"$1\"}"
}

# Answers are kept some tenths of a second after they left: asked until it is so, 10 seconds at the most.
until_body() { # JQ COMMAND...
	local filter=$1 left=100
	shift
	while [ "$left" -gt 0 ]; do
		"$@" >/dev/null
		jq -e "$filter" "$work/body" >/dev/null 2>&1 && return 0
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	echo "never: $filter"
	return 1
}

material() { # DIGIT: the report of a material with such a digest
	printf '{"state":"supplied","digest":"%s","at":"%s"}' "$(printf "$1%.0s" {1..64})" "$(date +%Y-%m-%dT%H:%M:%S%:z)"
}

extension='{"working_days":2,"reason":"检测机构排期","operator":"窗口 7"}'

# -- what is owed is listed --

answer_names_them() {
	status_is 200 conditional OB-1 && body_is '.decision == "conditional" and (.obligations | length == 2)
		and all(.obligations[]; .id | test("^[0-9a-f-]{39}-000[12]$"))' && first=$(id_of 0) && second=$(id_of 1)
}

listed_by_case() {
	until_body '.obligations | length == 2' by_case OB-1 &&
		body_is 'all(.obligations[]; .state == "open" and .case == "OB-1" and .party == "applicant" and (.overdue | not)
			and .days_left == 5 and .title_zh == "食品经营许可（告知承诺）" and .title_en != ""
			and (.notice_zh | contains("最迟于")) and .extensions_left == 2)' &&
		body_is '[.obligations[].zh] == ["食品安全规章制度", "经营场所布局图"]' && body_is ".obligations[0].id == \"$first\""
}

listed_by_due_day() {
	local due
	due=$(jq -r '.obligations[0].due' "$work/body")
	ask GET "/v1/obligations?due_after=$today&state=open&party=applicant" >"$work/status"
	body_is "[.obligations[] | select(.id == \"$first\")] | length == 1" &&
		status_is 200 ask GET "/v1/obligations?due_before=$due" && body_is '.obligations == []' &&
		status_is 200 ask GET "/v1/obligations?due_after=$due" && body_is '.obligations == []' &&
		status_is 200 ask GET "/v1/obligations?state=owed&party=agency" && body_is '.obligations == []'
}

in_pages() {
	status_is 200 ask GET '/v1/obligations?state=owed&limit=1' && body_is '.obligations | length == 1' || return 1
	local next
	grep -qi "^link: </v1/obligations?state=owed&limit=1&cursor=.*rel=\"next\"" "$work/head" || { cat "$work/head"; return 1; }
	next=$(jq -r .next "$work/body")
	status_is 200 ask GET "/v1/obligations?state=owed&limit=1&cursor=$next" && body_is ".obligations[0].id == \"$second\" and (has(\"next\") | not)" &&
		expect 400 cursor.invalid ask GET "/v1/obligations?state=met&limit=1&cursor=$next"
}

with_its_history() {
	status_is 200 ask GET "/v1/obligations/$first" && body_is '[.history[].step] == ["made"]' &&
		expect 404 obligation.unknown ask GET "/v1/obligations/${first%1}9" &&
		expect 404 obligation.unknown ask GET /v1/obligations/none
}

# Who did not ask the case sees nothing of it, and cannot tell that it is there.
not_another_engines() {
	as=other
	status_is 200 by_case OB-1 && body_is '.obligations == []' &&
		status_is 200 ask GET '/v1/obligations' && body_is '.obligations == []' &&
		expect 404 obligation.unknown ask GET "/v1/obligations/$first" &&
		expect 404 obligation.unknown post "$first/extend" "$extension" &&
		expect 404 obligation.unknown post "$first/materials" "$(material a)"
	local got=$?
	unset as
	return "$got"
}

# -- more time --

extended() {
	local due=$(jq -r '.obligations[0].due' "$work/body")
	status_is 200 post "$first/extend" "$extension" &&
		body_is '.state == "extended" and .days_left == 7 and .extensions_left == 1 and .due > .first_due' &&
		body_is '.history[1] | .step == "extended" and .operator == "窗口 7" and .reason == "检测机构排期"'
}

extended_to_a_day() {
	local due=$(jq -r .due "$work/body") day
	for day in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(TZ=Asia/Shanghai date -d "$due +$day days" +%u)" -le 5 ] && break
	done
	day=$(date -d "$due +$day days" +%F)
	status_is 200 post "$first/extend" "{\"due\":\"$day\",\"reason\":\"a\",\"operator\":\"b\"}" && body_is ".due == \"$day\" and .extensions_left == 0"
}

# No further one; longer than the matter allows; to a day that is past; to neither.
refused_extensions() {
	expect 422 obligation.no_extension post "$first/extend" "$extension" &&
		expect 422 obligation.due post "$second/extend" '{"working_days":4,"reason":"a","operator":"b"}' &&
		body_is '.detail | test("^20[0-9-]+$")' &&
		expect 422 obligation.due post "$second/extend" '{"due":"2026-01-05","reason":"a","operator":"b"}' &&
		expect 422 question.form post "$second/extend" '{"reason":"a","operator":"b"}' && body_is '.errors[0].pointer == "/working_days"' &&
		expect 422 question.form post "$second/extend" '{"working_days":1,"due":"2026-12-01"}' && body_is '.errors | length == 3'
}

# The holiday table ends: the day cannot be reckoned, and that is said.
no_calendar_year() {
	local last
	last=$(tail -n 1 "$work/schemas/calendar/holidays.tsv" | cut -c 1-4)
	jq --arg on "$last-12-24" '.question | .case = "OB-Y" | .on = $on' "$cases/02-conditional.json" >"$work/question.json"
	status_is 200 ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json" || return 1
	local id
	id=$(id_of 0)
	until_body '.id' ask GET "/v1/obligations/$id" && expect 422 calendar.year post "$id/extend" "$extension"
}

# A matter without it allows none.
no_extension_stated() {
	sed -i 's/ extension-working-days="3" extensions="2"//' "$work/schemas/matters/food-permit-on-commitment/matter.xml"
	restart && status_is 200 conditional OB-N || return 1
	local id
	id=$(id_of 0)
	until_body '.id' ask GET "/v1/obligations/$id" && body_is '.extensions_left == 0' &&
		expect 422 obligation.no_extension post "$id/extend" "$extension"
}

# -- closed --

closed_by_a_material() {
	status_is 200 post "$first/materials" "$(material a)" && body_is '.state == "met" and (has("days_left") | not)' &&
		body_is '.history[-1] | .step == "met" and .material == "supplied" and .digest == ("a" * 64) and .handed_in != null' &&
		status_is 200 post "$first/materials" "$(material a)" && body_is '[.history[].step] | map(select(. == "met")) | length == 1' &&
		expect 409 obligation.closed post "$first/materials" "$(material b)" &&
		expect 409 obligation.closed post "$first/extend" "$extension"
}

bad_reports() {
	expect 422 question.form post "$second/materials" '{"state":"missing","digest":"1","at":"x"}' && body_is '.errors | length == 3' &&
		expect 422 time.future post "$second/materials" "$(material a | sed 's/"at":"20/"at":"29/')" &&
		expect 422 question.unknown_member post "$second/materials" "$(material a | sed 's/"at"/"more":1,"at"/')" &&
		expect 415 http.media_type ask POST "/v1/obligations/$second/materials" --data x
}

# The question again: the one that is owed still is owed once; the one that came is asked for no more.
superseded() {
	status_is 200 conditional OB-1 '.materials[1].state = "supplied"' && local newer=$(id_of 0) &&
		until_body "any(.obligations[]; .id == \"$newer\")" by_case OB-1 &&
		body_is "[.obligations[] | select(.state == \"open\") | .id] == [\"$newer\"]" &&
		body_is "[.obligations[] | select(.id == \"$second\") | .state] == [\"superseded\"]" &&
		body_is "[.obligations[] | select(.id == \"$first\") | .state] == [\"met\"]" && replaced=$second && second=$newer
}

closed_by_an_answer() {
	status_is 200 conditional OB-1 '.materials[1].state = "supplied" | .materials[2].state = "e_licence"' && body_is '.decision == "pass"' &&
		until_body 'all(.obligations[]; .state != "open")' by_case OB-1 && status_is 200 ask GET "/v1/obligations/$second" &&
		body_is '.state == "met" and .history[-1].receipt != .receipt'
}

# -- overdue --

overdue_is_flagged() {
	status_is 200 conditional OB-2 '.on = "2026-06-01"' && local id=$(id_of 0) && until_body '.obligations | length == 2' by_case OB-2 &&
		body_is 'all(.obligations[]; .overdue and .state == "overdue" and .due == "2026-06-08" and .days_left == 0)' &&
		status_is 200 ask GET '/v1/obligations?state=overdue' && body_is "[.obligations[].id] | index(\"$id\") != null" &&
		status_is 200 ask GET '/v1/obligations?state=open' && body_is "[.obligations[].id] | index(\"$id\") == null" &&
		status_is 200 ask GET /v1/status && body_is '.obligations.overdue_applicant == 2 and .obligations.owed_applicant >= 2' &&
		ask GET /metrics >/dev/null && grep -qx 'bidui_obligations_overdue 2' "$work/body" &&
		"$build/bidui" --lang zh status | grep '逾期 2'

}

# -- what the agency owes --

# Nothing was ever heard of the tax office: the agency looks later.
agency_owes() {
	status_is 200 conditional OB-3 '.materials[1].state = "supplied" | .materials[2].state = "supplied"' &&
		body_is '.decision == "conditional" and [.obligations[] | .party, .element] == ["agency", "taxpayer_normal"]' && check_id=$(id_of 0) &&
		until_body '.obligations | length == 1' by_case OB-3 &&
		body_is '.obligations[0] | .party == "agency" and .subject == "/subjects/business" and .extensions_left == 1 and (has("notice_zh") | not)' &&
		expect 422 obligation.kind post "$check_id/materials" "$(material a)"
}

closed_by_a_push() {
	grep '^tax/' "$top/tests/e2e/samples.tsv" >"$work/tax.tsv" && push_samples "$work/tax.tsv" || return 1
	until_body '.state == "met"' ask GET "/v1/obligations/$check_id" &&
		body_is '.history[-1] | .step == "met" and .source == "tax" and .statement > 0'
}

# -- the trail, and what stands nowhere --

# entered STATUS ID: the trail has an entry that says this of it. Its texts stand in it as they are, one behind the other.
entered() {
	cat "$work"/data/trail/* 2>/dev/null | LC_ALL=C tr -c 'a-z0-9-' '\n' | grep -v '^$' >"$work/words"
	# Tag and length of a member may look like letters, before the word and behind it.
	grep -B 4 -x -- ".\{0,2\}$2.\?" "$work/words" | grep -qx ".\{0,2\}$1.\?" || { echo "no $1 of $2"; return 1; }
}

# What nobody asked for is entered a moment later.
until_entered() {
	local left=100
	while [ "$left" -gt 0 ]; do
		entered "$@" >/dev/null && return 0
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	entered "$@"
}

each_change_is_entered() {
	until_entered made "$first" && entered extended "$first" && entered met "$first" && until_entered met "$check_id" &&
		until_entered superseded "$replaced" && until_entered met "$second" &&
		"$build/bidui" audit verify "$work/data/trail" --key "$work/signing.pub"
}

# -- the command line --

cli() {
	"$build/bidui" --lang zh "$@" >"$work/body" 2>"$work/cli.err" || { cat "$work/cli.err"; return 1; }
}

listed_by_the_command() {
	cli obligations --overdue && grep -q '^期限  *剩余工作日  *状态  *责任' "$work/body" && grep -q '2026-06-08  *0  *已逾期  *申请人  *食品安全规章制度' "$work/body" &&
		cli obligations --case OB-1 && grep -c OB-1 "$work/body" | grep -qx 3 &&
		cli obligations --due-before 2026-06-09 -o json && body_is '.obligations | length == 2' &&
		cli obligations --due-before 2026-06-08 -o json && body_is '.obligations | length == 0'
}

changed_by_the_command() {
	status_is 200 conditional OB-4 || return 1
	local one=$(id_of 0) two=$(id_of 1)
	until_body '.id' ask GET "/v1/obligations/$two" &&
		cli obligation extend "$one" --working-days 3 --reason 检测机构排期 --operator '窗口 7' && grep -q '状态  *已延期' "$work/body" &&
		grep -q '延期  .*窗口 7 检测机构排期' "$work/body" || return 1
	printf 'layout' >"$work/layout.pdf"
	cli obligation materials "$two" "$work/layout.pdf" --e-licence -o json &&
		body_is ".state == \"met\" and .history[-1].digest == \"$(sha256sum <"$work/layout.pdf" | cut -d' ' -f1)\" and .history[-1].material == \"e_licence\"" &&
		cli obligation show "$two" && grep -q '状态  *已补齐' "$work/body"
	"$build/bidui" obligation extend "$two" --due 2026-12-31 --reason a --operator b >/dev/null 2>"$work/cli.err"
	[ $? -eq 5 ] && grep -q obligation.closed "$work/cli.err"
}

restart() {
	stop_gateway && start_gateway
}

kept_over_a_restart() {
	restart && status_is 200 by_case OB-1 && body_is '.obligations | length == 3' && status_is 200 ask GET '/v1/obligations?state=overdue' && body_is '.obligations | length == 2'
}

# Of an erased subject's cases the number and the history are gone; what is owed, by when and for which matter is not.
erased_with_its_subject() {
	ask GET /v1/status >/dev/null
	local owed=$(jq -c .obligations "$work/body")
	"$build/bidui" erase --kind resident_id --number 440311199106159019 --basis 测试 --yes >"$work/body" 2>&1 || return 1
	by_case OB-2 >/dev/null && body_is '(.obligations | length == 2) and all(.obligations[]; .erased and (has("case") | not)
			and .matter == "food-permit-on-commitment" and .due == "2026-06-08" and .overdue)' &&
		status_is 200 ask GET "/v1/obligations/$(jq -r '.obligations[0].id' "$work/body")" && body_is 'has("history") | not' &&
		ask GET /v1/status >/dev/null && body_is ".obligations == $owed"
}

nothing_in_clear() {
	stop_gateway || return 1
	local text
	for text in OB-1 OB-2 OB-3 检测机构排期 窗口 440311199106159019; do
		if grep -raqF -- "$text" "$work/data/data.mdb" "$work/biduid.log"; then
			echo "$text stands in clear"
			return 1
		fi
	done
	grep -raqF premises_proof "$work/data/data.mdb" || grep -raqF safety_rules "$work/data/data.mdb"
}

make_calendar || { echo 'Bail out! no calendar'; exit 1; }
schemas=$work/schemas
make_keys
make_certificate other '/CN=other' 'extendedKeyUsage=clientAuth'
write_settings 0 0
cat >>"$work/senders" <<END

[other]
spki_pin = $(spki_pin "$work/tls/other.crt")
roles = engine
END
write_grants demo other >"$work/grants.xml"
start_or_bail
grep -v '^tax/' "$top/tests/e2e/samples.tsv" >"$work/samples.tsv"
check 'the samples are pushed, but for those of the tax office' push_samples "$work/samples.tsv"
check 'the agency owes what the tax office did not tell' agency_owes
check 'a push closes it, and says by which statement' closed_by_a_push
check 'a conditional answer names its obligations' answer_names_them
check 'they are listed by case, with what is owed and by when' listed_by_case
check 'and by due day' listed_by_due_day
check 'page by page' in_pages
check 'one, with its history' with_its_history
check 'another engine sees nothing of them' not_another_engines
by_case OB-1 >/dev/null
check 'extended by working days' extended
check 'and to a day' extended_to_a_day
check 'no extension beyond what the matter allows' refused_extensions
check 'nor into a year without a calendar' no_calendar_year
check 'closed by a material; a retry is as once' closed_by_a_material
check 'a report that is none is refused, all of its faults at once' bad_reports
check 'the same question again: what is owed is owed once' superseded
check 'closed by a later answer that needs nothing more' closed_by_an_answer
check 'past its day it is overdue: flagged, listed, counted' overdue_is_flagged
check 'the command line lists it' listed_by_the_command
check 'and changes it' changed_by_the_command
check 'each change is entered into the trail' each_change_is_entered
check 'all is there after a restart' kept_over_a_restart
check 'a matter without extensions allows none' no_extension_stated
check 'erased with its subject; it still counts' erased_with_its_subject
check 'no case number, officer or reason stands in clear' nothing_in_clear
echo "1..$count"
