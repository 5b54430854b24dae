#!/usr/bin/env bash
# backtest.sh - a new version of a matter on the cases of the past: of 10,000 made people exactly those are listed whose
# decision the new age changes, as of then, whatever was pushed since. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
people=${people:-10000}
# A batch of so many fills small segments faster than new ones are made.
trail_segment_bytes=67108864

# matter VERSION AGE FROM
matter() {
	cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<matter id="made-allowance" version="$1" zh="虚构津贴" en="an invented allowance" basis="虚构办法" effective-from="$3" wait-s="3600">
 <parameter name="age_min" value="$2" zh="起发周岁" en="age from which it is paid"/>
 <role name="applicant" zh="老人" en="elder" kind="person" min="1" max="1"/>
 <element id="name" zh="姓名与证件号码一致" en="name agrees with the number" role="applicant" entity="person" field="name" polarity="must_agree" claimed="true" core="true" tolerated="normalized"/>
 <element id="age" zh="已达起发年龄" en="old enough" role="applicant" entity="person" field="birth_date" polarity="must_agree" core="true">
  <test kind="age" at-least="@age_min"/>
  <refuse basis="虚构办法" reason="老人尚未达到起发年龄" remedy="达到年龄后可再次申请"/>
 </element>
</matter>
END
}

# Everybody asks; of every hundredth the name is another.
make_questions() {
	jq -R -c 'split("\t") | select(.[0] == "person") | (.[1] | tonumber) as $n | {matter: "made-allowance",
		case: "B\(.[1])", on: "2026-06-01", subjects: {applicant: {entity: "person", id_type: "resident_id", id_no: .[2]}},
		claims: [{of: "/subjects/applicant", field: "name", value: (if $n % 100 == 0 then "误写" else .[3] end)}]}' \
		"$work/gen/truth.tsv" >"$work/questions.ndjson"
}

everybody_is_known() {
	[ "$(push social/packet "$work/gen/social_packet.xml")" = 200 ] &&
		body_is ".received == $people and .rejected == 0"
}

everybody_is_decided() {
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' -H 'Expect:' --max-time 120 \
		--data-binary "@$work/questions.ndjson")" = 200 ] &&
		jq -r .decision "$work/body" | sort | uniq -c | awk '{ print $2, $1 }' >"$work/decisions" &&
		diff <(printf 'pass %d\nrefer %d\n' $((people - people / 100)) $((people / 100))) "$work/decisions" &&
		last=$(tail -n 1 "$work/body" | jq -r .receipt)
}

# Later, and of another name: by this nobody would pass.
everybody_is_renamed() {
	sed -E 's/<AAC003>[^<]*/<AAC003>改名后/; s/20260601093000/20260701093000/g; s/20260601093015/20260701093015/g' \
		"$work/gen/social_packet.xml" >"$work/renamed.xml"
	[ "$(push social/packet "$work/renamed.xml")" = 200 ] && body_is ".received == $people and .rejected == 0" &&
		[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data "$(head -n 1 "$work/questions.ndjson")")" = 200 ] &&
		body_is '.decision == "refer"'
}

