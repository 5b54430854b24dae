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
END
}

asked() { # CERTIFICATE METHOD PATH STATUS [CODE]
	local got
	got=$(as=$1 ask "$2" "$3")
	[ "$got" = "$4" ] && { [ -z "${5-}" ] || body_is ".code == \"$5\""; } || { echo "status $got"; return 1; }
}


make_keys
write_settings 0 0
make_senders
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
echo "1..$count"
