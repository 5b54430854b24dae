#!/usr/bin/env bash
# senders.sh - who is speaking, how often, and who may change things: every way of being known, and every way
# round it that is refused. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

# -- certificates --

# issued NAME ISSUER SUBJECT [EXTENSIONS [SERIAL]]: a certificate of one of the authorities below.
issued() {
	local name=$1 issuer=$2 subject=$3 extensions=${4:-extendedKeyUsage=clientAuth} serial=${5-}
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/tls/$name.key" 2>/dev/null
	chmod 600 "$work/tls/$name.key"
	openssl req -new -utf8 -key "$work/tls/$name.key" -subj "$subject" 2>/dev/null |
		openssl x509 -req -CA "$work/tls/$issuer.crt" -CAkey "$work/tls/$issuer.key" -days 2 \
			${serial:+-set_serial "$serial"} -extfile <(printf '%s\n' "$extensions") \
			-out "$work/tls/$name.crt" 2>/dev/null
}

authority() { # NAME SUBJECT
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/tls/$1.key" 2>/dev/null
	openssl req -x509 -new -utf8 -key "$work/tls/$1.key" -subj "$2" -days 2 \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' -out "$work/tls/$1.crt" 2>/dev/null
}

issuer_of() {
	openssl x509 -in "$work/tls/$1.crt" -noout -issuer -nameopt RFC2253,-esc_msb | sed 's/^issuer=//'
}

make_senders() {
	local san='extendedKeyUsage=clientAuth
subjectAltName=DNS:engine.example'
	authority ours '/C=CN/O=示例市/CN=示例市政务 CA'
	authority other '/CN=another authority'
	cat "$work/tls/ours.crt" "$work/tls/other.crt" >>"$work/tls/ca.crt"
	issued named ours /CN=x "$san"
	issued imitator other /CN=x "$san"
	issued common ours /CN=engine.example 'subjectAltName=DNS:y.example'
	issued numbered ours /CN=numbered extendedKeyUsage=clientAuth 0x0A1B
	issued renumbered other /CN=numbered extendedKeyUsage=clientAuth 0x0A1B
	issued auditor ours /CN=auditor 'subjectAltName=DNS:auditor.example'
	issued hasty ours /CN=hasty 'subjectAltName=DNS:hasty.example'
	issued curious ours /CN=curious 'subjectAltName=DNS:curious.example'
	issued gov ours /CN=gov 'subjectAltName=DNS:gov.example'
	cat >>"$work/senders" <<END

[named]
certificate_issuer = $(issuer_of named)
certificate_name = engine.example
roles = engine

[numbered]
certificate_issuer = $(issuer_of numbered)
certificate_serial = 0A1B
roles = operator

[auditor]
certificate_issuer = $(issuer_of auditor)
certificate_name = auditor.example
roles = auditor

[platform]
hmac_key = 2026-a platform-a.key
hmac_key = 2026-b platform-b.key
roles = department engine
sources = market medical social tax

[hasty]
certificate_issuer = $(issuer_of hasty)
certificate_name = hasty.example
roles = engine
requests_per_second = 1
requests_burst = 3
lines_per_second = 1
lines_burst = 20

[gov]
platform_sid = s_4403110000000_0001
platform_secret_file = platform.secret
platform_pin = $(spki_pin "$work/tls/gov.crt")
roles = department
sources = social

[curious]
certificate_issuer = $(issuer_of curious)
certificate_name = curious.example
roles = engine
subjects_per_hour = 3
values_per_day = 2
END
	write_grants demo named curious platform hasty >"$work/grants.xml"
	(umask 077 && echo 'a secret of the platform' >"$work/platform.secret")
	(umask 077 && openssl rand -hex 32 >"$work/platform-a.key" && openssl rand -hex 64 >"$work/platform-b.key")
}

asked() { # CERTIFICATE METHOD PATH STATUS [CODE]
	local got
	got=$(as=$1 ask "$2" "$3")
	[ "$got" = "$4" ] && { [ -z "${5-}" ] || body_is ".code == \"$5\""; } || { echo "status $got"; return 1; }
}


# -- signed requests --

# signed METHOD PATH BODY-FILE|- [OPTION...]: asks without a certificate, signed by the options of signed.py (key 2026-a).
signed() {
	local method=$1 path=$2 body=$3 line
	local -a curl=(-H 'Content-Type: application/json') file=()
	shift 3
	[ "$body" = - ] || { curl+=(--data-binary "@${sent:-$body}") && file=("$body"); }
	"$python" "$top/tests/e2e/signed.py" --key-id 2026-a --key-file "$work/platform-a.key" \
		--field 'Content-Type: application/json' "$@" "$method" "https://x$path" "${file[@]}" >"$work/signature" || return 1
	while IFS= read -r line; do curl+=(-H "$line"); done <"$work/signature"
	plain "$method" "$path" "${curl[@]}"
}

