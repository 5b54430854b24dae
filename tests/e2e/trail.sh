#!/usr/bin/env bash
# trail.sh - every answer has an entry in the trail, and whoever has the public key can check it. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
count=0

ask_as() { # CERTIFICATE METHOD PATH [CURL-ARGUMENT...]
	local as=$1
	shift
	ask "$@"
}

# until_so COMMAND...: asks again until it is so, at most 20 s.
until_so() {
	local left=200
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json

compare_case() { # [CURL-ARGUMENT...]: the receipt's id in $receipt
	local got
	jq .question "$case_file" >"$work/question.json"
	got=$(ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json" "$@")
	receipt=$(jq -r '.receipt // empty' "$work/body")
	[ "$got" = 200 ] || { echo "status $got"; return 1; }
}

proof_is_there() { # ID
	[ "$(ask GET "/v1/receipts/$1/proof")" = 200 ]
}

fetch_proof() { # ID FILE
	until_so proof_is_there "$1" && cp "$work/body" "$2"
}

entries() {
	ask GET /metrics >/dev/null
	sed -n 's/^bidui_trail_entries //p' "$work/body"
}

# -- what is entered --

receipt_can_be_read() {
	compare_case -H 'Bidui-Operator: 0007' &&
		[ "$(ask GET "/v1/receipts/$receipt")" = 200 ] &&
		body_is ".receipt == \"$receipt\" and .kind == \"compare\" and .decision == \"pass\" and .client == \"demo\"
			and .purpose == \"verification\" and .operator == \"0007\" and .case == \"GM20260601-0001\"
			and ([.elements[] | select(.element == \"name\")][0] | .code == \"match\" and .rule == \"compare.name\"
				and (.commitment | test(\"^[0-9a-f]{64}\$\"))
				and all(.sources[]; .version > 0 and (.digest | test(\"^[0-9a-f]{64}\$\"))))"
}

others_do_not_see_it() {
	expect 404 receipt.unknown ask_as other GET "/v1/receipts/$receipt" &&
		expect 404 receipt.unknown ask_as other GET "/v1/receipts/$receipt/proof"
}

# A receipt of this very second has no head yet; when the second has just ended, another is made.
proof_is_pending_first() {
	local left=20
	while [ "$left" -gt 0 ]; do
		compare_case >/dev/null || return 1
		[ "$(ask GET "/v1/receipts/$receipt/proof")" = 200 ] || break
		left=$((left - 1))
	done
	body_is '.code == "receipt.proof_pending" and .retryable' && grep -qi '^retry-after: 1' "$work/head"
}

every_line_has_its_receipt() {
	local id ids
	for _ in 1 2 3 4 5; do jq -c .question "$case_file"; done >"$work/batch.ndjson"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$work/batch.ndjson")" = 200 ] ||
		return 1
	ids=$(jq -r .receipt "$work/body")
	[ "$(printf '%s\n' "$ids" | sort -u | wc -l)" = 5 ] || return 1
	for id in $ids; do
		[ "$(ask GET "/v1/receipts/$id")" = 200 ] && body_is ".receipt == \"$id\"" || return 1
	done
}

query_names_nobody() {
	local id
	[ "$(ask POST /v1/identities/query -H 'Content-Type: application/json' -H 'Bidui-Case: Q1' --data \
		'{"subject":{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}}')" = 200 ] || return 1
	id=$(jq -r .receipt "$work/body")
	[ "$(ask GET "/v1/receipts/$id")" = 200 ] &&
		body_is '.kind == "query" and .status == "found" and .case == "Q1" and (.subjects | length) == 1
			and (.subjects[0].digest | test("^[0-9a-f]{64}$"))
			and (.disclosed | split(" ") | index("person.name") and (index("person.birth_date")))'
}

# The receipt of a look at a receipt: nobody looks unseen.
reads_are_entered() {
	local before
	compare_case || return 1
	before=$(entries)
	[ "$(ask GET "/v1/receipts/$receipt" -H 'Bidui-Operator: 0008')" = 200 ] && [ "$(entries)" = $((before + 1)) ] &&
		[ "$(ask GET /v1/status)" = 200 ] && [ "$(entries)" = $((before + 2)) ]
}

# The same person, however asked: one digest, so that an auditor finds every look.
same_person_same_digest() {
	local first
	query_names_nobody || return 1
	first=$(jq -r '.subjects[0].digest' "$work/body")
	compare_case && [ "$(ask GET "/v1/receipts/$receipt")" = 200 ] &&
		body_is "[.subjects[] | select(.subject == \"/subjects/applicant\")][0].digest == \"$first\""
}

refusals_are_entered() {
	local before after
	before=$(entries)
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data '{"matter":"none","subjects":{}}')" = 422 ] ||
		return 1
	after=$(entries)
	[ "$after" -eq $((before + 1)) ] || { echo "$before then $after"; return 1; }
}

# Whoever is nobody cannot fill the disk.
strangers_are_counted_together() {
	local before after
	before=$(entries)
	for _ in $(seq 30); do
		[ "$(ask_as stranger GET /v1/status)" = 401 ] || return 1
	done
	after=$(entries)
	[ "$after" -gt "$before" ] && [ "$after" -lt $((before + 15)) ] || { echo "$before then $after"; return 1; }
}

identity_in_a_header_is_not_kept() {
	compare_case -H 'Bidui-Operator: see 440311199106159019' &&
		[ "$(ask GET "/v1/receipts/$receipt")" = 200 ] && body_is '.operator | test("^digest:[0-9a-f]{64}$")'
}

nothing_in_clear() {
	local word
	for word in 440311199106159019 440311910615901 440311198803089023 林示例 阿依古丽 92440311MAXXXXX152 \
		91440311MAXXXXX230 示例食品商行; do
		! grep -raqF -- "$word" "$work/data/trail" "$work/data/repeats" "$work/data/cases" || { echo "$word"; return 1; }
		! grep -raqF -- "$(printf %s "$word" | iconv -f UTF-8 -t GB18030)" "$work/data/trail" "$work/data/repeats" "$work/data/cases" ||
			{ echo "$word in GB18030"; return 1; }
	done
}

# -- the same key again --

keyed() { # KEY [CURL-ARGUMENT...]
	local key=$1
	shift
	ask POST /v1/compare -H 'Content-Type: application/json' -H "Idempotency-Key: $key" "$@" --data "@$work/question.json"
}

same_key_same_answer() {
	local before
	[ "$(keyed one)" = 200 ] && cp "$work/body" "$work/first" || return 1
	before=$(entries)
	[ "$(keyed one)" = 200 ] && cmp "$work/body" "$work/first" && [ "$(entries)" = $((before + 1)) ] &&
		[ "$(as=other keyed one)" = 200 ] && ! cmp -s "$work/body" "$work/first"
}

same_key_other_case() {
	jq '.case = "GM20260601-0099"' "$work/question.json" >"$work/other.json"
	expect 422 idempotency.body_differs ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: one' \
		--data "@$work/other.json"
}

# What was refused is not kept: the next try may succeed.
refused_key_is_free() {
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' -H 'Idempotency-Key: two' \
		--data '{"matter":"none","subjects":{}}')" = 422 ] && [ "$(keyed two)" = 200 ]
}

same_answer_after_a_restart() {
	[ "$(keyed one)" = 200 ] && cmp "$work/body" "$work/first"
}

# -- checking offline --

verify_receipt() { # FILE [KEY]: in a folder and environment of its own, with nothing of the gateway's
	env -i PATH="$PATH" LC_ALL=C.UTF-8 "$build/bidui" receipt verify "$1" --key "${2:-$work/public.pem}"
}

proof_holds_offline() {
	fetch_proof "$receipt" "$work/proof.json" && cp "$work/signing.pub" "$work/public.pem" &&
		verify_receipt "$work/proof.json" >"$work/shown" && grep -q "$receipt" "$work/shown" && grep -q pass "$work/shown"
}

another_key_is_refused() {
	openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkey -pubout >"$work/other.pem"
	! verify_receipt "$work/proof.json" "$work/other.pem"
}

# One bit of each of 60 bytes, spread over the file.
flipped_bytes_are_refused() {
	local size at byte
	size=$(wc -c <"$work/proof.json")
	for i in $(seq 0 59); do
		at=$((i * size / 60))
		cp "$work/proof.json" "$work/flipped.json"
		byte=$(od -An -tu1 -j "$at" -N 1 "$work/proof.json" | tr -d ' ')
		printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$work/flipped.json" bs=1 seek="$at" conv=notrunc status=none
		! verify_receipt "$work/flipped.json" >/dev/null 2>&1 || { echo "byte $at"; return 1; }
	done
}

audit() { # [OPTION...]: the report in $work/report
	"$build/bidui" -o json audit verify "$work/data/trail" --key "$work/signing.pub" "$@" >"$work/report" ||
		{ cat "$work/report"; return 1; }
}

running_trail_verifies() {
	audit && jq -e '.whole and .running and .entries > 0' "$work/report"
}

# -- what happens to a trail --

killed_trail_goes_on() {
	local before
	compare_case || return 1
	before=$receipt
	kill -KILL "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	bidui_pid=
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
	audit && fetch_proof "$before" "$work/later.json" && verify_receipt "$work/later.json" >/dev/null &&
		verify_receipt "$work/proof.json" >/dev/null
}

ended_trail_is_closed() {
	[ "$(ask GET /v1/trail/head)" = 200 ] && cp "$work/body" "$work/witness.json" || return 1
	rm -rf "$work/earlier" && cp -r "$work/data/trail" "$work/earlier"
	compare_case && stop_gateway &&
		audit --witness "$work/witness.json" && jq -e '.closed and .entries_not_yet_signed == 0' "$work/report"
}

# The place is named, and what was before it is said to be good.
changed_entry_is_found() {
	local log=$work/data/trail/log-0000-00000000 byte
	byte=$(od -An -tu1 -j 300 -N 1 "$log" | tr -d ' ')
	printf "$(printf '\\%03o' $((byte ^ 4)))" | dd of="$log" bs=1 seek=300 conv=notrunc status=none
	! audit && jq -e '.whole == false and .damage.code == "trail.damaged" and .damage.file == "log-0000-00000000"' \
		"$work/report" || return 1
	printf "$(printf '\\%03o' "$byte")" | dd of="$log" bs=1 seek=300 conv=notrunc status=none
	audit
}

# All of the trail as it once was: only who kept a later head sees it.
old_copy_is_found_by_a_witness() {
	start_gateway && compare_case && fetch_proof "$receipt" "$work/witness.json" && stop_gateway || return 1
	rm -rf "$work/kept" && mv "$work/data/trail" "$work/kept" && cp -r "$work/earlier" "$work/data/trail"
	audit && ! audit --witness "$work/witness.json" && jq -e '.damage.code == "trail.truncated"' "$work/report" || return 1
	rm -rf "$work/data/trail" && mv "$work/kept" "$work/data/trail"
	audit --witness "$work/witness.json"
}

damaged_head_stops_the_start() {
	local heads=$work/data/trail/heads-00000000
	cp "$heads" "$work/heads"
	printf 'x' | dd of="$heads" bs=1 seek=$(($(wc -c <"$heads") - 10)) conv=notrunc status=none
	! start_gateway && grep -q 'bidui audit verify' "$work/biduid.log" || { stop_gateway; return 1; }
	cp "$work/heads" "$heads"
}

stops_in_order() {
	local got=0
	kill -TERM "$bidui_pid"
	wait "$bidui_pid" || got=$?
	bidui_pid=
	[ "$got" = 0 ] || { echo "exit $got"; tail -n 30 "$work/biduid.log"; return 1; }
}

another_key_goes_on() {
	mv "$work/signing.key" "$work/first.key" && mv "$work/signing.pub" "$work/first.pub"
	signing_curve=SM2 make_keys
	write_settings 0 0
	echo 'trail_durability = synced' >>"$work/bidui.conf"
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
	compare_case && fetch_proof "$receipt" "$work/sm2.json" && verify_receipt "$work/sm2.json" "$work/signing.pub" >"$work/shown" &&
		grep -q sm2-sm3 "$work/shown" && ! audit || return 1
	cat "$work/first.pub" "$work/signing.pub" >"$work/both.pem"
	"$build/bidui" audit verify "$work/data/trail" --key "$work/both.pem"
}

# -- a disk that is full, and one that fails --

refused_for_space() {
	[ "$(ask POST /v1/sources/social/nws --data-binary "@$top/adapters/social/samples/social_nws_response.xml")" = 507 ]
}

# As many as go past the first segment, which leaves 256 KiB of its 1 MiB for one long entry, but not past the second.
pushes_stop_first() {
	local bytes lines
	compare_case && fetch_proof "$receipt" "$work/proof.json" || return 1
	bytes=$(jq -r .entry "$work/proof.json" | base64 -d | wc -c)
	lines=$((900000 / bytes))
	touch "$work/full"
	for _ in $(seq "$lines"); do cat "$work/question.line"; done >"$work/batch.ndjson"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$work/batch.ndjson")" = 200 ] &&
		[ "$(jq -r 'select(.decision == "pass") | .receipt' "$work/body" | sort -u | wc -l)" = "$lines" ] || return 1
	until_so refused_for_space && body_is '.code == "disk.full"' && compare_case
}

then_nothing_is_answered() {
	local answered lines
	for _ in 1 2 3; do cat "$work/batch.ndjson"; done >"$work/more.ndjson"
	[ "$(ask POST /v1/compare -H 'Content-Type: application/x-ndjson' --data-binary "@$work/more.ndjson")" = 200 ] ||
		return 1
	lines=$(wc -l <"$work/more.ndjson")
	answered=$(jq -r 'select(.decision) | .receipt' "$work/body" | wc -l)
	[ "$(jq -r 'select(.code == "trail.unavailable") | .code' "$work/body" | wc -l)" = $((lines - answered)) ] &&
		[ "$answered" -lt "$lines" ] || return 1
	cp "$work/body" "$work/answers"
	expect 503 trail.unavailable ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json"
}

space_brings_all_back() {
	rm "$work/full"
	until_so compare_case || return 1
	# Every line that was answered has its entry; to read it takes an entry too.
	for id in $(jq -r 'select(.decision) | .receipt' "$work/answers" | tail -n 3); do
		[ "$(ask GET "/v1/receipts/$id")" = 200 ] || { echo "$id"; return 1; }
	done
	[ "$(ask POST /v1/sources/social/nws --data-binary "@$top/adapters/social/samples/social_nws_response.xml")" = 200 ] &&
		audit
}

# No acknowledgement, and the process ends; the next one starts from what is there.
failed_sync_ends_the_process() {
	local got=0
	touch "$work/failing"
	! compare_case || return 1
	wait "$bidui_pid" || got=$?
	bidui_pid=
	rm "$work/failing"
	[ "$got" = 1 ] && grep -q '"event":"failed"' "$work/biduid.log" || { echo "exit $got"; return 1; }
	start_gateway && compare_case && audit
}

make_keys
make_certificate other '/CN=other' 'extendedKeyUsage=clientAuth'
make_certificate stranger '/CN=stranger' 'extendedKeyUsage=clientAuth'
write_senders() {
	write_settings 0 0
	# Batches of hundreds of lines, one after the other.
	sed -i '/^\[demo\]/a requests_per_second = unlimited' "$work/senders"
	cat >>"$work/senders" <<END

[other]
spki_pin = $(spki_pin "$work/tls/other.crt")
roles = engine
END
	write_grants demo other >"$work/grants.xml"
}
write_senders
start_or_bail
push_samples_or_bail

check 'a receipt tells what was asked, found and decided' receipt_can_be_read
check 'another engine does not learn of it' others_do_not_see_it
check 'a receipt of this second is told to be pending' proof_is_pending_first
check 'every line of a batch has a receipt of its own' every_line_has_its_receipt
check 'a query is entered, and names nobody' query_names_nobody
check 'the same person is the same digest in a query and a comparison' same_person_same_digest
check 'whoever reads a receipt or the state is entered' reads_are_entered
check 'a refused request is entered' refusals_are_entered
check 'refusals of strangers are counted together' strangers_are_counted_together
check 'an identity number in a header is kept as a digest' identity_in_a_header_is_not_kept
check 'the same key gets the same answer and receipt, and that is entered' same_key_same_answer
check 'the same key with another case is refused' same_key_other_case
check 'a key whose case was refused is free' refused_key_is_free
check 'a proof holds offline, with the public key alone' proof_holds_offline
check 'with another key it does not' another_key_is_refused
check 'a flipped byte is refused, wherever' flipped_bytes_are_refused
check 'the trail of a running gateway verifies' running_trail_verifies
check 'nothing of the samples stands in clear in the trail, nor in what is kept beside it' nothing_in_clear
check 'kill -9: the trail goes on, and every receipt keeps its proof' killed_trail_goes_on
check 'kill -9: the same key still gets the same answer' same_answer_after_a_restart
check 'stopped in order, the trail says that it ends there' ended_trail_is_closed
check 'a changed entry is found, and where' changed_entry_is_found
check 'an old copy of the trail is found by a witness' old_copy_is_found_by_a_witness
check 'a damaged head stops the start' damaged_head_stops_the_start
check 'another key, SM2, with synced answers' another_key_goes_on
check 'it stops in order' stops_in_order
# From here on a disk that does as it is told; a sanitized biduid takes no preloaded library.
if grep -q '^BD_CFLAGS = .*-fsanitize' "$build/Makefile" ||
	! cc -shared -fPIC -D_GNU_SOURCE -o "$work/faults.so" "$top/tests/e2e/faults.c" -ldl 2>"$work/check.out"; then
	count=$((count + 1))
	echo "ok $count # SKIP no library can be preloaded"
else
	mv "$work/first.key" "$work/signing.key" && mv "$work/first.pub" "$work/signing.pub"
	rm -rf "$work/data"
	write_senders
	printf 'loops = 1\ntrail_durability = synced\n' >>"$work/bidui.conf"
	export FAULT_FOLDER=$work
	jq -c .question "$case_file" >"$work/question.line"
	LD_PRELOAD=$work/faults.so start_gateway
	push_samples "$top/tests/e2e/samples.tsv"
	check 'a full disk stops pushes first; questions go on' pushes_stop_first
	check 'when the reserve is spent nothing is answered' then_nothing_is_answered
	check 'with space all is well again' space_brings_all_back
	check 'a sync that fails ends the process; nothing unsynced was answered' failed_sync_ends_the_process
fi
echo "1..$count"
