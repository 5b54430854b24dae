#!/usr/bin/env bash
# history.sh - a decision is drawn again from what was held then, whatever was pushed since, and from what is held
# today, with what differs. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json

decide() { # the receipt's id in $receipt
	jq .question "$case_file" >"$work/question.json"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' -H 'Bidui-Operator: 0007' \
		--data "@$work/question.json")" = 200 ] && receipt=$(jq -r .receipt "$work/body")
}

# The case file is indexed some tenths of a second later.
reproduce() { # RECEIPT [CURL-ARGUMENT...]: the status
	local id=$1 left=100 got
	shift
	while got=$(ask POST "/v1/receipts/$id/reproduce" "$@") && [ "$got" = 404 ] && [ "$left" -gt 0 ] &&
		jq -e '.code == "case.pending" and .retryable' "$work/body" >/dev/null; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	echo "$got"
}

agrees_with_itself() {
	decide && [ "$(reproduce "$receipt")" = 200 ] && body_is "
		.receipt == \"$receipt\" and .decision == \"pass\" and .matter == \"individual-business-registration\"
		and .case == \"GM20260601-0001\" and .on == \"2026-06-01\"
		and (.reproduced | .agrees and .decision == \"pass\" and .differences == [] and .statements == [])
		and (.today | .agrees and .decision == \"pass\" and .differences == [] and .statements == [])
		and .reproduced.at == .at and .today.at > .at"
}

# Another name for the applicant, told by social security later.
rename_applicant() {
	sed 's/林示例/林更名/g' "$top/adapters/social/samples/social_nws_response.xml" >"$work/renamed.xml"
	[ "$(push social/nws "$work/renamed.xml")" = 200 ]
}

then_it_was_so_and_today_it_is_not() {
	[ "$(reproduce "$first")" = 200 ] && body_is '
		(.reproduced | .agrees and .decision == "pass" and .differences == [] and .statements == [])
		and (.today | (.agrees | not) and .decision != "pass"
			and ([.differences[] | select(.element == "name")][0] | .was.code == "match" and .is.code != "match"
				and .is.reason != "" and (.label_zh | length) > 0)
			and ([.statements[] | select(.source == "social" and .element == "name")][0]
				| .was.version < .is.version))'
}

no_value_is_shown() {
	local word
	for word in 林示例 林更名 440311199106159019; do
		! grep -qF -- "$word" "$work/body" || { echo "$word"; return 1; }
	done
}

after_a_restart() {
	stop_gateway && start_gateway && then_it_was_so_and_today_it_is_not
}

# Each look is entered: who, of which receipt, whether it came to the same.
looking_again_is_on_record() {
	local entry digest
	[ "$(ask GET "/v1/receipts/$first")" = 200 ] || return 1
	digest=$(jq -r '.subjects[0].digest' "$work/body")
	[ "$(reproduce "$first" -H 'Bidui-Case: review')" = 200 ] || return 1
	entry=$(jq -r .entry "$work/body")
	[ "$(ask GET "/v1/receipts/$entry")" = 200 ] && body_is ".kind == \"reproduce\" and .of == \"$first\"
		and .client == \"demo\" and .case == \"review\" and .status == \"agrees\"
		and .subjects[0].digest == \"$digest\""
}

others_do_not_see_it() {
	as=other expect 404 receipt.unknown ask POST "/v1/receipts/$first/reproduce" &&
		as=department expect 403 auth.role ask POST "/v1/receipts/$first/reproduce"
}

an_operator_may() {
	[ "$(as=operator reproduce "$first")" = 200 ] && body_is '.reproduced.agrees'
}

what_is_no_decision_is_refused() {
	local id
	expect 404 receipt.unknown ask POST /v1/receipts/0123456789abcdef-0000-00000001-00000040/reproduce &&
		expect 404 receipt.unknown ask POST /v1/receipts/x/reproduce || return 1
	[ "$(query '{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}')" = 200 ] || return 1
	id=$(jq -r .receipt "$work/body")
	expect 404 case.unknown ask POST "/v1/receipts/$id/reproduce"
}

for_people_and_for_programs() {
	local got=0
	"$build/bidui" receipt reproduce "$first" >"$work/shown" || got=$?
	[ "$got" = 0 ] && grep -q '重现' "$work/shown" && grep -q '秒批通过' "$work/shown" && grep -q '姓名' "$work/shown" &&
		! grep -q 林 "$work/shown" || { echo "exit $got"; cat "$work/shown"; return 1; }
	"$build/bidui" --lang en receipt reproduce "$first" | grep -q 'reproduced' &&
		"$build/bidui" -o json receipt reproduce "$first" | jq -e '.reproduced.agrees and (.today.agrees | not)'
}

# The version that decided is configured no more, then again; by its successor, today's decision is another.
version_that_is_gone() {
	local file=$work/schemas/matters/individual-business-registration/matter.xml
	sed -i 's/\(<matter [^>]*version="\)[^"]*/\19999/' "$file" && stop_gateway && start_gateway &&
		expect 409 matter.version reproduce "$first"
}

version_that_is_back() {
	cp "$top/schemas/matters/individual-business-registration/matter.xml" \
		"$work/schemas/matters/individual-business-registration/matter.xml"
	stop_gateway && start_gateway && then_it_was_so_and_today_it_is_not
}

make_keys
cp -r "$top/schemas" "$work/schemas"
schemas=$work/schemas
write_settings 0 0
for name in other department operator; do
	make_certificate "$name" "/CN=$name" "subjectAltName=DNS:$name.client.invalid
extendedKeyUsage=clientAuth"
	case $name in other) role=engine ;; *) role=$name ;; esac
	printf '[%s]\nspki_pin = %s\nroles = %s\n' "$name" "$(spki_pin "$work/tls/$name.crt")" "$role" >>"$work/senders"
	[ "$name" != department ] || printf 'sources = market\n' >>"$work/senders"
done
write_grants demo other operator >"$work/grants.xml"
echo 1..13
start_gateway || { echo 'Bail out! the gateway does not start'; cat "$work/biduid.log"; exit 1; }
check 'the samples are taken' push_samples "$top/tests/e2e/samples.tsv"
check 'what was decided just now is decided so again' agrees_with_itself
first=$receipt
check 'a department tells another name' rename_applicant
check 'then it was so, and today it is not: with the finding and the statement that changed' \
	then_it_was_so_and_today_it_is_not
check 'no value is shown' no_value_is_shown
check 'after a restart it is the same' after_a_restart
check 'each look is on record' looking_again_is_on_record
check 'who did not ask sees nothing' others_do_not_see_it
check 'an operator may' an_operator_may
check 'what is no decision is refused' what_is_no_decision_is_refused
check 'for people in both languages, and for programs' for_people_and_for_programs
check 'a version that is configured no more is said to be gone' version_that_is_gone
check 'and is found again' version_that_is_back
stop_gateway