plain() { # METHOD PATH CURL-ARGUMENT...: asks without a certificate
	local method=$1 path=$2
	shift 2
	curl -s --max-time 30 --cacert "$work/tls/ca.crt" -X "$method" -o "$work/body" -D "$work/head" -w '%{http_code}' "$@" \
		"${base:-https://127.0.0.1:$https_port}$path"
}

# Signatures of the second in which the gateway started are refused: until it is over.
until_signatures_count() {
	local left=50
	while [ "$left" -gt 0 ] && [ "$(signed GET /v1/status -)" != 200 ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ "$left" -gt 0 ]
}

second_key() {
	[ "$(signed GET /v1/status - --key-id 2026-b --key-file "$work/platform-b.key")" = 200 ]
}

# The same bytes twice: refused by their nonce, and nothing is stored twice.
replayed() {
	local nonce=replayed-nonce-0001 created
	created=$(date +%s)
	[ "$(signed GET /v1/status - --nonce $nonce --created "$created")" = 200 ] &&
		expect 401 auth.replay signed GET /v1/status - --nonce $nonce --created "$created"
}

# What is signed is what is stored: one byte more or another, and nothing of it is.
other_body() {
	local before after
	before=$(messages)
	printf '{"matter":"x"}' >"$work/one" && printf '{"matter":"y"}' >"$work/other"
	sent=$work/other expect 401 auth.digest signed POST /v1/compare "$work/one" || return 1
	cp "$top/adapters/social/samples/social_nws_response.xml" "$work/good.xml"
	{ cat "$work/good.xml" && echo; } >"$work/longer.xml"
	sent=$work/longer.xml expect 401 auth.digest signed POST /v1/sources/social/nws "$work/good.xml" || return 1
	after=$(messages)
	[ "$before" = "$after" ] || { echo "$before -> $after"; return 1; }
	[ "$(signed POST /v1/sources/social/nws "$work/good.xml")" = 200 ] && [ "$(messages)" -gt "$after" ]
}

# Lines of a batch are answered when all of it is found to be the signed one.
other_lines() {
	local before
	printf '{"subject":{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}}\n' >"$work/one.ndjson"
	cat "$work/one.ndjson" "$work/one.ndjson" >"$work/two.ndjson"
	before=$(metric bidui_queries_total)
	lines=1 sent=$work/two.ndjson expect 401 auth.digest signed_lines || return 1
	[ "$(metric bidui_queries_total)" = "$before" ] && [ "$(sent=$work/one.ndjson signed_lines)" = 200 ] &&
		[ "$(metric bidui_queries_total)" -gt "$before" ]
}

signed_lines() {
	"$python" "$top/tests/e2e/signed.py" --key-id 2026-a --key-file "$work/platform-a.key" \
		--field 'Content-Type: application/x-ndjson' --field "Bidui-Purpose: $purpose" POST https://x/v1/identities/query "$work/one.ndjson" >"$work/signature"
	local line
	local -a curl=(-H 'Content-Type: application/x-ndjson' -H "Bidui-Purpose: $purpose" --data-binary "@$sent")
	while IFS= read -r line; do curl+=(-H "$line"); done <"$work/signature"
	plain POST /v1/identities/query "${curl[@]}"
}

metric() {
	curl -s --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/metrics" | sed -n "s/^$1 //p"
}

messages() {
	metric bidui_pushes_total
}

unsigned_purpose() { # A field that matters is signed, or nobody is asking.
	signed GET /v1/status - >/dev/null
	local line
	local -a curl=(-H 'Content-Type: application/json' -H 'Bidui-Purpose: x')
	"$python" "$top/tests/e2e/signed.py" --key-id 2026-a --key-file "$work/platform-a.key" \
		--field 'Content-Type: application/json' GET https://x/v1/status >"$work/signature"
	while IFS= read -r line; do curl+=(-H "$line"); done <"$work/signature"
	expect 401 auth.signature plain GET /v1/status "${curl[@]}"
}

# A certificate beside a signature that is wrong does not help.
no_falling_back() {
	as=client expect 401 auth.signature ask GET /v1/status -H 'Signature-Input: x' -H 'Signature: y'
}

open_key_file() {
	chmod 644 "$work/platform-a.key"
	"$build/biduid" --config "$work/bidui.conf" --check >"$work/out" 2>&1
	local got=$?
	chmod 600 "$work/platform-a.key"
	[ $got = 4 ] && grep -q 'platform.*2026-a.*chmod 600' "$work/out"
}

# -- proxies --

