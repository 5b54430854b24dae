#!/usr/bin/env bash
# gateway.sh - a running gateway, asked and pushed to over TLS as its users do. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-.}
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

person='{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}'
person15='{"entity":"person","id_type":"resident_id","id_no":"440311910615901"}'
business='{"entity":"organization","uscc":"92440311MAXXXXX152"}'
by_reg_no='{"entity":"organization","reg_no":"440311600999996"}'
by_tax_no='{"entity":"organization","tax_no":"92440311MAXXXXX152"}'
tax=$top/adapters/tax/samples/tax_gt3_response.xml
nws=$top/adapters/social/samples/social_nws_response.xml
cases=$top/schemas/matters/individual-business-registration/cases
# Of every matter, the cases whose subjects stand in the samples.
mapfile -t live_cases < <(grep -l '"live": true' "$top"/schemas/matters/*/cases/*.json)

as_expected() { # FILE: the last answer, of this case
	local wrong
	wrong=$(jq -r --slurpfile case "$1" -f "$top/tests/e2e/differences.jq" "$work/body") && [ -z "$wrong" ] ||
		{ echo "$wrong"; return 1; }
}

identifiers_of() {
	query "$1" >/dev/null
	jq -cS '[.identifiers[]] | sort' "$work/body"
}

same_subject() {
	local first other
	first=$(identifiers_of "$1")
	shift
	[ "$first" != '[]' ] || return 1
	for other in "$@"; do
		[ "$(identifiers_of "$other")" = "$first" ] || { echo "$other differs"; return 1; }
	done
}

nothing_in_clear() {
	local word
	for word in 440311199106159019 440311910615901 440311198803089023 林示例 阿依古丽 92440311MAXXXXX152 \
		91440311MAXXXXX230 示例食品商行; do
		printf '%s\n' "$word"
		printf '%s\n' "$word" | iconv -f UTF-8 -t GB18030
	done >"$work/words"
	# At once: the folder has a gigabyte of holes.
	! LC_ALL=C grep -raoF -m 1 -f "$work/words" "$work/data"
}

no_value_in_log() {
	! grep -F -e 440311199106159019 -e 林示例 -e 92440311MAXXXXX152 "$work/biduid.log"
}

arrears() {
	query "$business" >/dev/null
	jq '[.statements[] | select(.entity == "arrears")] | length' "$work/body"
}

# The tax reply without, or with an empty, grid of arrears.
tax_without_grid() { sed 's|<qsxxGrid>.*</qsxxGrid>||' "$tax"; }
tax_empty_grid() { sed 's|<qsxxGrid>.*</qsxxGrid>|<qsxxGrid/>|' "$tax"; }

grid_missing_keeps() {
	[ "$(arrears)" = 1 ] || return 1
	tax_without_grid >"$work/m.xml"
	[ "$(push tax/gt3 "$work/m.xml")" = 200 ] && [ "$(arrears)" = 1 ]
}

grid_empty_clears() {
	tax_empty_grid >"$work/m.xml"
	[ "$(push tax/gt3 "$work/m.xml")" = 200 ] && [ "$(arrears)" = 0 ] || return 1
	[ "$(push tax/gt3 "$tax")" = 200 ] && [ "$(arrears)" = 1 ]
}

rejected_row_keeps() {
	sed 's|<ybtse>[^<]*</ybtse>|<ybtse>many</ybtse>|' "$tax" >"$work/m.xml"
	[ "$(push tax/gt3 "$work/m.xml")" = 200 ] && body_is '.rejected == 1 and .rejects[0].code == "amount.form"' &&
		[ "$(arrears)" = 1 ] &&
		jq -e '[.statements[] | select(.entity == "arrears")][0].blocked' "$work/body" &&
		[ "$(push tax/gt3 "$tax")" = 200 ] && [ "$(arrears)" = 1 ] &&
		jq -e '[.statements[] | select(.entity == "arrears")][0].blocked == false' "$work/body"
}

# As the number of who ran a business once was: eighteen digits of an identity number.
tax_number_of_an_owner() {
	local number=44031119850505501X
	sed "s/92440311MAXXXXX152/$number/; s|<shxydm>[^<]*</shxydm>||; s/10124403000000000152/10124403000000000990/
		s/440311199106159019/$number/; s/林示例/周示例/" "$tax" >"$work/m.xml"
	[ "$(push tax/gt3 "$work/m.xml")" = 200 ] && query "{\"entity\":\"organization\",\"tax_no\":\"$number\"}" >/dev/null &&
		body_is '.status == "found" and ([.identifiers[].kind] | sort) == ["dept_key", "taxpayer_no"]
			and any(.statements[]; .entity == "tax_status")' || return 1
	query "{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$number\"}" >/dev/null
	body_is '.status == "found" and [.identifiers[].kind] == ["resident_id"]
		and all(.statements[]; .entity == "person" or (.entity == "relation" and .inverse))'
}

missing_day() {
	compare "$cases/01-pass.json" >/dev/null && body_is '.decision == "pass"' || return 1
	: >"$work/empty"
	[ "$(push market/e_li_illdishonesty "$work/empty" '?delivery=2026-06-03&total=0')" = 200 ] || return 1
	compare "$cases/01-pass.json" >/dev/null
	body_is '.decision == "refer" and ([.findings[] | select(.element == "no_dishonest_business")][0] |
		.code == "unavailable" and .reason == "gap")' || return 1
	[ "$(push market/e_li_illdishonesty "$work/empty" '?delivery=2026-06-02&total=0')" = 200 ] || return 1
	compare "$cases/01-pass.json" >/dev/null && body_is '.decision == "pass"'
}

repeat_gives_first() {
	push social/nws "$nws" '' -H 'Idempotency-Key: k1' >/dev/null
	cp "$work/body" "$work/first"
	[ "$(push social/nws "$nws" '' -H 'Idempotency-Key: k1')" = 200 ] &&
		[ "$(jq .message "$work/first")" = "$(jq .message "$work/body")" ] &&
		sed 's|<aac009>10|<aac009>20|' "$nws" >"$work/m.xml" &&
		expect 422 idempotency.body_differs push social/nws "$work/m.xml" '' -H 'Idempotency-Key: k1'
}

dry_run_stores_nothing() {
	sed 's/440311199106159019/440311199106159027/g' "$nws" >"$work/m.xml"
	[ "$(push social/nws "$work/m.xml" '?dry_run=true')" = 200 ] &&
		body_is '.dry_run and (.would_store | test("basicform person replace"))' &&
		query '{"entity":"person","id_type":"resident_id","id_no":"440311199106159027"}' >/dev/null &&
		body_is '.status == "no_subject"'
}

batch_in_order() {
	for file in "${live_cases[@]}"; do jq -c .question "$file"; done >"$work/batch.ndjson"
	echo '{"matter":"none"}' >>"$work/batch.ndjson"
	for file in "${live_cases[@]}"; do jq -r .question.case "$file"; done >"$work/want"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$work/batch.ndjson")" = 200 ] &&
		diff <(jq -r 'select(.case) | .case' "$work/body") "$work/want" &&
		tail -n 1 "$work/body" | jq -e '.code == "matter.unknown"'
}

# Forty questions, and a line that never ends: all of them are answered, then that one is refused.
batch_ends_at_what_is_too_long() {
	local line
	line=$(jq -c .question "$cases/01-pass.json")
	{ for _ in $(seq 40); do printf '%s\n' "$line"; done && head -c 8000000 /dev/zero | tr '\0' ' '; } >"$work/long.ndjson"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' -H 'Expect:' --data-binary "@$work/long.ndjson")" = 200 ] &&
		jq -se 'length == 41 and all(.[:40][]; .decision == "pass") and (map(.receipt) | unique | length) == 41
			and .[40].code == "http.too_large"' "$work/body"
}

gzip_body() {
	gzip -c "$nws" >"$work/m.gz"
	[ "$(push social/nws "$work/m.gz" '' -H 'Content-Encoding: gzip')" = 200 ] && body_is '.rejected == 0'
}

gzip_bomb() {
	{ printf '<response>'; head -c 50000000 /dev/zero | tr '\0' ' '; } | gzip -9 >"$work/m.gz"
	expect 413 limit.expansion push social/nws "$work/m.gz" '' -H 'Content-Encoding: gzip'
}

no_certificate() {
	[ "$(curl -s --cacert "$work/tls/ca.crt" -o "$work/body" -w '%{http_code}' \
		"https://127.0.0.1:$https_port/v1/status")" = 401 ] && body_is '.code == "auth.unknown"'
}

figures_of_what_is_there() {
	grep -qE '^bidui_tls_certificate_left_seconds [1-9][0-9]{5,8}$' "$work/body" && ! grep -q bidui_tls_crl_left_seconds "$work/body"
}

reload_keeps_connection() {
	local config=$work/curl left=100
	kill -HUP "$bidui_pid"
	printf 'url = "https://127.0.0.1:%s/readyz"\nurl = "https://127.0.0.1:%s/readyz"\noutput = "%s"\noutput = "%s"\n' \
		"$https_port" "$https_port" "$work/r1" "$work/r2" >"$config"
	curl -fsS --cacert "$work/tls/ca.crt" -K "$config" || return 1
	until grep -q reload.done "$work/biduid.log" || [ "$left" -eq 0 ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	grep -q reload.done "$work/biduid.log" && compare "$cases/01-pass.json" >/dev/null && body_is '.decision == "pass"'
}

# Every message that was acknowledged before the process was killed is there afterwards.
kill_loses_nothing() {
	local acknowledged=0 line pid
	"$build/tests/gen/bidui_gen" --people 300 --businesses 1 --seed 7 --out "$work/gen" || return 1
	: >"$work/acks"
	(
		while IFS= read -r line; do
			printf '%s' "$line" >"$work/one.xml"
			got=$(curl -s --max-time 10 --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
				--key "$work/tls/client.key" -o "$work/ack.body" -w '%{http_code}' \
				--data-binary "@$work/one.xml" "https://127.0.0.1:$https_port/v1/sources/social/nws")
			[ "$got" = 200 ] || break
			grep -o '<aac147>[0-9X]*' "$work/one.xml" | cut -c9- >>"$work/acks"
		done <"$work/gen/social_nws.ndxml"
	) &
	pid=$!
	while [ "$(wc -l <"$work/acks")" -lt 25 ]; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	wait "$pid"
	acknowledged=$(wc -l <"$work/acks")
	[ "$acknowledged" -ge 25 ] || { echo "only $acknowledged"; return 1; }
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
	while IFS= read -r line; do
		query "{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$line\"}" >/dev/null
		body_is '.status == "found"' >/dev/null || { echo "lost after $acknowledged"; return 1; }
	done <"$work/acks"
}

big_message_spools() {
	"$build/tests/gen/bidui_gen" --people 4000 --businesses 1500 --seed 11 --out "$work/big" || return 1
	local rows
	rows=$(wc -l <"$work/big/market_E_PB_BASEINFO.utf8.txt")
	[ "$(push market/e_pb_baseinfo "$work/big/market_E_PB_BASEINFO.utf8.txt")" = 200 ] &&
		body_is ".received == $rows and .accepted == $rows" &&
		[ "$(push market/e_pb_baseinfo "$work/big/market_E_PB_BASEINFO.utf8.txt")" = 200 ] &&
		body_is ".unchanged == $rows"
}

# A fifth department is a folder: the same program, one folder more.
fifth_department() {
	stop_gateway || return 1
	mkdir -p "$work/five"
	cp -r "$top"/adapters/. "$work/five/" && cp -r "$top/tests/adapters/civil_affairs" "$work/five/" || return 1
	adapters=$work/five sources='market medical social tax civil_affairs' write_settings 0 0
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
	printf 'xm,zjlx,zjhm,swrq,gxsj\n林示例,1,440311199106159019,2026-06-20,2026-06-21 08:00:00\n' >"$work/deaths.csv"
	[ "$(push civil_affairs/deaths "$work/deaths.csv")" = 200 ] && body_is '.accepted == 1' &&
		compare "$cases/01-pass.json" >/dev/null &&
		body_is '.decision == "refer" and ([.findings[] | select(.element == "alive")][0].code == "mismatch")'
}

# Workers that no longer start: whoever waits is told, and once they start again all is well.
no_worker_is_told() {
	stop_gateway || return 1
	cp "$build/bidui-worker" "$work/worker"
	worker=$work/worker write_settings 0 0
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
	[ "$(push social/nws "$nws")" = 200 ] || { echo 'before'; return 1; }
	cp /bin/false "$work/worker.bad"
	mv "$work/worker" "$work/worker.good" && mv "$work/worker.bad" "$work/worker" || return 1
	pkill -KILL -P "$bidui_pid" || return 1
	expect 503 worker.start push social/nws "$nws" '' --max-time 20 || return 1
	expect 503 worker.start ask GET /readyz || return 1
	mv "$work/worker.good" "$work/worker"
	local left=100
	# Each loop has workers of its own: the one that is asked next may not have tried again yet.
	until [ "$(push social/nws "$nws")" = 200 ] && [ "$(ask GET /readyz)" = 200 ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { echo 'does not recover'; return 1; }
		sleep 0.1
	done
}

make_keys
write_settings 0 0
start_or_bail

check 'the samples of all four departments are taken as they are' push_samples "$top/tests/e2e/samples.tsv"
for file in "${live_cases[@]}"; do
	compare "$file" >/dev/null
	name=$(basename "${file%/cases/*}")/$(basename "$file" .json)
	check "case $name" as_expected "$file"
done
check 'the same person by 18 and 15 digits' same_subject "$person" "$person15"
check 'the same business by credit code, registration and tax number' same_subject "$business" "$by_reg_no" "$by_tax_no"
query "$person" >/dev/null
check 'the person is known by three departments and the market' body_is \
	'[.statements[].source] | unique == ["market", "medical", "social", "tax"]'
check 'the inconsistent work-injury row is indeterminate' body_is '[.statements[] | select(.entity == "insurance_status"
	and any(.values[]; .field == "scheme" and .value == "injury")) | .values[] | select(.field == "state")][0].code == "indeterminate"'
check 'nothing of the samples stands in clear in the data folder' nothing_in_clear
check 'nothing of the samples stands in the log' no_value_in_log
check 'a tax reply without the arrears grid erases no arrears' grid_missing_keeps
check 'an empty arrears grid says none' grid_empty_clears
check 'a rejected row keeps its predecessor and blocks it' rejected_row_keeps
check 'a missing daily file makes a proven absence unavailable' missing_day
check "a tax number that looks like a citizen's stays its organization's" tax_number_of_an_owner
check 'a control total that differs stores nothing' expect 422 delivery.total \
	push market/e_cancel "$top/adapters/market/samples/market_20260601_E_CANCEL.gb18030.txt" '?delivery=2026-06-02&total=9'
check 'an idempotency key gives the first receipt, another body is refused' repeat_gives_first
check 'a dry run stores nothing' dry_run_stores_nothing
check 'a batch is answered line by line, in order' batch_in_order
check 'a batch with a line that is too long is answered up to it' batch_ends_at_what_is_too_long
check 'a gzip body is opened' gzip_body
check 'a gzip bomb is refused' gzip_bomb
printf '<?xml version="1.0"?><!DOCTYPE response [<!ENTITY a "b">]><response/>' >"$work/m.xml"
check 'DOCTYPE is refused' expect 400 xml.doctype push social/nws "$work/m.xml"
head -c 700 "$nws" >"$work/m.xml"
check 'a truncated message is refused' expect 400 message.truncated push social/nws "$work/m.xml"
sed 's|<rc>0</rc>|<rc>2</rc>|' "$nws" >"$work/m.xml"
check 'a success code that says failure stores nothing' expect 422 source.failed push social/nws "$work/m.xml"
sed 's/"infcode"/"infcode":0,"infcode"/' "$top/adapters/medical/samples/medical_1101_response.json" >"$work/m.json"
check 'a JSON key twice is refused' expect 400 json.duplicate_key push medical/1101 "$work/m.json"
sed 's/20260601/20990601/g' "$top/adapters/social/samples/social_packet_change.xml" >"$work/m.xml"
check 'a time in the future is a reject' expect 422 message.all_rejected push social/packet "$work/m.xml"
printf 'a\001b\n' >"$work/m.txt"
check 'a short row is a reject with its row' status_is 422 push market/e_cancel "$work/m.txt"
check 'the reject says where and why, in both languages' body_is \
	'.rejects[0] | .code == "row.too_few_columns" and .row == 1 and (.zh | length > 0) and (.hint_en | length > 0)'
printf '\xff\xfe<a/>' >"$work/m.xml"
check 'a wrong encoding is refused' status_is 400 push social/nws "$work/m.xml"
check 'an unknown feed is 404' expect 404 source.unknown push tax/none "$nws"
check 'an unknown address is 404' expect 404 http.not_found ask GET /none
check 'a wrong method is 405' expect 405 http.method ask GET /v1/compare
check 'without a certificate nothing is told' no_certificate
check 'health needs no certificate' curl -fsS --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/livez"
check 'figures are given' status_is 200 ask GET /metrics
check 'and none of a revocation list, where there is none' figures_of_what_is_there
check 'the contract is served' status_is 200 ask GET /openapi.json
check 'the contract has every address that answers' body_is \
	'.paths | has("/v1/compare") and has("/v1/sources/{source}/{feed}") and has("/v1/identities/query") and has("/v1/status")'
check 'the state of every feed is told' status_is 200 ask GET /v1/status
check 'the state names coverage and age' body_is '[.feeds[] | select(.source == "market" and .coverage == "feed")] | length > 0'
check 'rejects can be read again' status_is 200 ask GET '/v1/rejects?source=market'
check 'and name the message, not the citizen' body_is '.rejects | length > 0'
check 'a reload drops no connection' reload_keeps_connection
check 'a long message goes through the spool, and a second time changes nothing' big_message_spools
check 'kill -9 loses nothing that was acknowledged' kill_loses_nothing
check 'a fifth department is a folder' fifth_department
check 'workers that do not start are told, and come back' no_worker_is_told
check 'it stops in order' stop_gateway
check 'and says so' grep -q stopped "$work/biduid.log"
echo "1..$count"
