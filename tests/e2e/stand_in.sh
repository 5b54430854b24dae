#!/usr/bin/env bash
# stand_in.sh - the departments that stand in for the real ones: each answers in its own form what the samples say, is
# as strict as they are, and misbehaves exactly as told. A stand-in that is wrong would make other tests worth nothing. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_stand_in; rm -rf "$work"' EXIT
samples=$top/adapters

# A number for a message that none had before; also in a subshell.
another() {
	echo >>"$work/messages"
	wc -l <"$work/messages"
}

# to PATH [CURL-ARGUMENT...]: the body in $work/body, the status on stdout; curl's own exit code.
to() {
	local path=$1
	shift
	curl -s --max-time "${within:-20}" -o "$work/body" -D "$work/head" -w '%{http_code}' "$@" "http://127.0.0.1:$stand_in_http$path"
}

# -- questions in the departments' forms --

gt3() { # PATH NUMBER [DJXH]
	sed -e "s|<tran_seq>[^<]*|<tran_seq>$(printf '%032x' "$(another)")|" -e "s|<nsrsbh>[^<]*|<nsrsbh>$2|" -e "s|<djxh>[^<]*|<djxh>${3-}|" \
		"$samples/tax/samples/tax_gt3_request.xml" >"$work/request"
	to "$1" --data-binary "@$work/request"
}

nws() { # TRADE ELEMENT NUMBER
	cat >"$work/request" <<-XML
		<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><nwsReceive xmlns="http://ws.nws">
		<systemCode>BIDUI</systemCode><tradeCode>$1</tradeCode><xml>&lt;request&gt;&lt;$2&gt;$3&lt;/$2&gt;&lt;/request&gt;</xml>
		</nwsReceive></soapenv:Body></soapenv:Envelope>
	XML
	to /social/nws -H 'SOAPAction: ""' -H 'Content-Type: text/xml; charset=utf-8' --data-binary "@$work/request" &&
		xmllint --xpath 'string(//*[local-name()="nwsReceiveReturn"])' "$work/body" >"$work/inner"
}

ask_1101() { # NUMBER: the message
	jq -c --arg id "S4403110000120260601093015$(printf %04d "$(another)")" --arg no "$1" '.msgid = $id | .input.data.certno = $no' \
		"$samples/medical/samples/medical_1101_request.json"
}

# The gateway's signature over the text on stdin: DER in base64.
sign() {
	cat >"$work/text"
	openssl pkeyutl -sign -inkey "$keys/gateway.key" -rawin -in "$work/text" -digest sm3 -pkeyopt distid:1234567812345678 |
		base64 -w 0
}

