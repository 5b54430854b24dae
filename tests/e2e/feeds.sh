#!/usr/bin/env bash
# feeds.sh - what a message means: the four kinds of feed, envelopes, sections, coverage; and how a push can be
# asked for: all or nothing, later, its rejects page by page. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

medical=$top/adapters/medical/samples/medical_1101_response.json
nws=$top/adapters/social/samples/social_nws_response.xml
verdict=$top/adapters/tax/samples/tax_verify_response.json
person='{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}'
other='{"entity":"person","id_type":"resident_id","id_no":"440311198803089023"}'
business='{"entity":"organization","uscc":"92440311MAXXXXX152"}'

# Statements of the last body that fulfil a condition.
statements() {
	jq "[.statements[] | select($1)] | length" "$work/body"
}

# field SOURCE ENTITY FIELD: its value in the last body; nothing when it is not stated.
field() {
	jq -r --arg s "$1" --arg e "$2" --arg f "$3" '[.statements[] | select(.source == $s and .entity == $e) |
		.values[] | select(.field == $f)][0].value // empty' "$work/body"
}

same() { # WANTED GOT
	[ "$1" = "$2" ] || { echo "wanted: $1"; echo "got: $2"; return 1; }
}

# -- change --

# packet KIND TIME MEMBERS: a change push about the other person.
packet() {
	printf '<PACKET><VERSION>2016</VERSION><SNDTIME>20260601093015</SNDTIME><DATALIST><DATA><CGTYPE>%s</CGTYPE><CGTIME>%s</CGTIME>%s%s</DATA></DATALIST><STATUS>0000</STATUS></PACKET>' \
		"$1" "$2" '<AAC002>440311198803089023</AAC002>' "$3" >"$work/m.xml"
	[ "$(push social/packet "$work/m.xml")" = 200 ] && body_is '.accepted == 1' >/dev/null && query "$other" >/dev/null
}

whole='<AAC003>阿依古丽·示例</AAC003><AAC004>2</AAC004><AAC006>1988-03-08</AAC006>'

change_replaces() {
	packet 1 20260601100000 "$whole" && same 阿依古丽·示例 "$(field social person name)" &&
		same female "$(field social person sex)"
}

change_patches() {
	packet 2 20260601110000 '<AAC009>20</AAC009>' && same 20 "$(field social person household_kind)" &&
		same 阿依古丽·示例 "$(field social person name)" && same 1988-03-08 "$(field social person birth_date)"
}

late_patch_is_older() {
	packet 2 20260601103000 '<AAC009>10</AAC009>' && same 20 "$(field social person household_kind)"
}

change_replaces_the_row() {
	packet 1 20260601120000 '<AAC003>阿依古丽·示例</AAC003>' && same 阿依古丽·示例 "$(field social person name)" &&
		same '' "$(field social person birth_date)" && same '' "$(field social person household_kind)"
}

change_deletes() {
	packet 3 20260601130000 '' && same 0 "$(statements '.source == "social" and .entity == "person"')"
}

old_change_stays_deleted() {
	packet 1 20260601123000 "$whole" && same 0 "$(statements '.source == "social" and .entity == "person"')"
}

unknown_action() {
	printf '<PACKET><SNDTIME>20260601093015</SNDTIME><DATALIST><DATA><CGTYPE>9</CGTYPE><CGTIME>20260601140000</CGTIME><AAC002>440311198803089023</AAC002></DATA></DATALIST><STATUS>0000</STATUS></PACKET>' >"$work/m.xml"
	status_is 422 push social/packet "$work/m.xml" && body_is '.rejects[0].code == "action.unknown"'
}

# -- reply --

# The records of a dry run, without the order, which is the envelope's.
records_of() {
	push "$1" "$2" '?dry_run=true' >/dev/null
	jq -r .would_store "$work/body" | grep -v '^  order '
}

