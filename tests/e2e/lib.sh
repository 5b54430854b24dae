# lib.sh - a gateway of its own for a script: keys, settings, start, readiness, stop; and how scripts
# ask it and check what it says.
#
# Sourced with `top` (source), `build` (build folder) and `work` (a folder that is ours) set.
# Everything started here is stopped by its process id.

bidui_pid=
# What biduid is started by: a program and its arguments before biduid's own.
run_under=()

# An EC key and a certificate for it. make_certificate NAME SUBJECT EXTENSIONS: signed by ca, or by itself
# when NAME is ca.
make_certificate() {
	local name=$1 subject=$2 extensions=$3
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/tls/$name.key" 2>/dev/null
	chmod 600 "$work/tls/$name.key"
	if [ "$name" = ca ]; then
		openssl req -x509 -new -key "$work/tls/ca.key" -subj "$subject" -days 365 \
			-addext "$extensions" -out "$work/tls/ca.crt" 2>/dev/null
		return
	fi
	openssl req -new -key "$work/tls/$name.key" -subj "$subject" -out "$work/tls/$name.csr" 2>/dev/null
	openssl x509 -req -in "$work/tls/$name.csr" -CA "$work/tls/ca.crt" -CAkey "$work/tls/ca.key" \
		-CAcreateserial -days 365 -extfile <(printf '%s\n' "$extensions") \
		-out "$work/tls/$name.crt" 2>/dev/null
	rm -f "$work/tls/$name.csr"
}

# Development keys only: the CA, the gateway and one client that may do everything.
make_keys() {
	mkdir -p "$work/tls"
	chmod 700 "$work" "$work/tls"
	if [ ! -f "$work/tls/client.crt" ]; then
		make_certificate ca '/CN=bidui development CA' 'keyUsage=critical,keyCertSign,cRLSign'
		make_certificate server '/CN=localhost' 'subjectAltName=DNS:localhost,IP:127.0.0.1'
		make_certificate client '/CN=demo' 'subjectAltName=DNS:demo.client.invalid
extendedKeyUsage=clientAuth'
	fi
	if [ ! -f "$work/master.key" ]; then
		(umask 077 && openssl rand -hex 32 >"$work/master.key")
	fi
	if [ ! -f "$work/signing.key" ]; then
		(umask 077 && openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${signing_curve:-P-256}" \
			-out "$work/signing.key" 2>/dev/null)
		openssl pkey -in "$work/signing.key" -pubout -out "$work/signing.pub"
	fi
}

# SHA-256 over the DER public key: how a sender is recognised.
spki_pin() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER 2>/dev/null |
		openssl dgst -sha256 -r | cut -d' ' -f1
}

# write_settings HTTPS-PORT HTTP-PORT
write_settings() {
	cat >"$work/senders" <<END
[demo]
spki_pin = $(spki_pin "$work/tls/client.crt")
roles = department engine operator
sources = ${sources:-market medical social tax}
END
	cat >"$work/bidui.conf" <<END
listen = 127.0.0.1:$1
listen_plaintext = 127.0.0.1:$2
tls_certificate = $work/tls/server.crt
tls_key = $work/tls/server.key
tls_ca = $work/tls/ca.crt
data_folder = $work/data
master_key_file = $work/master.key
signing_key_file = $work/signing.key
trail_segment_bytes = ${trail_segment_bytes:-1048576}
adapters_folder = ${adapters:-$top/adapters}
schemas_folder = ${schemas:-$top/schemas}
senders_file = $work/senders
run_as_user = $(id -un)
worker_path = ${worker:-$build/bidui-worker}
port_file = $work/ports
free_min_bytes = 67108864
free_min_percent = 0
END
}

# Is something already listening there?
port_is_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts biduid and waits until it is ready, or says why not. A wait is a poll of /readyz with a bound.
start_gateway() {
	local left=300
	mkdir -p "$work/data"
	chmod 700 "$work/data"
	rm -f "$work/ports"
	BIDUI_OPENAPI="$build/openapi.json" "${run_under[@]}" "$build/biduid" --config "$work/bidui.conf" >"$work/biduid.log" 2>&1 &
	bidui_pid=$!
	while [ "$left" -gt 0 ]; do
		if ! kill -0 "$bidui_pid" 2>/dev/null; then
			wait "$bidui_pid" || true
			bidui_pid=
			return 1
		fi
		if [ -s "$work/ports" ]; then
			https_port=$(sed -n 's/^https=//p' "$work/ports")
			http_port=$(sed -n 's/^http=//p' "$work/ports")
			if curl -fsS --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
				--key "$work/tls/client.key" -o "$work/readyz" \
				"https://127.0.0.1:$https_port/readyz" 2>/dev/null; then
				export BIDUI_SERVER="https://127.0.0.1:$https_port"
				export BIDUI_CA="$work/tls/ca.crt" BIDUI_CERT="$work/tls/client.crt"
				export BIDUI_KEY="$work/tls/client.key"
				return 0
			fi
		fi
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	return 1
}

