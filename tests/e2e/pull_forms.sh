#!/usr/bin/env bash
# pull_forms.sh - each department's own request, sent by the gateway over mutual TLS to a department that stands in and checks
# what it receives: head, numbers, signatures, ciphers, headers. What is not as agreed it refuses, and the gateway says so; and
# a server that is not the department is told nothing at all. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_stand_in; kill "$bidui_pid" 2>/dev/null; rm -rf "$work"' EXIT
person=440311199106159019
business=92440311MAXXXXX152

sources() {
	printf '<?xml version="1.0" encoding="UTF-8"?>\n<sources>%s</sources>\n' "$1" >"$work/sources.xml"
	[ -n "$bidui_pid" ] || return 0
	reload || { echo 'Bail out! no reload'; tail -n 3 "$work/biduid.log"; exit 1; }
}

# value NAME VALUE, secret NAME FILE
value() { printf '<value name="%s" value="%s"/>' "$1" "$2"; }
secret() { printf '<value name="%s" file="%s"/>' "$1" "$2"; }

# http PATH VALUES [PORT-NAME [OTHER-ATTRIBUTES]]: a connection with our certificate.
http() {
	echo "<http name=\"main\" base=\"https://localhost:$(stand_in_port "${3:-https}")$1\" allow=\"127.0.0.1 ::1\" ca=\"$tls/ca.crt\"
		${4-cert=\"$tls/client.crt\" key=\"$tls/client.key\"} tries=\"1\" trip-after=\"1000\">$2</http>"
}

# tried SOURCE FEED REQUEST PATH VALUES: a look-up of the one who is asked about, by its own form; its words in $work/tried.
tried() {
	local about=(--kind resident_id --number "$person")
	[ "$1" != tax ] || about=(--kind uscc --number "$business")
	sources "<source name=\"$1\">$(http "$4" "$5")<look-up from=\"main\" request=\"$3\" feed=\"$2\"/></source>"
	control -X DELETE seen
	"$build/bidui" source test "$1" "$2" "${about[@]}" --lang en >"$work/tried" 2>&1
}
understood() {
	tried "$@" && grep -q '^it works: records read [1-9]' "$work/tried" &&
		[ "$(grep -cE '^✓ (name|TCP|TLS|answer|first record).* [0-9.]+ ms$' "$work/tried")" -eq 5 ] || { cat "$work/tried"; return 1; }
}
refused() { # CODE ...
	local code=$1
	shift
	! tried "$@" && grep -q "($code)" "$work/tried" && ! grep -q '^✓ first record' "$work/tried" || { cat "$work/tried"; return 1; }
	ask GET /v1/status >/dev/null && jq -e --arg c "$code" '.sources[] | select(.kind == "connection") | .code == $c and .failed >= 1' "$work/body"
}
sent() { # JQ, of the last request the stand-in saw
	control seen && jq -e ".last[-1] | $1" "$work/control"
}

start_stand_in --samples "$top/adapters" || { echo 'Bail out! no stand-in'; exit 1; }
tls=$work/stand-in/tls keys=$work/stand-in/keys
mkdir -m 700 "$work/keys"
cp "$keys/medical.pub" "$keys/medical.key" "$work/keys"
(umask 077 && openssl genpkey -algorithm SM2 -out "$work/other.key" 2>/dev/null && openssl rand -hex 16 >"$work/other.secret")
make_keys
write_settings 0 0
printf 'sources_file = %s\nkeys_folder = %s\n' "$work/sources.xml" "$work/keys" >>"$work/bidui.conf"
sources '<source name="social"/>'
start_or_bail

# -- the tax authority: GT3 service, taxML in CDATA --
check 'a GT3 service request is understood' understood tax gt3 by-number /tax/gt3 "$(value channel_id SZGM.ZWFW.BIDUI)"
check 'its payload stands in CDATA' sent '.method == "POST" and (.body | test("<body><!\\[CDATA\\[<taxML .*<nsrsbh>'"$business"'</nsrsbh></taxML>\\]\\]></body></service>$"))'
check 'one without a channel is refused' refused source.failed tax gt3 by-number /tax/gt3 "$(value channel_id ' ' | sed 's/" "/""/')"

# -- social insurance: SOAP 1.1 nwsReceive, the document as a text --
check 'a SOAP 1.1 nwsReceive is understood' understood social nws_soap person /social/nws "$(value system_code BIDUI)"
check 'with its action and type' sent '(.headers.soapaction == "\"\"") and (.headers["content-type"] | startswith("text/xml"))'
check 'its document is a text' sent '.body | test("<xml>&lt;\\?xml .*&lt;aac147&gt;'"$person"'&lt;/aac147&gt;.*</xml>")'
check 'one without a system is refused' refused ask.status social nws_soap person /social/nws "$(value system_code ' ' | sed 's/" "/""/')"

# -- medical insurance: the national envelope, and what stands around it --
institution="$(value fixmedins_code S44031100001)$(value fixmedins_name 示例区政务服务中心)$(value area 440300)$(value opter 001)$(value opter_name 示例经办)"
check 'the 1101 envelope is understood' understood medical 1101 query-1101 /medical/1101 "$institution"
first=$(jq -r '.last[-1].body | fromjson.msgid' <(control seen && cat "$work/control"))
check 'its message id is code, time and number' grep -qxE "S44031100001$(date +%Y)[0-9]{14}" <<<"$first"
check 'another one has another' understood medical 1101 query-1101 /medical/1101 "$institution"
check 'which the department would else refuse' sent ".body | fromjson.msgid != \"$first\""
check 'an id that is none is refused' refused source.failed medical 1101 query-1101 /medical/1101 "${institution/S44031100001/S44}"
signed="$institution$(secret sign_key "$keys/gateway.key")"
check 'signed with SM2 it is verified, and so is the answer' understood medical 1101 query-1101-signed /medical/signed "$signed"
check 'its signature is r and s' sent '.body | fromjson | .signtype == "SM2" and (.cainfo | length) == 88'
check 'the signature of another key is refused' refused source.failed medical 1101 query-1101-signed /medical/signed "$institution$(secret sign_key "$work/other.key")"
sealed="$signed$(value app_id BIDUI)$(secret seal_key "$keys/medical.key")"
check 'sealed with SM4 and signed it is opened, and so is the answer' understood medical sealed query-sealed /medical/sealed "$sealed"
check 'nobody can be read in it' sent "(.body | fromjson | .encType == \"SM4\") and (.body | test(\"$person|psn_\") | not)"
check 'sealed with another key it is refused' refused envelope.plain medical sealed query-sealed /medical/sealed "${sealed/$keys\/medical.key/$work\/other.secret}"
check 'signed with another it is refused' refused envelope.plain medical sealed query-sealed /medical/sealed "${sealed/$keys\/gateway.key/$work\/other.key}"
tif="$institution$(value tif_paasid bidui)$(secret tif_token "$keys/tif.secret")"
check 'the headers of a TIF gateway are accepted' understood medical 1101 query-1101-tif /tif/medical/1101 "$tif"
check 'all four of them' sent '[.headers | keys[] | select(startswith("x-tif-"))] | length == 4'
check 'another token is refused' refused ask.status medical 1101 query-1101-tif /tif/medical/1101 "${tif/$keys\/tif.secret/$work\/other.secret}"

# -- a data-sharing platform: headers with their HMAC --
shared="$(value rid RIDUI)$(value sid S1)$(secret platform_secret "$keys/platform.secret")"
check "a platform's headers are accepted" understood medical platform query-platform /platform/medical "$shared"
hmac_is_right() {
	local rtime
	control seen && rtime=$(jq -r '.last[-1].headers.gjzwfwpt_rtime' "$work/control") &&
		[ "$(jq -r '.last[-1].headers.gjzwfwpt_sign' "$work/control")" = \
			"$(printf 'S1RIDUI%s' "$rtime" | openssl dgst -sha256 -hmac "$(cat "$keys/platform.secret")" -binary | base64)" ]
}
check 'with the HMAC over sid, rid and time' hmac_is_right
check 'another secret is refused' refused source.failed medical platform query-platform /platform/medical "${shared/$keys\/platform.secret/$work\/other.secret}"

# -- what the department signed, verified by the key that was registered --
openssl pkey -in "$work/other.key" -pubout -out "$work/keys/medical.pub"
check 'an answer that another key signed is refused' refused envelope.signature medical 1101 query-1101-signed /medical/signed "$signed"

# -- who is asked at all: a server that is not the department gets no request --
distrusted() { # PORT-NAME CODE [ATTRIBUTES]
	sources "<source name=\"social\">$(http /social/packet '' "$1" ${3+"$3"})<pull name=\"changes\" from=\"main\" request=\"changes\" feed=\"packet\" every=\"1d\"/></source>"
	control -X DELETE seen
	eventually status_says "$2" && control seen && jq -e '.last == []' "$work/control" >/dev/null ||
		{ jq -c '.sources[]' "$work/body"; jq -c .counts "$work/control"; return 1; }
}
status_says() { # CODES: of the connection and of its pull, both counted
	ask GET /v1/status >/dev/null && jq -e --arg c "$1" '[.sources[] | (.code | test("^(" + $c + ")$")) and .failed >= 1] | all and length == 2' "$work/body" >/dev/null
}
check 'an expired certificate is refused' distrusted expired connect.certificate_expired
check 'one of another name' distrusted wrong-name connect.certificate_name
check 'one of an authority that is not the one given' distrusted stranger connect.certificate_issuer
check 'a department that wants ours gets no question without it' distrusted https 'connect.own_missing|connect.broken' ''
check 'the gateway ends in order, and nobody stands in clear' stop_gateway
echo "1..$count"