envelopes_agree() {
	records_of medical/1101 "$medical" >"$work/own"
	jq '{code: "200", message: "ok", time: "2026-06-01 09:30:16", data: .output}' "$medical" >"$work/m.json"
	records_of medical/platform "$work/m.json" >"$work/platform"
	[ "$(grep -c '^#' "$work/own")" -ge 4 ] && diff "$work/own" "$work/platform"
}

insurances() {
	query "$person" >/dev/null
	statements '.source == "medical" and .entity == "insurance_status"'
}

# reply TIME FILTER: the medical reply, told at that time, its payload changed by jq.
reply() {
	jq "{code: \"200\", message: \"ok\", time: \"$1\", data: (.output | $2)}" "$medical" >"$work/m.json"
	[ "$(push medical/platform "$work/m.json")" = 200 ]
}

missing_section_says_nothing() {
	reply '2026-06-01 10:00:00' . && same 3 "$(insurances)" || return 1
	reply '2026-06-01 11:00:00' 'del(.insuinfo)' && same 3 "$(insurances)"
}

empty_section_says_none() {
	reply '2026-06-01 12:00:00' '.insuinfo = []' && same 0 "$(insurances)" || return 1
	reply '2026-06-01 13:00:00' . && same 3 "$(insurances)"
}

section_of_two_drops_the_third() {
	reply '2026-06-01 14:00:00' '.insuinfo |= .[0:2]' && same 2 "$(insurances)"
}

reply_has_its_time() {
	query "$person" >/dev/null
	same '["2026-06-01T14:00:00.000+08:00"]' "$(jq -c '[.statements[] | select(.source == "medical") | .as_of] | unique' "$work/body")"
}

late_reply_is_older() {
	reply '2026-06-01 13:30:00' '.insuinfo = []' && same 2 "$(insurances)"
}

# -- snapshot --

# full COUNT [EDIT]: a full export of so many marks, each of a business of its own.
full() {
	local i
	for ((i = 1; i <= $1; i++)); do
		printf '440000\00144031100000000000%05d\001BUSEXC%05d\0011\0012022-07-08\001示例监管局\001\\N\001\\N\001\\N\0012026-05-31 23:10:05\n' "$i" "$i"
	done | sed "${2-}" >"$work/full.txt"
}

# How many marks of the first so many businesses are held.
marks() {
	local i
	for ((i = 1; i <= $1; i++)); do
		printf '{"subject":{"entity":"organization","id_type":"uscc","id_no":"%s"}}\n' "$(uscc_of "$i")"
	done >"$work/ask.ndjson"
	ask POST /v1/identities/query -H 'Content-Type: application/x-ndjson' --data-binary "@$work/ask.ndjson" >/dev/null
	jq -s '[.[].statements[] | select(.entity == "abnormal")] | length' "$work/body"
}

uscc_of() {
	sed -n "$1p" "$work/usccs"
}

# The businesses behind the department's own numbers.
know_businesses() {
	"$build/tests/gen/bidui_gen" --people 10 --businesses 40 --seed 5 --out "$work/gen" || return 1
	awk -F'\001' -v OFS='\001' '{ $2 = sprintf("44031100000000000%05d", NR); print }' \
		"$work/gen/market_E_PB_BASEINFO.utf8.txt" >"$work/base.txt"
	cut -d $'\001' -f 3 "$work/base.txt" >"$work/usccs"
	status_is 200 push market/e_pb_baseinfo "$work/base.txt" && body_is '.accepted == 40'
}

snapshot_says_all() {
	full 40 && status_is 200 push market/ao_pb_opanomaly_full "$work/full.txt" '?delivery=2026-06-01&total=40' &&
		same 40 "$(marks 40)"
}

snapshot_removes_a_few() {
	full 40 '7d;9d' && status_is 200 push market/ao_pb_opanomaly_full "$work/full.txt" '?delivery=2026-07-01&total=38' &&
		same 38 "$(marks 40)"
}

snapshot_of_too_few() {
	full 30 && expect 422 snapshot.share push market/ao_pb_opanomaly_full "$work/full.txt" && same 38 "$(marks 40)"
}