# A script that cannot begin says why, and that it did not run.
start_or_bail() {
	if ! start_gateway; then
		echo 'Bail out! the gateway did not start'
		tail -n 20 "$work/biduid.log" | sed 's/^/# /'
		exit 1
	fi
}

push_samples_or_bail() {
	push_samples "$top/tests/e2e/samples.tsv" || { echo 'Bail out! the samples were not taken'; exit 1; }
}

# What a sanitizer, or biduid of a worker that was told to end, writes when something was wrong.
unclean='worker\.ended|(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:'

# Stops biduid and waits for it. False when it did not end in order: its exit code, a leak or a fault of its own or
# of a worker. A script that does not look at that is bailed out by it.
stop_gateway() {
	local got=0
	if [ -z "$bidui_pid" ]; then
		return 0
	fi
	kill -TERM "$bidui_pid" 2>/dev/null || true
	wait "$bidui_pid" 2>/dev/null || got=$?
	bidui_pid=
	if [ "$got" -ne 0 ] || grep -qE "$unclean" "$work/biduid.log"; then
		echo "Bail out! the gateway did not end in order: exit $got"
		grep -E -A 30 "$unclean" "$work/biduid.log" | head -n 60 | sed 's/^/# /'
		return 1
	fi
}

# Columns a text takes on a terminal: a character of three bytes or more takes two.
text_width() {
	local text=$1 chars=${#1} bytes
	local LC_ALL=C
	bytes=${#text}
	echo $((chars + (bytes - chars) / 2))
}

# pad TEXT COLUMNS
pad() {
	printf '%s%*s' "$1" $(($2 - $(text_width "$1") > 0 ? $2 - $(text_width "$1") : 0)) ''
}

# One line a table file FILE<TAB>FEED<TAB>DELIVERY<TAB>TOTAL<TAB>EXIT; `-` is none.
# push_samples LIST: pushes them all in the order of the list, false when one ended otherwise.
push_samples() {
	local file feed delivery total expected got good=0
	while IFS=$'\t' read -r file feed delivery total expected; do
		case $file in '' | '#'*) continue ;; esac
		local -a options=(--source "${feed%%/*}" --feed "${feed#*/}")
		[ "$delivery" = - ] || options+=(--delivery "$delivery" --baseline)
		[ "$total" = - ] || options+=(--total "$total")
		got=0
		"$build/bidui" push "${options[@]}" "${adapters:-$top/adapters}/$file" \
			>"$work/push.out" 2>"$work/push.err" || got=$?
		if [ "$got" -ne "$expected" ]; then
			printf '%s: exit %s, expected %s\n' "$file" "$got" "$expected" >&2
			cat "$work/push.out" "$work/push.err" >&2
			good=1
		fi
	done <"$1"
	return "$good"
}

# -- tests --
count=0

# check NAME COMMAND...: one test.
check() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/check.out" 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		head -c 2000 "$work/check.out" | sed 's/^/# /'
		[ ! -s "$work/body" ] || { head -c 2000 "$work/body" && echo; } | sed 's/^/# body /'
	fi
}

# ask METHOD PATH [CURL-ARGUMENT...]: the body in $work/body, its head in $work/head, its status on stdout. $as is whose
# certificate it is asked with.
ask() {
	local method=$1 path=$2
	shift 2
	curl -s --max-time 30 --cacert "$work/tls/ca.crt" --cert "$work/tls/${as:-client}.crt" \
		--key "$work/tls/${as:-client}.key" -X "$method" -o "$work/body" -D "$work/head" -w '%{http_code}' "$@" "https://127.0.0.1:$https_port$path"
}

# push FEED FILE [QUERY [CURL-ARGUMENT...]]
push() {
	local feed=$1 file=$2 query=${3-}
	shift 2
	[ $# -eq 0 ] || shift
	ask POST "/v1/sources/$feed$query" -H 'Expect:' --data-binary "@$file" "$@"
}

query() {
	ask POST /v1/identities/query -H 'Content-Type: application/json' -H 'Bidui-Purpose: test' \
		--data "{\"subject\":$1}"
}

compare() {
	jq .question "$1" >"$work/question.json"
	ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json"
}

body_is() { # JQ-FILTER: true of the last body
	jq -e "$1" "$work/body"
}

expect() { # STATUS CODE COMMAND...: status and stable code of a refusal
	local status=$1 code=$2 got
	shift 2
	got=$("$@")
	[ "$got" = "$status" ] && body_is ".code == \"$code\"" || { echo "status $got"; return 1; }
}

status_is() {
	local want=$1 got
	shift
	got=$("$@")
	[ "$got" = "$want" ] || { echo "status $got"; return 1; }
}
