#!/usr/bin/env bash
# witness.sh - the trail looked over by others: an auditor finds who looked at whom, exports it so that openssl and a
# dozen lines can check it, and a second party on a machine of its own sees when the trail is cut or written anew. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
count=0
person=440311199106159019

as_auditor() { # ARGUMENT...: bidui with the auditor's certificate
	BIDUI_CERT=$work/tls/auditor.crt BIDUI_KEY=$work/tls/auditor.key "$build/bidui" "$@"
}

trail=$work/data/trail

show() { # ARGUMENT...: the entries in $work/entries
	as_auditor -o json audit show "$trail" --key "$work/signing.pub" "$@" >"$work/entries" 2>"$work/errors"
}

entries_are() { # JQ-FILTER over all of them
	jq -se "$1" "$work/entries"
}

# -- who looked at whom --

looked_at() {
	printf 'resident_id:%s\n' "$person" >"$work/person"
	show --subject-file "$work/person" && entries_are 'length >= 3 and any(.kind == "query") and any(.kind == "compare")
		and all(.subjects | length > 0) and any(.kind == "query" and .purpose == "verification" and (.disclosed | test("person.name")))'
}

# Under every number of theirs: the old one of 15 digits leads to the same looks.
looked_at_by_any_number() {
	show --subject-file <(printf 'uscc:92440311MAXXXXX152') && entries_are 'any(.kind == "query" and .case == "W-3")'
}

asking_is_entered() {
	show --event read && entries_are 'any(.client == "auditor" and .path == "/v1/trail/subjects" and (.subjects | length) == 1)'
}

by_case_officer_and_time() {
	local between
	show --case W-1 && entries_are 'length == 1 and .[0].operator == "0042"' &&
		show --operator 0042 && entries_are 'length == 2' &&
		show --operator 0042 --event query --client demo && entries_are 'length == 2' || return 1
	show --case W-2 && between=$(jq -r .at "$work/entries") &&
		show --operator 0042 --until "$between" && entries_are 'length == 1 and .[0].case == "W-1"' &&
		show --operator 0042 --since "$between" && entries_are 'length == 1 and .[0].case == "W-2"' &&
		show --since 1d && entries_are 'length > 10'
}

nothing_found_is_told() {
	! show --case none && [ ! -s "$work/entries" ]
}

for_people() {
	as_auditor audit show "$trail" --key "$work/signing.pub" --case W-1 >"$work/text" &&
		grep -q 'query demo 0042 verification W-1 found \[.*person.name' "$work/text" && [ "$(wc -l <"$work/text")" = 1 ]
}

who_is_not_in_an_argument() {
	! as_auditor audit show "$trail" --key "$work/signing.pub" --number "$person" &&
		! grep -q "$person" "$work/entries" "$work/text"
}

others_get_no_digest() {
	expect 403 auth.role ask POST /v1/trail/subjects -H 'Content-Type: application/json' \
		--data "{\"subject\":{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$person\"}}"
}

# -- an export --

exported() {
	as_auditor audit export "$trail" --key "$work/signing.pub" >"$work/export.ndjson" &&
		[ "$(jq -r .format "$work/export.ndjson" | sort -u)" = bidui-proof-1 ] &&
		[ "$(jq .leaf "$work/export.ndjson" | sort -nu | wc -l)" = "$(wc -l <"$work/export.ndjson")" ] || return 1
	# Each by itself, by the command that checks one.
	head -n 1 "$work/export.ndjson" >"$work/one.json" &&
		"$build/bidui" receipt verify "$work/one.json" --key "$work/signing.pub" >/dev/null
}

# doc/audit.md, word for word: nothing of bidui but the file and the public key.
checked_without_bidui() {
	sed -n '/^```sh$/,/^```$/p' "$top/doc/audit.md" | sed '/^```/d' >"$work/check.sh" && [ -s "$work/check.sh" ] || return 1
	sed -n '1p;$p' "$work/export.ndjson" >"$work/two.ndjson"
	bash "$work/check.sh" "$work/two.ndjson" "$work/signing.pub" >"$work/checked" && [ "$(grep -c ' holds$' "$work/checked")" = 2 ] || return 1
	# And it says no where it should.
	jq -c '.leaf += 1' "$work/one.json" >"$work/bad.ndjson"
	! bash "$work/check.sh" "$work/bad.ndjson" "$work/signing.pub" || return 1
	jq -c '.path[0] = (.path[0] | .[0:62] + "00")' "$work/one.json" >"$work/bad.ndjson"
	! bash "$work/check.sh" "$work/bad.ndjson" "$work/signing.pub"
}