snapshot_of_none() {
	: >"$work/full.txt"
	expect 422 snapshot.share push market/ao_pb_opanomaly_full "$work/full.txt" && same 38 "$(marks 40)"
}

snapshot_with_reject() {
	full 38 '38s/BUSEXC[0-9]*//' && expect 422 snapshot.share push market/ao_pb_opanomaly_full "$work/full.txt" &&
		same 38 "$(marks 40)"
}

snapshot_not_whole() {
	full 37 && expect 422 delivery.total push market/ao_pb_opanomaly_full "$work/full.txt" '?delivery=2026-08-01&total=38' &&
		same 38 "$(marks 40)"
}

# -- verify --

verdict_is_held() {
	status_is 200 push tax/verify "$verdict" && query "$business" >/dev/null &&
		same consistent "$(field tax verification verdict)" &&
		same 2026-06-02T09:31:00.000+08:00 "$(field tax verification expires)" &&
		same 3f0c6f0e9f6f4a7f8a52c3c1d8f1b0a2 "$(field tax verification claims_digest)"
}

verdict_holds_no_value() {
	query "$business" >/dev/null
	same '["as_of","claims_digest","expires","verdict"]' "$(jq -c '[.statements[] | select(.section == "hyjg") |
		.values[].field] | sort' "$work/body")" &&
		same '["verification"]' "$(jq -c '[.statements[] | select(.section == "hyjg") | .entity] | unique' "$work/body")"
}

verdict_with_a_value() {
	jq -c '.data.hyjg.nsrmc = "示例"' "$verdict" >"$work/m.json"
	status_is 422 push tax/verify "$work/m.json" && body_is '.rejects[0].code == "field.unknown"'
}

verdict_changes() {
	jq -c '.time = "2026-06-03 09:00:00" | .data.hyjg += {jl: "不一致", hysj: "2026-06-03 09:00:00", yxqz: "2026-06-04 09:00:00"}' \
		"$verdict" >"$work/m.json"
	status_is 200 push tax/verify "$work/m.json" && query "$business" >/dev/null &&
		same inconsistent "$(field tax verification verdict)" &&
		same 1 "$(statements '.entity == "verification"')"
}

# A matter that asks tax for the name of a business.
make_matter() {
	mkdir -p "$work/schemas/matters/verified-name" && cp -r "$top"/schemas/. "$work/schemas/" &&
		cat >"$work/schemas/matters/verified-name/matter.xml" <<-'END'
			<?xml version="1.0" encoding="UTF-8"?>
			<matter id="verified-name" version="1" zh="核验名称" en="a verified name" basis="示例" effective-from="2020-01-01" wait-s="3600">
			 <role name="business" zh="市场主体" en="business" kind="organization" min="1" max="1"/>
			 <element id="name" zh="名称一致" en="name agrees" role="business" entity="organization" field="name" polarity="must_agree" claimed="true" sources="tax" core="true"/>
			</matter>
		END
}

# What tax said of this claim, and until when; its digest is of the claim as the contract of the feed has it.
claimed=深圳市光明区示例食品商行
say_verdict() { # VERDICT AT UNTIL
	local digest
	digest=$(printf 'uscc\03792440311MAXXXXX152\037name\037%s\037' "$claimed" | sha256sum | cut -d ' ' -f 1)
	jq -c --arg v "$1" --arg at "$2" --arg until "$3" --arg digest "$digest" '.time = $at | .data.hyjg +=
		{jl: $v, hysj: $at, yxqz: $until, sbzy: $digest}' "$verdict" >"$work/m.json"
	[ "$(push tax/verify "$work/m.json")" = 200 ]
}

# The finding on the claimed name as "CODE via SOURCE".
verified() {
	jq -n --arg name "$claimed" '{matter: "verified-name", subjects: {business: {entity: "organization", uscc: "92440311MAXXXXX152"}},
		claims: [{of: "/subjects/business", field: "name", value: $name}]}' >"$work/question.json"
	ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json" >/dev/null
	jq -r '.findings[0] | "\(.code) via \(.via)"' "$work/body"
}