forwarded() { # CERTIFICATE: as HAProxy writes it
	printf 'Client-Cert: :%s:' "$(openssl x509 -in "$work/tls/$1.crt" -outform DER | base64 -w 0)"
}

escaped() { # CERTIFICATE: as nginx writes it
	printf 'Client-Cert: %s' "$("$python" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.stdin.read()))' <"$work/tls/$1.crt")"
}

by_proxy() { # CERTIFICATE-OF-THE-PROXY CURL-ARGUMENT...
	local certificate=$1
	shift
	base=https://127.0.0.1:$proxy_port plain GET /v1/status --cert "$work/tls/$certificate.crt" --key "$work/tls/$certificate.key" "$@"
}

# Not even spoken with: the handshake fails, and is counted by its reason.
no_certificate() {
	local before
	before=$(metric 'bidui_tls_refused_total{reason="tls.no_certificate"}')
	[ "$(base=https://127.0.0.1:$proxy_port plain GET /v1/status -H "$(forwarded named)")" = 000 ] &&
		[ "$(metric 'bidui_tls_refused_total{reason="tls.no_certificate"}')" -gt "$before" ]
}

stood_twice() {
	expect 403 auth.proxy by_proxy proxy -H "$(forwarded auditor)" -H "$(forwarded named)"
}

env_as() { # CERTIFICATE: on the listener for everybody
	as=$1 ask GET /v1/status -H "$(forwarded named)"
}

plaintext_header() {
	base=http://127.0.0.1:$http_port expect 403 auth.proxy plain GET /v1/status -H "$(forwarded named)"
}

# -- a platform's headers --

# by_platform CERTIFICATE|- METHOD PATH [CURL-ARGUMENT...]: with $rid, $rtime, $sid and $secret where they are set.
by_platform() {
	local certificate=$1 method=$2 path=$3 sign own_rid=${rid:-$(openssl rand -hex 16)} own_rtime=${rtime:-$(date +%s%3N)}
	local own_sid=${sid:-s_4403110000000_0001}
	local -a known=()
	shift 3
	[ "$certificate" = - ] || known=(--cert "$work/tls/$certificate.crt" --key "$work/tls/$certificate.key")
	sign=$(printf '%s%s%s' "$own_sid" "$own_rid" "$own_rtime" |
		openssl dgst -sha256 -hmac "${secret:-a secret of the platform}" -binary | base64)
	plain "$method" "$path" "${known[@]}" -H "gjzwfwpt_sid: $own_sid" -H "gjzwfwpt_rid: $own_rid" \
		-H "gjzwfwpt_rtime: $own_rtime" -H "gjzwfwpt_sign: $sign" "$@"
}

platform_pushes() { # CERTIFICATE [CURL-ARGUMENT...]
	local certificate=$1
	shift
	by_platform "$certificate" POST /v1/sources/social/nws -H 'Content-Type: application/xml' \
		--data-binary "@$top/adapters/social/samples/social_nws_response.xml" "$@"
}

platform_replayed() { # the very same again
	local rid=0123456789abcdef0123456789abcdef rtime
	rtime=$(date +%s%3N)
	[ "$(platform_pushes gov)" = 200 ] && expect 401 auth.replay platform_pushes gov
}

platform_in_clear() {
	base=http://127.0.0.1:$http_port expect 401 auth.signature platform_pushes -
}

platform_out_of_time() {
	local rtime
	for rtime in "$(($(date +%s) - 130))000" "$(($(date +%s) + 130))000" "$(($(date +%s) - 130))"; do
		expect 401 auth.time platform_pushes gov || return 1
	done
	rtime=$(date +%s) && [ "$(platform_pushes gov)" = 200 ] || return 1
	rtime=yesterday expect 401 auth.signature platform_pushes gov
}

platform_forged() {
	secret='another secret of it' expect 401 auth.signature platform_pushes gov &&
		sid=s_none expect 401 auth.signature platform_pushes gov && rid=short expect 401 auth.signature platform_pushes gov &&
		expect 401 auth.signature platform_pushes gov -H 'gjzwfwpt_rid: twice-twice-twice-twice'
}

platform_of_others() {
	expect 403 auth.source by_platform gov POST /v1/sources/market/e_baseinfo --data x
}

platform_only_pushes() {
	local path
	for path in /v1/compare /v1/identities/query /v1/sources/social/recall /v1/disputes; do
		[ "$(by_platform gov POST "$path" -H 'Content-Type: application/json' --data '{}')" = 403 ] && body_is '.code == "auth.role"' ||
			{ echo "$path"; return 1; }
	done
	expect 403 auth.role by_platform gov GET /v1/status
}

# -- limits --