# The cases are found some tenths of a second later.
cases_are_indexed() {
	local left=200
	while [ "$(ask POST "/v1/receipts/$last/reproduce")" != 200 ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	body_is '.reproduced.agrees'
}

backtest() { # FILE [OPTION...]: lines in $work/lines, notices in $work/notices; the exit
	local file=$1 got=0
	shift
	"$build/bidui" "$@" matter backtest "$file" --since 1d >"$work/lines" 2>"$work/notices" || got=$?
	echo "$got"
}

# By the generator's own truth: who has not reached 70 on the day.
expected_flips() {
	awk -F '\t' '$1 == "person" && $5 > "1956-06-01" { print "B" $2, ($2 % 100 == 0 ? "refer" : "pass"), "refuse" }' \
		"$work/gen/truth.tsv" | sort
}

exactly_the_expected_flips() {
	local young wrong
	[ "$(backtest "$work/new.xml" -o json)" = 1 ] || { cat "$work/notices"; return 1; }
	expected_flips >"$work/expected"
	young=$(wc -l <"$work/expected") wrong=$(grep -c ' refer ' "$work/expected")
	[ "$young" -gt 100 ] && [ "$young" -lt "$people" ] && [ "$wrong" -gt 0 ] || { echo "$young, $wrong"; return 1; }
	diff "$work/expected" <(jq -r 'select(.type == "flip") | "\(.case) \(.was) \(.is)"' "$work/lines" | sort) >"$work/diff" ||
		{ head -n 20 "$work/diff"; return 1; }
	jq -s -e --argjson people "$people" --argjson young "$young" --argjson wrong "$wrong" '
		([.[] | select(.type == "flip")] | all(.elements == [.elements[] | select(.element == "age" and .subject == "/subjects/applicant"
			and .was.code == "match" and .was.accepted and .is.code == "mismatch" and .is.reason == "differs"
			and (.is.accepted | not))] and (.elements | length) == 1 and .version == "1" and .on == "2026-06-01"))
		and (last | .type == "summary" and .matter == "made-allowance" and .version == "2" and .cases == $people + 1
			and .flipped == $young and .same == $people + 1 - $young and .flips == [
			{was: "pass", is: "refuse", count: ($young - $wrong)}, {was: "refer", is: "refuse", count: $wrong}]
			and .refused == 0 and .erased == 0 and .expired == 0 and .unreproducible == 0 and .unreadable == 0)' "$work/lines"
}

progress_is_told() {
	jq -s -e --argjson people "$people" '[.[] | select(.type == "progress")] | length > 1
		and first.done == 0 and last.done == last.total and all(.done <= .total) and (last.total == $people + 1) and (map(.done) == (map(.done) | sort))' "$work/lines" &&
		jq -s -e 'first.type == "begin"' "$work/lines"
}

it_is_on_record() {
	local entry
	entry=$(jq -r 'select(.type == "begin") | .entry' "$work/lines")
	[ "$(ask GET "/v1/receipts/$entry")" = 200 ] && body_is '.kind == "backtest" and .client == "demo"
		and .matter == "made-allowance" and .version == "2" and .since_ms > 0 and (.body | length) == 64'
}

nobody_is_named() {
	! grep -qE '误写|改名后|44031119|示例|样本' "$work/lines" || { grep -nE '误写|改名后|44031119|示例|样本' "$work/lines" | head -n 3; return 1; }
}

for_people() {
	local young
	young=$(wc -l <"$work/expected")
	[ "$(backtest "$work/new.xml")" = 1 ] && grep -q "结论改变 $young" "$work/lines" && grep -q '已达起发年龄：一致 → 不一致' "$work/lines" &&
		grep -q '秒批通过 → 建议不予' "$work/lines" && [ "$(grep -c '^B' "$work/lines")" = "$young" ] &&
		[ ! -s "$work/notices" ]
}

# On a terminal it says how far it has come.
a_terminal_sees_progress() {
	command -v script >/dev/null || { echo 'no script(1)'; return 0; }
	TERM=xterm script -qec "'$build/bidui' --lang en matter backtest '$work/new.xml' --since 1d >/dev/null" /dev/null \
		</dev/null >"$work/seen"
	grep -q "back-tested [0-9]*/$((people + 1))  decisions changed [0-9]" "$work/seen" || { cat -v "$work/seen"; return 1; }
}

nothing_flips_by_the_same_rules() {
	matter 1b 60 2027-01-01 >"$work/same.xml"
	[ "$(backtest "$work/same.xml" -o json)" = 0 ] &&
		jq -s -e --argjson people "$people" 'last | .flipped == 0 and .same == $people + 1 and .flips == []' "$work/lines"
}

# What the past was asked is no question of a version that compares no name.
a_question_that_no_longer_fits_is_counted() {
	matter 3 60 2027-01-01 | sed '/id="name"/d' >"$work/narrow.xml"
	[ "$(backtest "$work/narrow.xml" -o json)" = 1 ] &&
		jq -s -e --argjson people "$people" '(last | .refused == $people + 1 and .flipped == 0)
			and ([.[] | select(.type == "refused")] | length == $people + 1
				and all(.code == "claim.unknown_field" and .pointer == "/claims/0"))' "$work/lines"
}

# The same words as bidui matter validate, at the same place.
a_wrong_version_is_told_by_line_and_column() {
	local got=0
	matter 2 70 2027-01-01 | sed 's/field="birth_date"/field="birthdate"/' >"$work/wrong.xml"
	mkdir -p "$work/made-allowance" && cp "$work/wrong.xml" "$work/made-allowance/matter.xml"
	[ "$(backtest "$work/wrong.xml")" = 4 ] || return 1
	"$build/bidui" --schemas "$work/schemas" --adapters "$top/adapters" matter validate "$work/made-allowance" \
		2>"$work/validated" || got=$?
	[ "$got" = 4 ] && grep -q "^  $work/wrong.xml:6:81: no field 'birthdate'; did you mean 'birth_date'?" "$work/notices" ||
		{ cat "$work/notices"; return 1; }
	backtest "$work/wrong.xml" -o json >/dev/null
	diff <(sed -n 's/ ([^()]*)$//; s|^made-allowance/matter.xml:||p' "$work/validated") \
		<(jq -r '.errors[] | "\(.line):\(.column): \(.detail)"' "$work/lines")
}

backtest_by_hand() { # [CURL-ARGUMENT...]
	ask POST '/v1/matters/made-allowance/backtest?since=1d' -H 'Content-Type: application/xml' --data-binary "@$work/new.xml" "$@"
}

what_is_no_request_is_refused() {
	expect 403 auth.role ask_narrow && expect 422 matter.unknown ask POST '/v1/matters/none/backtest?since=1d' \
		-H 'Content-Type: application/xml' --data-binary "@$work/new.xml" &&
		expect 422 question.form ask POST '/v1/matters/made-allowance/backtest' -H 'Content-Type: application/xml' \
			--data-binary "@$work/new.xml" &&
		expect 422 question.form ask POST '/v1/matters/made-allowance/backtest?since=0d' -H 'Content-Type: application/xml' \
			--data-binary "@$work/new.xml" &&
		expect 415 http.media_type ask POST '/v1/matters/made-allowance/backtest?since=1d' -H 'Content-Type: text/plain' \
			--data-binary "@$work/new.xml" &&
		expect 400 config.syntax ask POST '/v1/matters/made-allowance/backtest?since=1d' -H 'Content-Type: application/xml' \
			--data '<matter>' &&
		expect 400 config.syntax ask POST '/v1/matters/made-allowance/backtest?since=1d' -H 'Content-Type: application/xml' \
			--data '<!DOCTYPE matter [<!ENTITY a "b">]><matter id="&a;"/>' &&
		head -c 1100000 /dev/zero | tr '\0' ' ' >"$work/long" &&
		expect 413 http.too_large ask POST '/v1/matters/made-allowance/backtest?since=1d' -H 'Content-Type: application/xml' \
			-H 'Expect:' --data-binary "@$work/long"
}

ask_narrow() {
	as=engine backtest_by_hand
}

# Who reads slowly holds it up, and nobody else's questions; who goes away ends it.
one_at_a_time_until_the_client_goes() {
	local pid left=100 got
	curl -s -H "Bidui-Purpose: $purpose" --limit-rate 1 --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key" -o "$work/slow" \
		-X POST -H 'Content-Type: application/xml' --data-binary "@$work/new.xml" \
		"https://127.0.0.1:$https_port/v1/matters/made-allowance/backtest?since=1d" &
	pid=$!
	until [ -s "$work/slow" ] || [ "$left" = 0 ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	expect 503 busy backtest_by_hand || { kill "$pid"; return 1; }
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data "$(head -n 1 "$work/questions.ndjson")")" = 200 ] || return 1
	kill "$pid" && wait "$pid" 2>/dev/null
	left=100
	until [ "$(backtest_by_hand)" = 200 ]; do
		body_is '.code == "busy"' >/dev/null && [ "$left" -gt 0 ] || return 1
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	tail -n 1 "$work/body" | jq -e '.type == "summary"'
}

# biduid ends in order while one runs, and the last line says why it was not finished.
it_ends_with_the_gateway() {
	curl -s -H "Bidui-Purpose: $purpose" --limit-rate 200k --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key" -o "$work/cut" \
		-X POST -H 'Content-Type: application/xml' --data-binary "@$work/new.xml" \
		"https://127.0.0.1:$https_port/v1/matters/made-allowance/backtest?since=1d" &
	local pid=$! left=100
	until [ -s "$work/cut" ] || [ "$left" = 0 ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	stop_gateway && wait "$pid" && tail -n 1 "$work/cut" | jq -e '.code == "draining" or .type == "summary"'
}

make_keys
"$build/tests/gen/bidui_gen" --people "$people" --businesses 1 --seed 17 --fault-rate 0 --out "$work/gen" >/dev/null
cp -r "$top/schemas" "$work/schemas"
mkdir "$work/schemas/matters/made-allowance"
matter 1 60 2022-01-01 >"$work/schemas/matters/made-allowance/matter.xml"
matter 2 70 2027-01-01 >"$work/new.xml"
schemas=$work/schemas
write_settings 0 0
make_certificate engine '/CN=engine' 'subjectAltName=DNS:engine.client.invalid
extendedKeyUsage=clientAuth'
printf '[engine]\nspki_pin = %s\nroles = engine\n' "$(spki_pin "$work/tls/engine.crt")" >>"$work/senders"
write_grants demo engine >"$work/grants.xml"
make_questions
echo 1..17
start_gateway || { echo 'Bail out! the gateway does not start'; cat "$work/biduid.log"; exit 1; }
check "$people made people are told by social security" everybody_is_known
check 'all of them are decided, every hundredth referred' everybody_is_decided
check 'all of them are renamed later' everybody_is_renamed
check 'the cases are there, and agree with their receipts' cases_are_indexed
check 'exactly those flip whom the new age refuses, by that element, as of then' exactly_the_expected_flips
check 'how far it has come is told' progress_is_told
check 'who asked for what is on record' it_is_on_record
check 'nobody is named' nobody_is_named
check 'for people: a table and the sum' for_people
check 'a terminal sees how far it has come' a_terminal_sees_progress
check 'nothing flips by the same rules' nothing_flips_by_the_same_rules
check 'a question that the new version does not have is counted and told' a_question_that_no_longer_fits_is_counted
check 'a wrong version is told by line and column, as by validate' a_wrong_version_is_told_by_line_and_column
check 'what is no such request is refused' what_is_no_request_is_refused
check 'one at a time; it holds up no question and ends with its client' one_at_a_time_until_the_client_goes
check 'it ends with the gateway' it_ends_with_the_gateway
check 'the gateway has ended in order' stop_gateway