resumed() {
	local last
	last=$(sed -n 5p "$work/export.ndjson" | jq .leaf)
	as_auditor audit export "$trail" --key "$work/signing.pub" --after "$last" >"$work/rest.ndjson" &&
		[ "$(head -n 1 "$work/rest.ndjson" | jq .leaf)" = $((last + 1)) ]
}

# -- a second party --

witness() { # [ARGUMENT...]
	as_auditor audit witness "$work/elsewhere/heads.ndjson" --key "$work/signing.pub" --witness-key "$work/witness.key" "$@" \
		>"$work/witnessed" 2>&1
}

witnessed_and_given_back() {
	witness || { cat "$work/witnessed"; return 1; }
	[ "$(wc -l <"$work/elsewhere/heads.ndjson")" = 1 ] && [ "$(ask GET /v1/status)" = 200 ] &&
		body_is '.trail.witness_overdue == false and (.trail.witnesses | length) == 1 and .trail.witnesses[0].entries > 0' &&
		ask GET /metrics >/dev/null && grep -q '^bidui_trail_witness_overdue 0' "$work/body"
}

# With openssl alone, as trail/witness.h says.
countersignature_holds() {
	local line=$work/line digest
	head -n 1 "$work/elsewhere/heads.ndjson" >"$line"
	jq -r .head.body "$line" | base64 -d >"$work/head"
	digest=$(sha256sum <"$work/head" | cut -d' ' -f1)
	{ # the format, instance, number, size, root, digest of the body, time
		echo bidui-witness-1
		tail -c +14 "$work/head" | head -c 8 | xxd -p
		echo $((16#$(tail -c +22 "$work/head" | head -c 8 | xxd -p)))
		echo $((16#$(tail -c +38 "$work/head" | head -c 8 | xxd -p)))
		tail -c +46 "$work/head" | head -c 32 | xxd -p -c 32
		echo "$digest"
		jq .at "$line"
	} >"$work/text"
	jq -r .countersignature "$line" | base64 -d | xxd -p -c 64 >"$work/raw"
	printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(cut -c1-64 "$work/raw")" "$(cut -c65-128 "$work/raw")" |
		openssl asn1parse -genconf /dev/stdin -noout -out "$work/der" &&
		openssl dgst -sha256 -verify "$work/witness.pub" -signature "$work/der" "$work/text"
}

continued() {
	ask GET /v1/status >/dev/null
	until_signed
	witness && [ "$(wc -l <"$work/elsewhere/heads.ndjson")" = 2 ] &&
		[ "$(jq -r .head.body "$work/elsewhere/heads.ndjson" | sort -u | wc -l)" = 2 ]
}

until_signed() { # all entries are under a head
	local left=100
	until ask GET /metrics >/dev/null && [ "$(sed -n 's/^bidui_trail_entries //p' "$work/body")" = \
		"$(sed -n 's/^bidui_trail_entries_signed //p' "$work/body")" ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

a_stranger_is_no_witness() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/other.key" 2>/dev/null && chmod 600 "$work/other.key"
	! as_auditor audit witness "$work/elsewhere/other.ndjson" --key "$work/signing.pub" --witness-key "$work/other.key" >"$work/witnessed" 2>&1 &&
		grep -q signature.wrong "$work/witnessed"
}

verify() { # FILE: the report in $work/report
	"$build/bidui" -o json audit verify "$trail" --key "$work/signing.pub" --witness "$1" --witness-key "$work/witness.pub" >"$work/report" 2>"$work/errors"
}

verifies_with_the_witness() {
	stop_gateway && cp "$work/share/heads.ndjson" "$work/elsewhere/own.ndjson" && verify "$work/elsewhere/heads.ndjson" && jq -e '.whole and .witnessed_heads == 2' "$work/report"
}

# All of it as it was after the first of the two heads: in itself without a fault.
cut_trail_is_found() {
	mv "$trail" "$work/kept" && cp -r "$work/early" "$trail" &&
		"$build/bidui" audit verify "$trail" --key "$work/signing.pub" >/dev/null &&
		! verify "$work/elsewhere/heads.ndjson" && jq -e '.damage.code == "trail.truncated"' "$work/report"
}

own_file_agrees() { # the heads that the gateway wrote to its second place
	"$build/bidui" -o json audit verify "$trail" --key "$work/signing.pub" --witness "$work/elsewhere/own.ndjson" \
		>"$work/report" 2>"$work/errors"
}

# A line a head, each as signed; and what was cut is found by them alone.
heads_are_in_a_second_place() {
	[ "$(stat -c %a "$work/share/heads.ndjson")" = 600 ] && [ "$(wc -l <"$work/elsewhere/own.ndjson")" -ge 2 ] &&
		own_file_agrees && jq -e '.whole and .witnessed_heads >= 2' "$work/report" || return 1
	mv "$trail" "$work/whole" && cp -r "$work/early" "$trail" && ! own_file_agrees &&
		jq -e '.damage.code == "trail.truncated"' "$work/report" || return 1
	rm -rf "$trail" && mv "$work/whole" "$trail"
}

second_place_fails() { # as status, figures, the log and an operator's view say
	[ "$(ask GET /v1/status)" = 200 ] && body_is '.trail.witness_file.failing' >/dev/null &&
		[ "$(ask GET '/readyz?verbose')" = 200 ] && grep -q '^! witness_file 树头写不进去.*cannot be written' "$work/body" &&
		grep -q '^! witness ' "$work/body" && [ "$(grep -c '^+' "$work/body")" -ge 7 ] && ask GET /metrics >/dev/null &&
		grep -q '^bidui_trail_witness_file_failing 1' "$work/body" && grep -q '"event":"witness_file"' "$work/biduid.log" &&
		"$build/bidui" status --lang en >"$work/shown" 2>&1 && grep -q 'written to witness_file' "$work/shown"
}

# Storage that takes nothing: told, and the trail goes on.
a_full_second_place_is_told() {
	local left=100
	stop_gateway && sed -i 's#^witness_file = .*#witness_file = /dev/full#' "$work/bidui.conf" && start_gateway || return 1
	until second_place_fails; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	until_signed
}

# A reload that does not come about: in the log, and on the trail with its code and place, in both languages.
refused_reload_is_entered() {
	local left=100
	cp "$work/bidui.conf" "$work/good.conf" && echo 'no_such_setting = 1' >>"$work/bidui.conf" && kill -HUP "$bidui_pid" || return 1
	until grep -q 'reload.refused' "$work/biduid.log"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	cp "$work/good.conf" "$work/bidui.conf"
	until_signed && show --event config &&
		entries_are 'map(select(.status == "refused")) | length == 1 and (.[0] | .client == "system" and .of == "configuration" and
			(.code | startswith("config.")) and (.path | test("^bidui.conf:[0-9]+$")))' || return 1
	as_auditor audit show "$trail" --key "$work/signing.pub" --event config --lang zh | grep -q '配置未生效：.*config\..*bidui.conf:' &&
		as_auditor audit show "$trail" --key "$work/signing.pub" --event config --lang en | grep -q 'configuration not taken: '
}

# Certificates that do not fit each other, found by looking at the files, without a reload.
refused_certificates_are_entered() {
	local left=100
	cp "$work/tls/server.crt" "$work/server.kept" && cp "$work/tls/auditor.crt" "$work/tls/server.crt" || return 1
	until grep -q 'files.refused' "$work/biduid.log"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	cp "$work/server.kept" "$work/tls/server.crt"
	until_signed && show --event config && entries_are 'map(select(.of == "certificates" and .status == "refused" and (.code | length) > 0)) | length >= 1'
}

# And where it goes on from there, signed by the right key: the gateway shows another head of the same number.
rewritten_trail_is_found() {
	local before
	start_gateway || return 1
	for _ in 1 2 3 4; do
		ask GET /v1/status >/dev/null
		until_signed
	done
	before=$(wc -l <"$work/elsewhere/heads.ndjson")
	! witness && [ "$(wc -l <"$work/elsewhere/heads.ndjson")" = "$before" ] && grep -qE 'trail\.(damaged|truncated)' "$work/witnessed" ||
		{ cat "$work/witnessed"; return 1; }
	stop_gateway && "$build/bidui" audit verify "$trail" --key "$work/signing.pub" >/dev/null && ! verify "$work/elsewhere/heads.ndjson" &&
		jq -e '.damage.code == "trail.damaged" or .damage.code == "trail.truncated"' "$work/report" || return 1
	rm -rf "$trail" && mv "$work/kept" "$trail"
}

# Two witnesses who compare what they were shown.
split_view_is_found() {
	start_gateway || return 1
	as_auditor audit witness "$work/elsewhere/second.ndjson" --key "$work/signing.pub" --witness-key "$work/witness.key" >/dev/null 2>&1
	stop_gateway
	cat "$work/elsewhere/heads.ndjson" "$work/elsewhere/second.ndjson" >"$work/elsewhere/both.ndjson" && verify "$work/elsewhere/both.ndjson" || return 1
	# What the other trail of the same key had shown.
	cp -r "$trail" "$work/kept" && rm -rf "$trail" && cp -r "$work/early" "$trail" && start_gateway || return 1
	for _ in 1 2 3; do
		ask GET /v1/status >/dev/null
		until_signed
	done
	as_auditor audit witness "$work/elsewhere/third.ndjson" --key "$work/signing.pub" --witness-key "$work/witness.key" >/dev/null 2>&1
	stop_gateway
	rm -rf "$trail" && mv "$work/kept" "$trail"
	! verify "$work/elsewhere/third.ndjson"
}

changed_witness_file_is_found() {
	sed 's/"at":1/"at":2/' "$work/elsewhere/heads.ndjson" >"$work/elsewhere/changed.ndjson"
	! verify "$work/elsewhere/changed.ndjson" && grep -q signature.wrong "$work/errors"
}

# None for longer than the setting: told by status and figures.
overdue_is_told() {
	rm -f "$work/data/witnesses" && start_gateway && [ "$(ask GET /v1/status)" = 200 ] && body_is '.trail.witness_overdue' &&
		ask GET /metrics >/dev/null && grep -q '^bidui_trail_witness_overdue 1' "$work/body"
}

make_keys
make_certificate auditor '/CN=auditor' 'extendedKeyUsage=clientAuth'
mkdir -m 700 "$work/elsewhere"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/witness.key" 2>/dev/null && chmod 600 "$work/witness.key"
openssl pkey -in "$work/witness.key" -pubout -out "$work/witness.pub"
write_settings 0 0
cat >>"$work/senders" <<END

[auditor]
spki_pin = $(spki_pin "$work/tls/auditor.crt")
roles = auditor
END
mkdir -m 700 "$work/share"
printf 'witness_keys_file = %s\nloops = 1\nwitness_file = %s\nwitness_file_every_s = 1\n' "$work/witness.pub" \
	"$work/share/heads.ndjson" >>"$work/bidui.conf"
start_or_bail
push_samples "$top/tests/e2e/samples.tsv" || { echo 'Bail out! the samples were not taken'; exit 1; }
for id in 1 2; do
	ask POST /v1/identities/query -H 'Content-Type: application/json' -H 'Bidui-Purpose: verification' -H "Bidui-Case: W-$id" \
		-H 'Bidui-Operator: 0042' --data "{\"subject\":{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"$person\"}}" >/dev/null
done
ask POST /v1/identities/query -H 'Content-Type: application/json' -H 'Bidui-Purpose: verification' -H 'Bidui-Case: W-3' \
	--data '{"subject":{"entity":"organization","uscc":"92440311MAXXXXX152"}}' >/dev/null
compare "$top/schemas/matters/individual-business-registration/cases/01-pass.json" >/dev/null
until_signed

check 'an auditor finds who looked at somebody, and what they were told' looked_at
check 'also of an organization' looked_at_by_any_number
check 'that the auditor asked is entered' asking_is_entered
check 'by case, officer, sender, kind and time' by_case_officer_and_time
check 'where there is nothing it says so' nothing_found_is_told
check 'a line each for people' for_people
check 'who it is stands in no argument and no output' who_is_not_in_an_argument
check 'only an auditor gets digests' others_get_no_digest
check 'an export has a proof for each entry' exported
check 'it is checked by the lines of doc/audit.md, without bidui' checked_without_bidui
check 'it goes on where it stopped' resumed
check 'a second party countersigns, keeps and gives back' witnessed_and_given_back
check 'the countersignature holds by openssl alone' countersignature_holds
cp -r "$trail" "$work/early-live"
check 'it sees that the next head continues the last' continued
check 'a key that is not a witness is refused' a_stranger_is_no_witness
check 'the trail verifies with what was witnessed' verifies_with_the_witness
cp -r "$work/early-live" "$work/early"
check 'heads stand in a second place, and show by themselves that it was cut' heads_are_in_a_second_place
check 'a trail cut behind the witnessed head is found' cut_trail_is_found
check 'a trail written anew from there is found, by the witness and offline' rewritten_trail_is_found
check 'what two witnesses were shown is compared' split_view_is_found
check 'a changed line of the witness is found' changed_witness_file_is_found
check 'when no witness came for too long it is told' overdue_is_told
check 'when the second place takes nothing it is told, and the trail goes on' a_full_second_place_is_told
check 'a reload that was refused is on the trail' refused_reload_is_entered
check 'so are certificates' refused_certificates_are_entered
stop_gateway || exit 1
echo "1..$count"