# Thirty lines are one request of one who may make three at once, and of them as many are answered as may come at once.
a_batch_is_one_request() {
	local number
	for number in $(seq 30); do
		printf '{"subject":{"entity":"person","id_type":"resident_id","id_no":"%s"}}\n' "$(person "$number")"
	done >"$work/batch.ndjson"
	[ "$(as=hasty ask POST /v1/identities/query -H 'Content-Type: application/x-ndjson' --data-binary "@$work/batch.ndjson")" = 200 ] &&
		jq -se 'length == 30 and (map(select(.code)) | length >= 8 and length <= 10 and all(.code == "limit.lines" and .retry_after >= 1))' "$work/body"
}

too_often() { # Three at once, one a second: of five some come too soon.
	local got= i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		got=$(as=hasty ask GET /v1/status)
		[ "$got" != 429 ] || break
	done
	[ "$got" = 429 ] && body_is '.code == "limit.requests" and .retryable and .retry_after == 1' &&
		grep -qi '^retry-after: 1' "$work/head"
}

# A person of that number within the invented region, with the check digit it has to have.
person() { # NUMBER
	local digits weights='7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2' sum=0 i=0 weight
	digits=$(printf '44031119910615%03d' "$1")
	for weight in $weights; do
		sum=$((sum + ${digits:i:1} * weight))
		i=$((i + 1))
	done
	printf '%s%s' "$digits" "$(printf '10X98765432' | cut -c $((sum % 11 + 1)))"
}

curious_batch() { # NUMBER...: a query a line
	local number
	for number in "$@"; do
		printf '{"subject":{"entity":"person","id_type":"resident_id","id_no":"%s"}}\n' "$(person "$number")"
	done >"$work/batch.ndjson"
	as=curious ask POST /v1/identities/query -H 'Content-Type: application/x-ndjson' --data-binary "@$work/batch.ndjson"
}

too_many_subjects() { # The third comes again, the fourth is too many, and the first may be asked about again.
	[ "$(curious_batch 1 2 3 3 4 1)" = 200 ] &&
		[ "$(jq -r '.code // "answered"' "$work/body" | tr '\n' ' ')" = 'answered answered answered answered limit.subjects answered ' ] &&
		jq -se 'map(select(.code)) | length == 1 and (.[0] | .status == 429 and .retry_after >= 1 and .retry_after <= 3600)' "$work/body"
}

claimed() { # VALUE
	as=curious ask POST /v1/compare -H 'Content-Type: application/json' --data '{"matter":"old-age-allowance","case":"c-1",
		"on":"2026-06-01","submitted_at":"2026-06-01T09:30:00+08:00","subjects":{"applicant":{"entity":"person",
		"id_type":"resident_id","id_no":"'"$(person 1)"'"}},"claims":[{"of":"/subjects/applicant","field":"name","value":"'"$1"'"}]}'
}

too_many_values() {
	[ "$(claimed 甲示例)" = 200 ] && [ "$(claimed 乙示例)" = 200 ] && expect 429 limit.values claimed 丙示例 &&
		[ "$(sed -n 's/^retry-after: \([0-9]*\).*/\1/Ip' "$work/head")" -ge 1 ] && [ "$(claimed 甲示例)" = 200 ]
}

limits_are_counted() {
	[ "$(metric 'bidui_limited_total{sender="curious",limit="subjects"}')" -ge 1 ] &&
		[ "$(metric 'bidui_limited_total{sender="curious",limit="values"}')" -ge 1 ] &&
		[ "$(metric 'bidui_limited_total{sender="hasty",limit="requests"}')" -ge 1 ]
}

# What was refused is on the trail, by its sender and code.
limits_are_entered() {
	local code
	for code in limit.requests limit.lines limit.subjects limit.values; do
		grep -rqaF "$code" "$work/data/trail" || { echo "$code"; return 1; }
	done
	# Of who is nobody one a second is entered, with how many more there were.
	grep -rqaE 'auth\.(signature|replay|digest)' "$work/data/trail" || { echo auth; return 1; }
}

# A reload is no new day.
counts_go_on() {
	reload && expect 429 limit.values claimed 丙示例
}

# -- people --

account() { # NAME-OF-THE-PASSWORD-FILE COMMAND...: bidui account, with the password of that file
	local file=$1
	shift
	BIDUI_ACCOUNTS=$work/accounts BIDUI_PASSWORD_FILE=$work/$file.password "$build/bidui" account "$@" </dev/null >"$work/out" 2>"$work/err"
}

make_accounts() {
	local name
	for name in wang li zhao sun; do
		(umask 077 && printf 'correct horse of %s\n' "$name" >"$work/$name.password")
	done
	(umask 077 && printf 'short\n' >"$work/short.password")
	account wang add wang --roles 'system_administrator operator' && account li add li --roles security_administrator &&
		account zhao add zhao --roles auditor && account sun add sun --roles operator
}