tomorrow=$(date -d '+1 day' '+%Y-%m-%d %H:%M:%S')

verdict_counts() {
	same 'unavailable via null' "$(verified)" && say_verdict 一致 '2026-06-03 10:00:00' "$tomorrow" &&
		same 'match via source' "$(verified)" && body_is '.findings[0].source == "tax"'
}

verdict_against() {
	say_verdict 不一致 '2026-06-03 11:00:00' "$tomorrow" && same 'mismatch via source' "$(verified)"
}

verdict_of_another_claim() {
	claimed=深圳市光明区示例百货商行
	same 'unavailable via null' "$(verified)"
	local result=$?
	claimed=深圳市光明区示例食品商行
	return "$result"
}

verdict_expires() {
	say_verdict 一致 '2026-06-03 12:00:00' '2026-06-04 12:00:00' && same 'unavailable via null' "$(verified)"
}

# -- coverage --

coverage_of() { # FEED
	ask GET /v1/status >/dev/null
	jq -r --arg feed "$1" '[.feeds[] | select(.feed == $feed)][0] | "\(.coverage) \(.complete_through)"' "$work/body"
}

deliver() { # DAY TOTAL [BASELINE]
	: >"$work/empty"
	push market/e_gt_revoke "$work/empty" "?delivery=$1&total=$2${3+&baseline=true}"
}

coverage_goes_on() {
	same 'none null' "$(coverage_of e_gt_revoke)" || return 1
	deliver 2026-06-01 0 baseline >/dev/null && same 'feed 2026-06-02T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)" &&
		deliver 2026-06-02 0 >/dev/null && same 'feed 2026-06-03T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)"
}

gap_and_back() {
	deliver 2026-06-04 0 >/dev/null
	same 'gap 2026-06-03T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)" || return 1
	deliver 2026-06-03 0 >/dev/null
	same 'feed 2026-06-05T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)"
}

wrong_total_covers_nothing() {
	expect 422 delivery.total deliver 2026-06-05 1 && same 'feed 2026-06-05T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)"
}

no_total_covers_nothing() {
	: >"$work/empty"
	status_is 200 push market/e_gt_revoke "$work/empty" '?delivery=2026-06-05' &&
		same 'feed 2026-06-05T00:00:00.000+08:00' "$(coverage_of e_gt_revoke)"
}

# -- how a push can be asked for --

row='440000\001440311000000000000000%s\0011\0012026-05-28\001示例监管局\0012026-05-31 23:10:05\n'

atomic_stores_nothing() {
	# shellcheck disable=SC2059
	{ printf "$row" 901; printf 'x\001y\n'; } >"$work/m.txt"
	expect 422 message.atomic push market/e_gt_cancel "$work/m.txt" '?atomic=true' &&
		body_is '.message == null and .accepted == 0 and .rejected == 1 and .rejects[0].row == 2' &&
		status_is 200 push market/e_gt_cancel "$work/m.txt" && body_is '.unchanged == 0 and .accepted == 1'
}

atomic_stores_all() {
	# shellcheck disable=SC2059
	{ printf "$row" 902; printf "$row" 903; } >"$work/m.txt"
	status_is 200 push market/e_gt_cancel "$work/m.txt" '?atomic=true' && body_is '.accepted == 2' &&
		status_is 200 push market/e_gt_cancel "$work/m.txt" && body_is '.unchanged == 2'
}

# The pages of one message, by their Link, hold each of its rejects once.
rejects_by_page() {
	local url pages=0
	{ for ((i = 0; i < 2500; i++)); do printf 'x\001y\n'; done; } >"$work/m.txt"
	status_is 422 push market/e_gt_cancel "$work/m.txt" && body_is '(.rejects | length) == 1000 and .more' || return 1
	url="/v1/rejects?source=market&message=$(jq -r .message "$work/body")"
	jq '.rejects[].index' "$work/body" >"$work/listed"
	: >"$work/indexes"
	while [ -n "$url" ]; do
		[ "$(ask GET "$url" -D "$work/head")" = 200 ] || return 1
		jq '.rejects[].reject.index' "$work/body" >>"$work/indexes"
		url=$(sed -n 's/^link: <\([^>]*\)>; rel="next".*/\1/Ip' "$work/head")
		pages=$((pages + 1))
		[ "$pages" -le 3 ] || return 1
	done
	same 3 "$pages" && diff <(seq 0 2499) "$work/indexes" && diff <(seq 0 999) "$work/listed"
}

