#!/usr/bin/env bash
# sandbox.sh - every number of doc/sandbox.md, asked of a running gateway, gives what it says; and together they
# give every finding code, flag and decision there is.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT


# ask_case FILE: the question of a case of now, not of the day that its offline run fixes.
ask_case() {
	jq --arg now "$(date +%Y-%m-%dT%H:%M:%S%:z)" '.question | del(.on)
		| if .submitted_at then .submitted_at = $now else . end' "$1" >"$work/question.json"
	curl -sS --cacert "$BIDUI_CA" --cert "$BIDUI_CERT" --key "$BIDUI_KEY" -H 'Content-Type: application/json' \
		-H "Bidui-Purpose: $purpose" --data "@$work/question.json" -o "$work/answer.json" "$BIDUI_SERVER/v1/compare"
}

as_expected() { # FILE
	ask_case "$1" || return 1
	cat "$work/answer.json" >>"$work/answers"
	local wrong
	wrong=$(jq -r --slurpfile case "$1" -f "$top/tests/e2e/differences.jq" "$work/answer.json") && [ -z "$wrong" ] &&
		jq -e .sandbox "$work/answer.json" || { echo "$wrong"; return 1; }
}

documented() { # FILE: its number and decision stand in one row of the table
	grep -F "$(jq -r .question.subjects.applicant.id_no "$1")" "$top/doc/sandbox.md" |
		grep -q "| $(jq -r .expect.decision "$1") |\$"
}

all_of() { # FILTER WANTED...: what the filter finds in all answers is exactly this
	local filter=$1
	shift
	diff <(jq -r "$filter" "$work/answers" | sort -u) <(printf '%s\n' "$@" | sort -u)
}

real_mode_has_none() {
	ask_case "$top/schemas/sandbox/matters/sandbox/cases/901-pass.json"
	jq -e '.code == "matter.unknown"' "$work/answer.json"
}

make_keys
write_settings 0 0
start_or_bail
check 'without the setting there is no sandbox' real_mode_has_none
stop_gateway
echo "sandbox_folder = $top/schemas/sandbox" >>"$work/bidui.conf"
sandbox=$top/schemas/sandbox write_grants demo >"$work/grants.xml"
start_gateway || { echo 'Bail out! no start with the sandbox'; tail -n 5 "$work/biduid.log"; exit 1; }
check 'the log says that this is no production' grep -q sandbox "$work/biduid.log"
check 'and so does /readyz' grep -q '"sandbox":true' "$work/readyz"
: >"$work/answers"
for file in "$top"/schemas/sandbox/matters/sandbox/cases/*.json; do
	check "$(basename "$file" .json): $(jq -r .title "$file")" as_expected "$file"
	check "$(basename "$file" .json) is documented" documented "$file"
done
check 'every finding code is forced' all_of '.findings[]?.code' match near mismatch indeterminate absent no_record \
	ambiguous unavailable withheld invalid
check 'every flag is forced' all_of '.findings[]?.flags[]' stale disputed conflict normalized former
check 'every decision is forced' all_of '.decision' pass conditional retry refer refuse resubmit
check 'the one-time notice names what is missing, in both languages' jq -e -s \
	'[.[] | select(.offer)] | length > 0 and all(.notice_zh | contains("证明材料")) and all(.notice_en | contains("proof"))' \
	"$work/answers"
echo "1..$count"