people_are_listed() {
	account wang list && grep -qx 'li	security_administrator' "$work/out" && [ "$(stat -c %a "$work/accounts")" = 600 ] &&
		! grep -q 'correct horse' "$work/accounts"
}

what_is_not_added() {
	! account short add qian --roles operator && ! account wang add wang --roles operator && ! account wang add zhou --roles engine &&
		! account wang add zhou --roles 'operator auditor' && ! account wang passwd nobody && account wang list && [ "$(wc -l <"$work/out")" = 4 ]
}

by_password() { # NAME PASSWORD METHOD PATH CURL-ARGUMENT...
	local pair=$1:$2 method=$3 path=$4
	shift 4
	plain "$method" "$path" -H "Authorization: Basic $(printf %s "$pair" | base64 -w 0)" "$@"
}

wang() {
	by_password wang 'correct horse of wang' "$@"
}

# With a body, and without one: it waits until the password is looked at.
body_waits() {
	[ "$(wang POST /v1/obligations/query -H 'Content-Type: application/json' --data '{"case":"none"}')" != 401 ] &&
		! body_is '.code == "auth.password"' &&
		[ "$(by_password sun 'correct horse of sun' POST /v1/obligations/query -H 'Content-Type: application/json' --data '{"case":"none"}')" = "$(
			wang POST /v1/obligations/query -H 'Content-Type: application/json' --data '{"case":"none"}')" ]
}

last_login() {
	wang GET /v1/account >/dev/null && body_is '.name == "wang" and .person and .roles == ["operator", "system_administrator"]' &&
		BIDUI_SERVER=https://127.0.0.1:$https_port BIDUI_CERT= BIDUI_KEY= "$build/bidui" account show --account wang \
			--password-file "$work/wang.password" >"$work/out" && grep -q system_administrator "$work/out"
}

password_in_clear() {
	base=http://127.0.0.1:$http_port expect 403 auth.plaintext wang GET /v1/account
}

# Five wrong ones in a row, and then the right one has to wait too; so does a name that there is not.
locked_out() {
	local name=$1 right=$2 i
	for i in 1 2 3 4 5; do
		expect 401 auth.password by_password "$name" wrong GET /v1/account || return 1
	done
	grep -qi '^www-authenticate: Basic realm="bidui"' "$work/head" || return 1
	expect 429 auth.locked by_password "$name" "$right" GET /v1/account &&
		[ "$(sed -n 's/^retry-after: \([0-9]*\).*/\1/Ip' "$work/head")" -ge 1 ]
}

# Disabled, and another password: as soon as the gateway has read it.
disabled() {
	[ "$(by_password zhao 'correct horse of zhao' GET /v1/trail/head)" = 200 ] && account wang disable zhao && reload &&
		expect 401 auth.password by_password zhao 'correct horse of zhao' GET /v1/trail/head &&
		account zhao enable zhao && account short list && reload && [ "$(by_password zhao 'correct horse of zhao' GET /v1/trail/head)" = 200 ]
}

other_password() {
	account li passwd zhao && reload && expect 401 auth.password by_password zhao 'correct horse of zhao' GET /v1/trail/head &&
		[ "$(by_password zhao 'correct horse of li' GET /v1/trail/head)" = 200 ]
}

reload() {
	local before
	before=$(grep -c reload.done "$work/biduid.log")
	kill -HUP "$bidui_pid"
	for _ in $(seq 100); do
		[ "$(grep -c reload.done "$work/biduid.log")" = "$before" ] || return 0
		read -r -t 0.1 <> <(:) || true
	done
	return 1
}

# Neither a password nor its Basic form in what the gateway writes.
nothing_of_passwords() {
	! grep -raqE "correct horse|$(printf 'wang:correct horse of' | base64 | cut -c 1-20)" "$work/data" "$work/biduid.log"
}

open_accounts_file() {
	chmod 640 "$work/accounts"
	"$build/biduid" --config "$work/bidui.conf" --check >"$work/out" 2>&1
	local got=$?
	chmod 600 "$work/accounts"
	[ $got = 4 ] && grep -q 'accounts: accounts_file can be read by others: chmod 600' "$work/out"
}

make_keys
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
write_settings 0 0
make_senders
issued proxy ours /CN=proxy
make_accounts || { echo 'Bail out! no accounts'; cat "$work/err"; exit 1; }
printf 'accounts_file = %s\n' "$work/accounts" >>"$work/bidui.conf"
printf 'listen_proxy = 127.0.0.1:0\nproxy_pins = %s\n' "$(spki_pin "$work/tls/proxy.crt")" >>"$work/bidui.conf"
if ! start_gateway; then
	echo 'Bail out! the gateway did not start'
	tail -n 20 "$work/biduid.log" | sed 's/^/# /'
	exit 1