# What the receipt did not list stands behind its own cursor.
rejects_of_receipt() {
	push market/e_gt_cancel "$work/m.txt" >/dev/null
	same 200 "$(ask GET "/v1/rejects?source=market&cursor=$(jq -r .next "$work/body")")" &&
		body_is '.rejects[0].reject.index == 1000'
}

problem_in() { # LANGUAGE TITLE CONTENT-LANGUAGE
	push social/none "$nws" '' -H "Accept-Language: $1" -D "$work/head" >/dev/null
	same "$2" "$(jq -r .title "$work/body")" && grep -qi "^content-language: $3" "$work/head" &&
		body_is '.code == "source.unknown"'
}

line_in_english() {
	ask POST /v1/compare -H 'Content-Type: application/x-ndjson' -H 'Accept-Language: en' --data '{}' >/dev/null
	body_is '.title == "no such matter, or none in force on that day"'
}

# Workers as they stand: stopped, so that nothing is read, or going on.
signal_workers() {
	local pid
	for pid in $(pgrep -P "$bidui_pid"); do
		kill "-$1" "$pid" || return 1
	done
}

later() { # [CURL-ARGUMENT...]: a push to be answered later; its address in $address
	push social/nws "$nws" '' -H 'Prefer: respond-async' -D "$work/head" "$@" >"$work/status"
	address=$(sed -n 's/^location: \([^[:cntrl:]]*\).*/\1/Ip' "$work/head")
	same 202 "$(cat "$work/status")" && [ -n "$address" ]
}

