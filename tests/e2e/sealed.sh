#!/usr/bin/env bash
# sealed.sh - medical messages signed with SM2 and sealed with SM4 by the openssl command line, which knows nothing
# of bidui: verified and opened by what the adapter declares, or refused with nothing taken. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
count=0

# -- the other side: openssl alone --

sign() { # KEY [DISTID]: the text on stdin; DER in base64 on one line
	cat >"$work/text"
	openssl pkeyutl -sign -inkey "$1" -rawin -in "$work/text" -digest sm3 \
		-pkeyopt "distid:${2:-1234567812345678}" | base64 -w 0
}

# r and s one behind the other, as the platform has it: openssl takes the DER apart.
raw_of() { # BASE64-OF-DER
	base64 -d <<<"$1" | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' |
		while read -r number; do printf '%064s' "$number" | tr ' ' 0; done | xxd -r -p | base64 -w 0
}

seal() { # [KEY]: the text on stdin; hexadecimal on one line
	openssl enc -sm4-ecb -K "${1:-$sm4}" | xxd -p | tr -d '\n'
}

# make FILE [ENCDATA [SIGNATURE-OVER]]: a message of the feed medical/sealed, of the sample's payload.
make() {
	local data=${2-$(jq -c .output "$sample" | seal)} text
	text="appId=A01&encData=$data&encType=SM4&signType=SM2&timestamp=20260601093015208&version=1.0.0"
	jq -cn --arg data "$data" --arg sign "$(printf %s "${3-$text}" | sign "${key:-$work/sender.key}" ${distid:-})" \
		'{appId: "A01", version: "1.0.0", encType: "SM4", signType: "SM2", timestamp: "20260601093015208",
			encData: $data, signData: $sign}' >"$1"
}

messages() {
	ask GET /metrics >/dev/null
	sed -n 's/^bidui_store_subjects //p' "$work/body"
}

# refused CODE POINTER FILE [FEED]: nothing of it is there afterwards.
refused() {
	local before after
	before=$(messages)
	expect 422 "$1" push "medical/${4:-sealed}" "$3" && body_is ".errors[0].path == \"$2\" and .layer == \"client\"" || return 1
	after=$(messages)
	[ "$before" = "$after" ]
}

holds_sample() {
	[ "$(query '{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}')" = 200 ] &&
		body_is '.status == "found" and ([.statements[] | select(.source == "medical")] | length) == 4
			and any(.statements[].values[]; .field == "name" and .value == "林示例")'
}

# -- what is taken --

taken_and_held() {
	make "$work/good.json" && [ "$(push medical/sealed "$work/good.json")" = 200 ] &&
		body_is '.received == 4 and .rejected == 0' && holds_sample
}

taken_compressed() {
	gzip -c "$work/good.json" >"$work/good.gz" &&
		[ "$(push medical/sealed "$work/good.gz" '' -H 'Content-Encoding: gzip')" = 200 ]
}

# The platform's own envelope: output a text in base64, cainfo r and s over it.
taken_in_1101() {
	local output der
	output=$(jq -c .output "$sample" | openssl enc -sm4-ecb -K "$sm4" -base64 -A)
	der=$(printf %s "$output" | sign "$work/sender.key")
	jq -c --arg output "$output" --arg sign "$(raw_of "$der")" \
		'.output = $output | .enctype = "SM4" | .cainfo = $sign' "$sample" >"$work/1101.json"
	[ "$(jq -r .cainfo "$work/1101.json" | base64 -d | wc -c)" = 64 ] || return 1
	[ "$(push medical/1101 "$work/1101.json")" = 200 ] && body_is '.received == 4 and .rejected == 0' || return 1
	jq -c '.cainfo |= ((if startswith("A") then "B" else "A" end) + .[1:])' "$work/1101.json" >"$work/1101-wrong.json"
	refused envelope.signature cainfo "$work/1101-wrong.json" 1101
}

# Not sealed, signed as it stands.
taken_in_the_open() {
	local output sign
	output=$(jq -c .output "$sample")
	sign=$(raw_of "$(printf %s "$output" | sign "$work/sender.key")")
	printf '{"infcode":0,"respond_time":"20260601093015209","enctype":"","signtype":"SM2","cainfo":"%s","output":%s}' \
		"$sign" "$output" >"$work/open.json"
	[ "$(push medical/1101 "$work/open.json")" = 200 ] || return 1
	sed 's/林示例/林示列/' "$work/open.json" >"$work/open-wrong.json"
	refused envelope.signature cainfo "$work/open-wrong.json" 1101
}

# -- what is not --

unsigned_is_refused() {
	jq -c 'del(.signData)' "$work/good.json" >"$work/bad.json" && refused envelope.unsigned signData "$work/bad.json" &&
		jq -c '.signType = ""' "$work/good.json" >"$work/bad.json" && refused envelope.unsigned signData "$work/bad.json"
}

wrong_signatures_are_refused() {
	jq -c '.timestamp = "20260601093015209"' "$work/good.json" >"$work/bad.json" &&
		refused envelope.signature signData "$work/bad.json" || return 1
	jq -c '.signData = "no base64"' "$work/good.json" >"$work/bad.json" &&
		refused envelope.signature signData "$work/bad.json" || return 1
	key=$work/stranger.key make "$work/bad.json" && refused envelope.signature signData "$work/bad.json" || return 1
	distid=8765432187654321 make "$work/bad.json" && refused envelope.signature signData "$work/bad.json"
}