fi
check 'known by issuer and SAN' asked named GET /v1/status 200
check 'the same SAN of another authority is nobody' asked imitator GET /v1/status 401 auth.unknown
check 'a common name beside other SANs names nobody' asked common GET /v1/status 401 auth.unknown
check 'known by issuer and serial' asked numbered GET /v1/status 200
check 'the same serial of another authority is nobody' asked renumbered GET /v1/rejects 401 auth.unknown
check 'an auditor sees the head of the trail' asked auditor GET /v1/trail/head 200
check 'and nothing else' asked auditor GET /v1/status 403 auth.role
check 'nor compares' asked auditor POST /v1/compare 403 auth.role

proxy_port=$(sed -n 's/^proxy=//p' "$work/ports")
check 'a signed request is its sender'"'"'s' until_signatures_count
check 'by the next key too' second_key
check 'another key with that id is nobody' expect 401 auth.signature signed GET /v1/status - --key-file "$work/platform-b.key"
check 'an unknown key is nobody' expect 401 auth.signature signed GET /v1/status - --key-id 2026-c
check 'signed too long ago' expect 401 auth.time signed GET /v1/status - --created "$(($(date +%s) - 130))"
check 'signed too far ahead' expect 401 auth.time signed GET /v1/status - --created "$(($(date +%s) + 130))"
check 'a nonce counts once' replayed
check 'the path is covered' expect 401 auth.signature signed GET /v1/status - --cover '@method,@query,content-digest,content-type'
check 'the content type is covered' expect 401 auth.signature signed GET /v1/status - --cover '@method,@path,@query,content-digest'
check 'a purpose is covered' unsigned_purpose
check 'nothing comes of another body than the signed one' other_body
check 'nor of other lines' other_lines
check 'a wrong signature is not made good by a certificate' no_falling_back
check 'a signed request has the roles of its sender' expect 403 auth.role signed POST /v1/subjects/erase -
check 'a key file that others can read is refused' open_key_file
check 'a platform pushes by its own headers, from its own certificate' status_is 200 platform_pushes gov
check 'its rid counts once' platform_replayed
check 'what it signed long ago, or far ahead, does not count' platform_out_of_time
check 'nor with another secret, or for another sid' platform_forged
check 'another certificate is not the platform'"'"'s' expect 401 auth.signature platform_pushes named
check 'nor is none' expect 401 auth.signature platform_pushes -
check 'nor does a plaintext connection count' platform_in_clear
check 'a platform only pushes' platform_only_pushes
check 'and only to its sources' platform_of_others
check 'a proxy says whose certificate it verified' status_is 200 by_proxy proxy -H "$(forwarded named)"
check 'as nginx writes it too' status_is 200 by_proxy proxy -H "$(escaped named)"
check 'with the roles of that sender' expect 403 auth.role by_proxy proxy -H "$(forwarded auditor)"
check 'and its issuer' expect 401 auth.unknown by_proxy proxy -H "$(forwarded imitator)"
check 'a proxy by itself is nobody' expect 401 auth.unknown by_proxy proxy
check 'a header that stands twice is refused' stood_twice
check 'one that is no certificate is refused' expect 403 auth.proxy by_proxy proxy -H 'Client-Cert: :AAAA:'
check 'a listed sender is no proxy' expect 403 auth.proxy by_proxy named -H "$(forwarded numbered)"
check 'nor is who has no certificate' no_certificate
check 'the header counts on no other listener' expect 403 auth.proxy ask GET /v1/status -H "$(forwarded named)"
check 'not even from the proxy' expect 403 auth.proxy env_as proxy
check 'nor on the plaintext one' plaintext_header

check 'people are added to a file of accounts' people_are_listed
check 'neither twice, nor as machines, nor with a short password' what_is_not_added
check 'a person by a password' status_is 200 wang GET /v1/status
check 'and the body of the request' body_waits
check 'who sees when they were last here' last_login
check 'with the roles of the account' expect 403 auth.role wang POST /v1/compare
check 'a wrong password is nobody' expect 401 auth.password by_password wang 'correct horse of li' GET /v1/account
check 'nor is an empty one' expect 401 auth.password by_password wang '' GET /v1/account
check 'no password without TLS' password_in_clear
check 'no other scheme' expect 401 auth.unknown plain GET /v1/account -H 'Authorization: Bearer x'
check 'a certificate does not make a wrong password good' expect 401 auth.password ask GET /v1/status -H 'Authorization: Basic d2FuZzp4'
check 'wrong passwords in a row have to wait' locked_out sun 'correct horse of sun'
check 'those of a name that there is not too' locked_out nobody x
check 'a disabled account is none after a reload, and one again when enabled' disabled
check 'a changed password counts after a reload' other_password
check 'nothing of a password is written' nothing_of_passwords
check 'a file of accounts that others can read is refused' open_accounts_file
check 'a batch is one request, and its lines have a limit of their own' a_batch_is_one_request
check 'who asks too often waits' too_often
check 'too many different subjects, a line at a time' too_many_subjects
check 'too many values of one field of one subject' too_many_values
check 'a reload counts on' counts_go_on
check 'refusals are counted by sender and limit' limits_are_counted
check 'and entered into the trail' limits_are_entered