is_signed() { # SIGNATURE-IN-BASE64-RAW: by the department, over the text on stdin
	local raw
	cat >"$work/text"
	raw=$(base64 -d <<<"$1" | xxd -p -c 64)
	[ ${#raw} -eq 128 ] || return 1
	printf 'asn1=SEQ:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${raw:0:64}" "${raw:64}" >"$work/asn1"
	openssl asn1parse -genconf "$work/asn1" -noout -out "$work/der" &&
		openssl pkeyutl -verify -pubin -inkey "$keys/medical.pub" -rawin -in "$work/text" -sigfile "$work/der" \
			-digest sm3 -pkeyopt distid:1234567812345678
}

platform() { # PATH JSON [SECRET]
	local rtime sign
	rtime=$(date +%s)000
	sign=$(printf 'SRIDUI%s' "$rtime" | openssl dgst -sha256 -hmac "${3:-$(cat "$keys/platform.secret")}" -binary | base64)
	to "$1" -H 'gjzwfwpt_sid: S' -H 'gjzwfwpt_rid: RIDUI' -H "gjzwfwpt_rtime: $rtime" -H "gjzwfwpt_sign: $sign" --data-binary "$2"
}

tif() { # PATH BODY NONCE
	local now token sign
	now=$(date +%s)
	token=$(cat "$keys/tif.secret")
	sign=$(printf '%s%s%s%s' "$now" "$token" "$3" "$now" | openssl dgst -sha256 -r | cut -d' ' -f1)
	to "$1" -H 'x-tif-paasid: bidui' -H "x-tif-timestamp: $now" -H "x-tif-nonce: $3" -H "x-tif-signature: $sign" --data-binary "$2"
}

# -- what they say is what the samples say --

# same_as FEED SAMPLE FILE: both read by the adapter, to the record. Times of the messages differ.
same_as() {
	read_by() { "$build/bidui" --adapters "$samples" --schemas "$top/schemas" adapter run "$1" "$2" | sed -E 's/order [^ ]+//;s/20[0-9-]+T[0-9:+.]+//g'; }
	read_by "$1" "$samples/$2" >"$work/wanted"
	read_by "$1" "$3" >"$work/got"
	[ -s "$work/got" ] && grep -q person "$work/got" && diff "$work/wanted" "$work/got"
}

tax_says() { status_is 200 gt3 /tax/gt3 92440311MAXXXXX152 && same_as tax/gt3 tax/samples/tax_gt3_response.xml "$work/body"; }
social_says() { status_is 200 nws 211001 aac147 440311199106159019 && same_as social/nws social/samples/social_nws_response.xml "$work/inner"; }
medical_says() {
	status_is 200 to /medical/1101 --data-binary "$(ask_1101 440311199106159019)" &&
		same_as medical/1101 medical/samples/medical_1101_response.json "$work/body"
}
platform_says() {
	status_is 200 platform /platform/medical '{"certno":"440311199106159019"}' &&
		same_as medical/platform medical/samples/medical_platform_response.json "$work/body"
}
djxh_says() {
	status_is 200 gt3 /tax/gt3 '' 10124403000000000581 && [ "$(grep -o '<nsrxxGridlb>' "$work/body" | wc -l)" = 1 ] &&
		status_is 200 gt3 /tax/gt3 92440311MAXXXXX58F && [ "$(grep -o '<nsrxxGridlb>' "$work/body" | wc -l)" = 2 ]
}
invented_are_known() {
	local number name
	while IFS=$'\t' read -r _ _ number name _; do
		status_is 200 to /medical/1101 --data-binary "$(ask_1101 "$number")" && body_is ".output.baseinfo.psn_name == \"$name\"" &&
			status_is 200 nws 211001 aac147 "$number" && grep -q "<aac003>$name<" "$work/inner" || return 1
	done < <(grep ^person "$work/made/truth.tsv" | head -n 5)
	while IFS=$'\t' read -r _ _ number name _; do
		status_is 200 gt3 /tax/gt3 "$number" && grep -q "<nsrmc>$name<" "$work/body" || return 1
	done < <(grep ^business "$work/made/truth.tsv" | head -n 5)
}
nobody_is_told() {
	status_is 200 to /medical/1101 --data-binary "$(ask_1101 440311195001010011)" && body_is '.infcode == -1 and .output == null' &&
		status_is 200 nws 211001 aac147 440311195001010011 && grep -q '<rc>1</rc>' "$work/inner" &&
		status_is 200 gt3 /tax/gt3 92440311MA00000000 && grep -q '<Code>000</Code>.*<nsrxxGrid></nsrxxGrid>' "$work/body" &&
		status_is 200 platform /platform/medical '{"certno":"440311195001010011"}' && body_is '.code == "404"'
}
verdicts() {
	local number=92440311MAXXXXX152
	status_is 200 platform /platform/tax/verify "{\"shxydm\":\"$number\",\"sbzy\":\"d1\",\"sbx\":{\"fddbrxm\":\"林示例\"}}" &&
		body_is '.data.hyjg | .jl == "一致" and .sbzy == "d1"' &&
		"$build/bidui" --adapters "$samples" --schemas "$top/schemas" adapter run tax/verify "$work/body" | grep -q consistent &&
		status_is 200 platform /platform/tax/verify "{\"shxydm\":\"$number\",\"sbzy\":\"d2\",\"sbx\":{\"fddbrxm\":\"王示例\"}}" &&
		body_is '.data.hyjg | .jl == "不一致" and .sbzy == "d2"'
}

# -- who asks --

wrong_hmac() {
	status_is 200 platform /platform/medical '{"certno":"440311199106159019"}' wrong && body_is '.code == "401" and .data == null' &&
		status_is 200 to /platform/medical --data '{}' && body_is '.code == "401"'
}
tif_once() {
	local body
	body=$(ask_1101 440311199106159019)
	status_is 200 tif /tif/medical/1101 "$body" n1 && body_is '.infcode == 0' && status_is 401 tif /tif/medical/1101 "$body" n1 &&
		status_is 401 to /tif/medical/1101 --data-binary "$body"
}
number_is_used_once() {
	local body
	body=$(ask_1101 440311199106159019)
	status_is 200 to /medical/1101 --data-binary "$body" && body_is '.infcode == 0' &&
		status_is 200 to /medical/1101 --data-binary "$body" && body_is '.infcode == -1' &&
		status_is 200 gt3 /tax/gt3 92440311MAXXXXX152 && status_is 200 to /tax/gt3 --data-binary "@$work/request" &&
		grep -q '<Code>9004</Code>' "$work/body"
}
signed_both_ways() {
	local body
	body=$(ask_1101 440311199106159019)
	body=$(jq -c --arg sign "$(jq -jc .input <<<"$body" | sign)" '.cainfo = $sign' <<<"$body")
	status_is 200 to /medical/signed --data-binary "$body" && body_is '.infcode == 0' &&
		grep -oP '"output":\K.*(?=})' "$work/body" | tr -d '\n' | is_signed "$(jq -r .cainfo "$work/body")" &&
		status_is 200 to /medical/signed --data-binary "$(ask_1101 440311199106159019)" && body_is '.infcode == -1'
}
sealed_both_ways() {
	local sm4 data joined
	sm4=$(cat "$keys/medical.key")
	data=$(ask_1101 440311199106159019 | openssl enc -sm4-ecb -K "$sm4" | xxd -p | tr -d '\n')
	joined="appId=A&encData=$data&encType=SM4&signType=SM2&timestamp=1&version=1.0.0"
	jq -cn --arg d "$data" --arg s "$(printf %s "$joined" | sign)" \
		'{appId:"A",version:"1.0.0",encType:"SM4",signType:"SM2",timestamp:"1",encData:$d,signData:$s}' >"$work/request"
	status_is 200 to /medical/sealed --data-binary "@$work/request" || return 1
	joined=$(jq -jr 'del(.signData) | to_entries | sort_by(.key) | map(.key + "=" + .value) | join("&")' "$work/body")
	printf %s "$joined" | is_signed "$(jq -r .signData "$work/body")" &&
		jq -r .encData "$work/body" | xxd -r -p | openssl enc -d -sm4-ecb -K "$sm4" | jq -e '.baseinfo.psn_name == "林示例"'
}
tls_is_told_apart() {
	local name got with=(--cacert "$work/stand-in/tls/ca.crt")
	local own=(--cert "$work/stand-in/tls/client.crt" --key "$work/stand-in/tls/client.key")
	curl -sf "${with[@]}" "${own[@]}" "https://localhost:$(stand_in_port https)/market/files" | jq -e '.files | length == 4' || return 1
	! curl -sf "${with[@]}" "https://localhost:$(stand_in_port https)/market/files" || return 1
	for name in expired wrong-name stranger; do
		got=0
		curl -sf "${with[@]}" "${own[@]}" "https://localhost:$(stand_in_port $name)/market/files" || got=$?
		[ "$got" = 60 ] || { echo "$name: $got"; return 1; }
	done
}

# -- many rows --

all_pages() { # PATH-WITH-? : until the one that is empty; every row in $work/rows
	local page=1
	: >"$work/rows"
	while status_is 200 to "$1&page=$page" && [ -s "$work/body" ]; do
		cat "$work/body" >>"$work/rows"
		page=$((page + 1))
	done
	pages=$page
}
by_number() {
	all_pages '/market/tables/E_PB_BASEINFO?size=7' && [ "$pages" -gt 5 ] && [ "$(wc -l <"$work/rows")" = 40 ] &&
		diff <(cut -d $'\1' -f1-23 "$work/rows") <(cut -d $'\1' -f1-23 "$work/made/market_E_PB_BASEINFO.utf8.txt")
}
by_cursor() {
	local next=/social/packet?size=9 rows=0 cursor left=20
	while status_is 200 to "$next" && [ "$left" -gt 0 ]; do
		left=$((left - 1))
		rows=$((rows + $(grep -o '<DATA>' "$work/body" | wc -l)))
		grep -q '<EOPSIGN>1' "$work/body" && break
		cursor=$(sed -n 's|.*<RESERVED>\([^<]*\).*|\1|p' "$work/body")
		next="/social/packet?size=9&cursor=$cursor"
	done
	[ "$rows" = 60 ]
}
since_then() {
	status_is 200 to '/social/packet?since=20260601093049' && [ "$(grep -o '<DATA>' "$work/body" | wc -l)" = 10 ] &&
		status_is 200 to '/market/tables/E_PB_BASEINFO?since=2026-06-01%2009:30:29' && [ "$(wc -l <"$work/body")" = 10 ] &&
		grep -qi '^x-total-count: 10' "$work/head" || return 1
	control -X PUT 'hidden?rows=4' && to '/social/packet?since=20260601093049' >/dev/null &&
		[ "$(grep -o '<DATA>' "$work/body" | wc -l)" = 6 ] && control -X PUT 'hidden?rows=0'
}
only_when_changed() {
	local path=/market/files/20260601_E_PB_OPERATOR.txt tag changed sum
	status_is 200 to $path && sum=$(sha256sum <"$work/body") &&
		tag=$(sed -n 's/^etag: \(.*\)\r/\1/Ip' "$work/head") && changed=$(sed -n 's/^last-modified: \(.*\)\r/\1/Ip' "$work/head") &&
		status_is 304 to $path -H "If-None-Match: $tag" && status_is 304 to $path -H "If-Modified-Since: $changed" &&
		status_is 200 to $path -H 'If-None-Match: "other"' && status_is 206 to $path -H 'Range: bytes=100-' &&
		status_is 200 to $path --compressed -H 'Accept-Encoding: gzip' && grep -qi '^content-encoding: gzip' "$work/head" &&
		[ "$sum" = "$(sha256sum <"$work/body")" ] && status_is 200 to /market/files && body_is '.files | any(.rows == 40)'
}

# -- faults --

with() { to "/with/$1/medical/1101" --data-binary "$(ask_1101 440311199106159019)"; } # FAULT
ends() { # CURL-EXIT-CODE FAULT
	local got=0
	with "$2" || got=$?
	[ "$got" = "$1" ] || { echo "exit $got"; return 1; }
}
statuses() {
	status_is 500 with 500 && status_is 503 with 503:7 && grep -qi '^retry-after: 7' "$work/head" && status_is 429 with 429 &&
		status_is 302 with redirect && status_is 200 with html && grep -q '<html>' "$work/body" && status_is 200 with junk
}
failures_in_their_words() {
	status_is 200 with wrong-code && body_is '.infcode == -1 and .output.baseinfo' &&
		status_is 200 gt3 /with/wrong-code/tax/gt3 92440311MAXXXXX152 && grep -q '<rtn_code>0<.*<Code>999<' "$work/body" &&
		status_is 200 with stranger && body_is '.infcode == 0 and .output.baseinfo.certno != "440311199106159019"'
}
breaks() {
	ends 52 close && ends 56 reset && ends 18 cut && ends 1 garbage || ends 8 garbage || return 1
	status_is 200 with wrong-length && ! body_is . || return 1
	within=1 ends 28 hang && within=1 ends 28 endless && [ "$(wc -c <"$work/body")" -gt 1000000 ] && within=1 ends 28 drip:20
}
endless_heads_end() {
	local got=0
	within=3 with endless-head || got=$?
	[ "$got" != 0 ]
}
bombs() {
	[ "$(curl -s --compressed "http://127.0.0.1:$stand_in_http/with/bomb/market/files" | wc -c)" = $((256 << 20)) ]
}
flaps() {
	local seen
	seen=$(for _ in 1 2 3 4 5 6; do with flap:2 && echo; done | tr '\n' ' ')
	[ "$seen" = '200 200 500 500 200 200 ' ] || { echo "$seen"; return 1; }
}
set_at_the_control_port() {
	control -X PUT 'faults?path=/medical&fault=500*2' && status_is 500 to /medical/1101 && status_is 500 to /medical/1101 &&
		status_is 200 to /medical/1101 --data x && control -X PUT 'faults?path=/medical&fault=503' && status_is 503 to /medical/1101 &&
		control -X DELETE faults && status_is 200 to /medical/1101 --data x &&
		! control -X PUT 'faults?path=/&fault=unheard-of'
}
told_what_was_asked() {
	control -X DELETE seen && nws 211001 aac147 440311199106159019 && control seen &&
		jq -e '.counts["/social/nws"] == 1 and (.last[0].headers.soapaction == "\"\"")' "$work/control"
}
data_changes() {
	control -X POST 'replace?number=440311199106159019&old=%E6%9E%97%E7%A4%BA%E4%BE%8B&new=%E6%9E%97%E7%A4%BA%E6%96%B0' &&
		status_is 200 nws 211001 aac147 440311199106159019 && grep -q '<aac003>林示新<' "$work/inner" &&
		status_is 200 to /medical/1101 --data-binary "$(ask_1101 440311199106159019)" && body_is '.output.baseinfo.psn_name == "林示新"'
}
nothing_went_wrong() {
	[ ! -s "$work/stand-in.err" ] || { cat "$work/stand-in.err"; return 1; }
}
many_at_once() {
	local many=2000
	sed 's|<tran_seq>[^<]*|<tran_seq>ffffffffffffffffffffff@N@|' "$samples/tax/samples/tax_gt3_request.xml" >"$work/request"
	control -X DELETE seen && "$python" "$top/tests/stand_in/many.py" "$stand_in_http" /with/slow:1000/tax/gt3 $many "$work/request" \
		>"$work/many" && jq -e ".answered == $many" "$work/many" && control seen && jq -e ".most_waiting == $many" "$work/control"
}

"$build/tests/gen/bidui_gen" --people 60 --businesses 40 --seed 5 --out "$work/made"
start_stand_in --generated "$work/made" --samples "$samples" || { echo 'Bail out! the stand-in did not start'; exit 1; }
keys=$work/stand-in/keys
check 'tax answers as the sample does' tax_says
check 'a registration number gets that registration' djxh_says
check 'social insurance answers as the sample does' social_says
check 'medical insurance answers as the sample does' medical_says
check 'a platform hands on the same' platform_says
check 'invented people and businesses are known' invented_are_known
check 'who is not known is told in their own words' nobody_is_told
check 'the tax authority judges claims itself' verdicts
check 'a platform wants its HMAC' wrong_hmac
check 'a gateway wants its headers, each nonce once' tif_once
check 'the number of a message is used once' number_is_used_once
check 'SM2 both ways' signed_both_ways
check 'SM4 and SM2 both ways' sealed_both_ways
check 'a certificate is asked of who asks; three others are wrong' tls_is_told_apart
check 'pages by number until one is empty' by_number
check 'pages by cursor until the last' by_cursor
check 'only what came since' since_then
check 'a file only when it changed, in part, compressed' only_when_changed
check 'statuses' statuses
check 'failures in their own words, and the wrong subject' failures_in_their_words
check 'what breaks, hangs and does not end' breaks
check 'a head without an end' endless_heads_end
check 'a bomb' bombs
check 'a source that flaps' flaps
check 'faults set while it runs' set_at_the_control_port
check 'what was asked can be looked at' told_what_was_asked
check 'two thousand wait at once' many_at_once
check 'what is held can change' data_changes
check 'nothing went wrong in it' nothing_went_wrong
echo "1..$count"