# until_is STATUS: asks the address until that is the answer.
until_is() {
	local left=300
	until [ "$(ask GET "$address")" = "$1" ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { echo "not $1"; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
}

answered_later() {
	signal_workers STOP && later && status_is 202 ask GET "$address" && body_is '.state == "running"' || {
		signal_workers CONT
		return 1
	}
	signal_workers CONT
	until_is 200 && body_is '.accepted > 0 and .rejected == 0 and (.message | test("^[0-9]{12}$"))'
}

refused_later() {
	printf '<response' >"$work/m.xml"
	nws=$work/m.xml later && until_is 200 &&
		body_is '.state == "refused" and .problem.code == "message.truncated" and .problem.status == 400'
}

atomic_later() {
	printf 'x\001y\n' >"$work/m.txt"
	push market/e_gt_cancel "$work/m.txt" '?atomic=true' -H 'Prefer: respond-async' -D "$work/head" >/dev/null
	address=$(sed -n 's/^location: \([^[:cntrl:]]*\).*/\1/Ip' "$work/head")
	until_is 200 && body_is '.code == "message.atomic" and .message == null and .rejects[0].code == "row.too_few_columns"'
}

# Who did not wait for the answer has it stored all the same when the gateway is told to stop.
stop_waits_for_later() {
	local pid=$bidui_pid left=300
	sed 's/440311199106159019/440311199106159027/g' "$top/adapters/social/samples/social_nws_response.xml" >"$work/m.xml"
	signal_workers STOP && nws=$work/m.xml later -H 'Connection: close' || { signal_workers CONT; return 1; }
	kill -TERM "$pid"
	until grep -q drain "$work/biduid.log"; do
		kill -0 "$pid" || return 1
		read -r -t 0.1 <> <(:) || true
	done
	signal_workers CONT
	while kill -0 "$pid" 2>/dev/null; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { kill -KILL "$pid"; echo 'does not stop'; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
	grep -q stopped "$work/biduid.log" && start_gateway || return 1
	query '{"entity":"person","id_type":"resident_id","id_no":"440311199106159027"}' >/dev/null
	body_is '.status == "found"' && status_is 404 ask GET "$address"
}

figure() { # NAME: as a connection of its own hears it from whichever loop takes it
	ask GET /metrics >/dev/null
	sed -n "s/^$1 //p" "$work/body"
}

# All loops tell the same: a counter would otherwise go back when another loop answers.
figures_are_of_all_loops() {
	local left=200 i before
	before=$(figure bidui_workers_died_total)
	kill -KILL "$(pgrep -P "$bidui_pid" | head -n 1)"
	until [ "$(figure bidui_workers_died_total)" = $((before + 1)) ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { echo 'not counted'; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
	for i in $(seq 20); do
		same $((before + 1)) "$(figure bidui_workers_died_total)" || return 1
	done
}

make_keys
make_matter
schemas=$work/schemas write_settings 0 0
start_or_bail

check 'change: a record replaces the row' change_replaces
check 'change: a patch changes what it names' change_patches
check 'change: an older patch that comes later changes nothing' late_patch_is_older
check 'change: a replaced row has only what it says' change_replaces_the_row
check 'change: a record deletes the row' change_deletes
check 'change: an older record that comes later does not bring it back' old_change_stays_deleted
check 'change: an unknown kind of change is a reject' unknown_action
check "reply: a platform's envelope and the department's own give the same records" envelopes_agree
check 'reply: a section that is missing says nothing' missing_section_says_nothing
check 'reply: a section that is empty says none' empty_section_says_none
check 'reply: what a section does not name is no more' section_of_two_drops_the_third
check "reply: what it says is as of the source's time" reply_has_its_time
check 'reply: an older reply that comes later changes nothing' late_reply_is_older
check 'snapshot: the businesses are known' know_businesses
check 'snapshot: it says all' snapshot_says_all
check 'snapshot: what it does not name is gone, within the share' snapshot_removes_a_few
check 'snapshot: past the share it is refused and leaves all' snapshot_of_too_few
check 'snapshot: an empty one is refused and leaves all' snapshot_of_none
check 'snapshot: one with a reject is refused and leaves all' snapshot_with_reject
check 'snapshot: one that is not whole is refused and leaves all' snapshot_not_whole
check 'verify: digest, verdict and expiry are held' verdict_is_held
check 'verify: and no value' verdict_holds_no_value
check 'verify: a later verdict on the same claims takes its place' verdict_changes
check 'verify: a verdict in force decides the claim, via the source' verdict_counts
check 'verify: a verdict against it too' verdict_against
check 'verify: it says nothing of another claim' verdict_of_another_claim
check 'verify: an expired verdict counts no more' verdict_expires
check 'verify: a message that brings a value is refused' verdict_with_a_value
check 'coverage: deliveries with control totals go on' coverage_goes_on
check 'coverage: a missing delivery is a gap until it comes' gap_and_back
check 'coverage: a control total that differs covers nothing' wrong_total_covers_nothing
check 'coverage: without a control total nothing is covered' no_total_covers_nothing
check 'push: atomic with a reject stores nothing' atomic_stores_nothing
check 'push: atomic without a reject stores all' atomic_stores_all
check 'rejects: page by page, each once' rejects_by_page
check 'rejects: a receipt has the cursor of those it does not list' rejects_of_receipt
check 'problems: in English' problem_in en 'no such source or feed' en
check 'problems: in Chinese' problem_in 'zh-CN, en;q=0.5' 没有这个数据源或数据流 zh-CN
check 'problems: in a batch too' line_in_english
check 'later: 202, then the receipt' answered_later
check 'later: 202, then why it was refused' refused_later
check 'later: 202, then what was wrong with all or nothing' atomic_later
check 'figures: every loop tells those of all' figures_are_of_all_loops
check 'later: the gateway does not stop before it is stored' stop_waits_for_later
check 'it stops in order' stop_gateway
echo "1..$count"