conflict_is_told() { # ROLES TEXT
	sed "s/^roles = auditor\$/roles = $1/" "$work/senders" >"$work/senders.bad"
	sed "s#^senders_file = .*#senders_file = $work/senders.bad#" "$work/bidui.conf" >"$work/bad.conf"
	"$build/biduid" --config "$work/bad.conf" --check >"$work/out" 2>&1
	[ $? = 4 ] && grep -qE "^senders.bad:[0-9]+:$2" "$work/out" || { cat "$work/out"; return 1; }
}
check 'an operator is no auditor' conflict_is_told 'operator auditor' "18: nobody is 'operator' and 'auditor'"
check 'nobody is two of the three administrators' conflict_is_told 'system_administrator audit_administrator' \
	"30: nobody is 'system_administrator' and 'audit_administrator'"
check 'the gateway ends in order' stop_gateway

# -- changes that two people agree on --

change() { # NAME show|propose DIGEST|approve DIGEST: bidui change by that person; the answer in $work/out
	local name=$1 file=${password:-$1}
	shift
	BIDUI_SERVER=https://127.0.0.1:$https_port BIDUI_CERT= BIDUI_KEY= "$build/bidui" change "$@" -o json --account "$name" \
		--password-file "$work/$file.password" >"$work/out" 2>"$work/err"
}

shown() { # MEMBER, by the auditor whose password is li's by now
	password=li change zhao show && jq -r "$1" "$work/out"
}

refused() { # CODE NAME COMMAND...
	local code=$1
	shift
	change "$@"
	[ $? = 5 ] && jq -e ".code == \"$code\"" "$work/out" || { cat "$work/out" "$work/err"; return 1; }
}

# A reload that is not taken says so and leaves everything as it was.
reload_refused() {
	local before left=100
	before=$(grep -c reload.unapproved "$work/biduid.log")
	kill -HUP "$bidui_pid"
	while [ "$left" -gt 0 ] && [ "$(grep -c reload.unapproved "$work/biduid.log")" = "$before" ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ "$left" -gt 0 ] && [ "$(shown .running)" = "$approved" ]
}

begun() {
	grep -q approval.begun "$work/biduid.log" && [ "$(shown '.required, .fault' | tr '\n' ' ')" = 'true  ' ] || return 1
	approved=$(shown .approved.digest)
	[ "$(shown .running)" = "$approved" ] && [ "$(shown .on_disk)" = "$approved" ] && [ "$(shown .proposed)" = null ]
}

# A sender more in the file is nobody until two people agree.
unapproved_sender() {
	cp "$work/senders" "$work/senders.approved"
	issued late ours /CN=late 'subjectAltName=DNS:late.example'
	printf '\n[late]\ncertificate_issuer = %s\ncertificate_name = late.example\nroles = engine\n' "$(issuer_of late)" >>"$work/senders"
	reload_refused && asked late GET /v1/status 401 auth.unknown
}

own_change() { # Who proposed it does not approve it, not even as a security administrator.
	change li propose "$(shown .on_disk)" && refused change.same_person li approve "$(shown .on_disk)" && asked late GET /v1/status 401
}

# After the proposal one line more: what was proposed is no longer what would be read.
changed_again() {
	local digest
	digest=$(shown .on_disk)
	printf '# one line more\n' >>"$work/senders"
	refused change.digest li approve "$digest" && refused change.digest li approve "$(shown .on_disk)" && asked late GET /v1/status 401
}

agreed() {
	local left=100
	change wang propose "$(shown .on_disk)" && change li approve "$(shown .on_disk)" || { cat "$work/out" "$work/err"; return 1; }
	while [ "$left" -gt 0 ] && [ "$(as=late ask GET /v1/status)" != 200 ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ "$left" -gt 0 ] && approved=$(shown .running) && [ "$(shown '.approved | .proposed_by + " " + .approved_by')" = 'wang li' ]
}