plain_is_refused() {
	jq -c --slurpfile all "$sample" '.encType = "" | .encData = $all[0].output' "$work/good.json" >"$work/bad.json" &&
		refused envelope.plain encData "$work/bad.json" &&
		jq -c '.encType = "AES"' "$work/good.json" >"$work/bad.json" && refused envelope.cipher encType "$work/bad.json"
}

# One answer to whatever cannot be opened, to the byte: coding, length, padding, another key, no document.
nothing_is_told_of_opening() {
	local data first='' good
	good=$(jq -c .output "$sample" | seal)
	for data in "$(jq -c .output "$sample" | seal 00112233445566778899aabbccddeeff)" "${good:0:-32}" "${good}0" "zz$good" \
		"${good:0:-2}00" "$(printf 'no document' | seal)"; do
		make "$work/bad.json" "$data"
		refused envelope.sealed encData "$work/bad.json" || { echo "$data"; return 1; }
		push medical/sealed "$work/bad.json" >/dev/null
		[ -n "$first" ] || first=$(cat "$work/body")
		[ "$(cat "$work/body")" = "$first" ] || { echo "$data: $first"; return 1; }
	done
}

# In both languages, with what to do; and nothing of the payload.
told_to_the_clerk() {
	make "$work/bad.json" "$(printf 'no document' | seal)"
	push medical/sealed "$work/bad.json" >/dev/null && body_is '(.title | test("解密")) and (.hint | length) > 0' || return 1
	push medical/sealed "$work/bad.json" '' -H 'Accept-Language: en' >/dev/null && body_is '.title | test("opened")'
}

later_is_refused_too() {
	local id left=100
	[ "$(push medical/sealed "$work/bad.json" '' -H 'Prefer: respond-async')" = 202 ] || return 1
	id=$(jq -r .message "$work/body")
	until [ "$(ask GET "/v1/messages/$id")" = 200 ] && body_is '.state == "refused"'; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	body_is '.problem.code == "envelope.sealed"'
}

# -- keys --

# after_reload STATUS: until a push of what is good is answered so.
after_reload() {
	local left=100
	kill -HUP "$bidui_pid"
	until [ "$(push medical/sealed "$work/good.json")" = "$1" ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

unknown_key_is_refused() {
	mv "$work/keys/medical.pub" "$work/medical.pub" && after_reload 422 &&
		refused envelope.key signData "$work/good.json" || return 1
	mv "$work/medical.pub" "$work/keys/medical.pub" && after_reload 200
}

# The trail shows another configuration while one of the keys was gone, and the same as before when it was back.
a_changed_key_is_seen() {
	"$build/bidui" -o json audit show "$work/data/trail" --key "$work/signing.pub" --event config >"$work/configs" &&
		jq -se 'length == 2 and (map(.config) | unique | length) == 2' "$work/configs" >/dev/null &&
		"$build/bidui" -o json audit show "$work/data/trail" --key "$work/signing.pub" --event start |
		jq -se --slurpfile later "$work/configs" '.[-1].config == $later[1].config' >/dev/null
}

readable_key_is_refused() {
	chmod 644 "$work/keys/medical.key" && ! start_gateway && grep -q 'medical.key can be read by others' "$work/biduid.log" &&
		! grep -q "$sm4" "$work/biduid.log" && chmod 600 "$work/keys/medical.key"
}

nothing_in_clear() {
	local word
	for word in 440311199106159019 林示例 "$sm4"; do
		! grep -raqF -- "$word" "$work/data" "$work/biduid.log" || { echo "$word"; return 1; }
	done
}

sample=$top/adapters/medical/samples/medical_1101_response.json
make_keys
mkdir -m 700 "$work/keys"
sm4=$(openssl rand -hex 16)
(umask 077 && printf '%s\n' "$sm4" >"$work/keys/medical.key")
for name in sender stranger; do
	openssl genpkey -algorithm SM2 -out "$work/$name.key" 2>/dev/null
done
openssl pkey -in "$work/sender.key" -pubout -out "$work/keys/medical.pub"
write_settings 0 0
echo "keys_folder = $work/keys" >>"$work/bidui.conf"
check 'a key that others can read stops the start' readable_key_is_refused
if ! start_gateway; then
	echo 'Bail out! the gateway did not start'
	tail -n 20 "$work/biduid.log" | sed 's/^/# /'
	exit 1
fi
check 'signed by openssl with SM2 and sealed with SM4: verified, opened, held' taken_and_held
check 'the same, compressed' taken_compressed
check 'in the envelope of 1101: base64, and r and s one behind the other' taken_in_1101
check 'signed and not sealed: over the payload as it stands' taken_in_the_open
check 'without a signature it is refused' unsigned_is_refused
check 'with a wrong one: changed, no base64, of a stranger, for another id' wrong_signatures_are_refused
check 'what is not sealed, or otherwise than agreed, is refused' plain_is_refused
check 'whatever cannot be opened is told in one way' nothing_is_told_of_opening
check 'in Chinese and in English, with what to do' told_to_the_clerk
check 'who asks for the answer later hears the same' later_is_refused_too
check 'a key that is not there is told, and heard of by a reload' unknown_key_is_refused
stop_gateway
check 'a key that was changed is a changed configuration on the trail' a_changed_key_is_seen
check 'neither the payload nor a key stands anywhere in clear' nothing_in_clear
echo "1..$count"