# Each of them alone would give somebody more than was agreed.
other_files() {
	cp "$work/platform-a.key" "$work/key.kept" && cp "$work/bidui.conf" "$work/conf.kept" && cp "$work/accounts" "$work/accounts.kept"
	(umask 077 && openssl rand -hex 32 >"$work/platform-a.key")
	reload_refused || { echo key; return 1; }
	cp "$work/key.kept" "$work/platform-a.key"
	account wang add chen --roles security_administrator && reload_refused &&
		expect 401 auth.password by_password chen 'correct horse of wang' GET /v1/account || { echo account; return 1; }
	cp "$work/accounts.kept" "$work/accounts"
	sed -i '/^two_person_approval/d' "$work/bidui.conf"
	reload_refused || { echo setting; return 1; }
	cp "$work/conf.kept" "$work/bidui.conf"
	reload
}

# A start is no way round: it ends with 4 and says what to do.
start_refused() { # EXIT TEXT
	local got
	timeout 60 "$build/biduid" --config "$work/bidui.conf" >"$work/out" 2>&1
	got=$?
	[ "$got" = "$1" ] && grep -q "$2" "$work/out" || { echo "exit $got"; cat "$work/out"; return 1; }
}

restarted() {
	stop_gateway || return 1
	cp "$work/senders" "$work/senders.kept"
	printf '# unapproved\n' >>"$work/senders"
	start_refused 4 '未经两人批准' || return 1
	cp "$work/senders.kept" "$work/senders"
	sed 's/^two_person_approval.*//' "$work/bidui.conf" >"$work/conf.kept" && cp "$work/bidui.conf" "$work/conf.good" && cp "$work/conf.kept" "$work/bidui.conf"
	start_refused 4 '未经两人批准' || return 1
	cp "$work/conf.good" "$work/bidui.conf"
	# An approval of one's own making.
	cp "$work/data/approvals" "$work/approvals.kept"
	sed -i "s/ - -\$/ x y/; s/^approved [0-9a-f]\{8\}/approved 00000000/" "$work/data/approvals"
	start_refused 1 '审批记录被改动' || return 1
	cp "$work/approvals.kept" "$work/data/approvals"
	start_gateway && proxy_port=$(sed -n 's/^proxy=//p' "$work/ports") && [ "$(shown .running)" = "$approved" ] && asked late GET /v1/status 200
}

# Approval ends by approval.
ended() {
	local left=100
	sed -i 's/^two_person_approval.*/two_person_approval = no/' "$work/bidui.conf"
	# While the master key is another, nothing comes into force, and so approval does not end.
	cp -p "$work/master.key" "$work/master.kept" && openssl rand -hex 32 >"$work/master.key" || return 1
	change wang propose "$(shown .on_disk)" && change li approve "$(shown .on_disk)" || return 1
	while [ "$left" -gt 0 ] && ! grep -q '"event":"reload.refused","code":"store.key"' "$work/biduid.log"; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ "$left" -gt 0 ] && [ "$(shown .required)" = true ] && [ -e "$work/data/approvals" ] || return 1
	cp -p "$work/master.kept" "$work/master.key" && kill -HUP "$bidui_pid" || return 1
	while [ "$left" -gt 0 ] && [ "$(shown .required)" != false ]; do
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	[ "$left" -gt 0 ] && refused change.off wang propose "$(shown .on_disk)" && [ ! -e "$work/data/approvals" ]
}

change_is_entered() {
	grep -rqaF proposed "$work/data/trail" && grep -rqaF approved "$work/data/trail" && grep -rqaF change.same_person "$work/data/trail"
}

printf 'two_person_approval = yes\n' >>"$work/bidui.conf"
if ! start_gateway; then
	echo 'Bail out! the gateway did not start with approval'
	tail -n 20 "$work/biduid.log" | sed 's/^/# /'
	exit 1
fi
check 'the first start with approval takes what is there' begun
check 'what nobody approved is not taken' unapproved_sender
check 'an operator proposes nothing' refused auth.role sun propose "$approved"
check 'nor does a machine' asked named POST "/v1/change/propose?digest=$approved" 403 auth.role
check 'a digest that is not that of the files' refused change.digest wang propose "$(printf '%064d' 0)"
check 'what is approved is not proposed' refused change.digest wang propose "$approved"
check 'who proposed does not approve' own_change
check 'a system administrator approves nothing' refused auth.role wang approve "$(shown .on_disk)"
check 'files that changed after the proposal are another change' changed_again
check 'proposed by one and approved by another it is in force' agreed
check 'keys, accounts and the setting itself are changes too' other_files
check 'a restart is no way round, nor is an approval of one'"'"'s own making' restarted
check 'every step is on the trail' change_is_entered
check 'approval ends by approval' ended
check 'the gateway with approval ends in order' stop_gateway
echo "1..$count"
