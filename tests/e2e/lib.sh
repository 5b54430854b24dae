# lib.sh - a gateway of its own for a script: keys, settings, start, readiness, stop; and how scripts
# ask it and check what it says.
#
# Sourced with `top` (source), `build` (build folder) and `work` (a folder that is ours) set.
# Everything started here is stopped by its process id.

bidui_pid=
# What biduid is started by: a program and its arguments before biduid's own.
run_under=()

# An EC key and a certificate for it, signed by ca, for what bidui pki would not make.
# make_certificate NAME SUBJECT EXTENSIONS
make_certificate() {
	local name=$1 subject=$2 extensions=$3
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/tls/$name.key" 2>/dev/null
	chmod 600 "$work/tls/$name.key"
	openssl req -new -key "$work/tls/$name.key" -subj "$subject" -out "$work/tls/$name.csr" 2>/dev/null
	openssl x509 -req -in "$work/tls/$name.csr" -CA "$work/tls/ca.crt" -CAkey "$work/tls/ca.key" \
		-CAcreateserial -days 365 -extfile <(printf '%s\n' "$extensions") \
		-out "$work/tls/$name.crt" 2>/dev/null
	rm -f "$work/tls/$name.csr"
}

# Development keys only: the CA, the gateway and one client that may do everything.
make_keys() {
	chmod 700 "$work"
	if [ ! -f "$work/tls/client.crt" ]; then
		{
			"$build/bidui" pki init --folder "$work/tls" &&
				"$build/bidui" pki server server DNS:localhost IP:127.0.0.1 --folder "$work/tls" &&
				"$build/bidui" pki department client DNS:demo.client.invalid --folder "$work/tls"
		} >/dev/null 2>&1 || echo 'bidui pki failed' >&2
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

# Each matter; then each entity, and its fields: * and those that are sensitive.
matters_and_fields() {
	find "${schemas:-$top/schemas}/matters" ${sandbox:+"$sandbox/matters"} -name matter.xml -printf '%h\n' |
		sed 's|.*/||' | sort -u
	awk -F '"' '/<entity /{ if (entity) print entity, fields; entity = $4; fields = "*" }
		/ sensitivity="sensitive"/{ fields = fields " " $4 }
		END { print entity, fields }' "${schemas:-$top/schemas}/common.xml"
}

# write_grants SENDER...: for the purpose that ask and bidui state unless told otherwise, one grant of each matter, also
# of those in $sandbox, and of all fields. On stdout.
purpose=verification
write_grants() {
	local sender name fields n=0 rest='disclosure="values" basis="SAMPLE-2026-001" from="2026-01-01" until="2099-12-31"'
	echo '<?xml version="1.0" encoding="UTF-8"?>'
	echo '<grants given-by-zh="示例区政务服务和数据管理局" given-by-en="Data Administration of the Example District">'
	for sender in "$@"; do
		while read -r name fields; do
			n=$((n + 1))
			printf ' <grant id="G%d" sender="%s" purpose="%s" %s %s/>\n' "$n" "$sender" "$purpose" \
				"$(if [ -z "$fields" ]; then echo "matter=\"$name\""
				else echo "entity=\"$name\" fields=\"$fields\" identifiers=\"true\""; fi)" "$rest"
		done < <(matters_and_fields)
	done
	echo '</grants>'
}

# write_settings HTTPS-PORT HTTP-PORT
write_settings() {
	cat >"$work/senders" <<END
[demo]
spki_pin = $(spki_pin "$work/tls/client.crt")
roles = department engine operator
sources = ${sources:-market medical social tax}
END
	write_grants demo >"$work/grants.xml"
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
grants_file = $work/grants.xml
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
				export BIDUI_KEY="$work/tls/client.key" BIDUI_PURPOSE="$purpose"
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

# -- nothing personal in clear --

# Every number and name of the samples and cases, and of the files that a script made itself ($identity_files): people,
# organizations, places. All of them are invented, and so named.
list_identities() {
	local file
	for file in "$top"/adapters/*/samples/* "$top"/schemas/matters/*/cases/*.json "$top"/tests/adapters/cases/* \
		${identity_files-}; do
		case $file in
		*gb18030*) iconv -f GB18030 -t UTF-8 "$file" ;;
		*) cat "$file" ;;
		esac
	done 2>/dev/null | grep -oaP '\b([1-9][0-9]{16}[0-9Xx]|9[0-9]440[0-9]{3}[0-9A-Z]{10}|[1-9][0-9]{14})\b|[\p{Han}·]*示例[\p{Han}·]+|[\p{Han}·]+示例' |
		sort -u
}

# What is written, said and answered in all: the log, the data folder, figures, and every problem that `ask` was answered.
# An answer that lawfully has values is none of these. False, naming the file, when one of them stands there in clear, in
# UTF-8 or GB18030.
nothing_personal_in_clear() {
	local found
	if [ ! -s "$work/identities" ] || [ -n "${identity_files-}" ]; then
		list_identities >"$work/identities.utf8"
		{ cat "$work/identities.utf8" && iconv -f UTF-8 -t GB18030 "$work/identities.utf8"; } | LC_ALL=C sort -u >"$work/identities"
	fi
	[ "$(wc -l <"$work/identities")" -gt 100 ] || { echo 'Bail out! the samples name nobody'; return 1; }
	# salts: a gigabyte of holes and random bytes.
	touch "$work/said"
	found=$(LC_ALL=C grep -raoF --exclude=salts -m 1 -f "$work/identities" "$work/biduid.log" "$work/said" "$work/data" \
		2>"$work/scan.err" | head -n 3) || true
	[ ! -s "$work/scan.err" ] || { echo 'Bail out! not everything could be looked through' && cat "$work/scan.err"; return 1; }
	[ -z "$found" ] || { echo 'Bail out! somebody stands in clear' && printf '%s\n' "$found" | sed "s|$work/|# |"; return 1; }
}

# Stops biduid and waits for it. False when it did not end in order: its exit code, a leak or a fault of its own or
# of a worker; or when it left somebody's number or name in clear. A script that does not look at that is bailed out by it.
# looks_for_nobody: what it left is not looked through.
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
	[ -n "${looks_for_nobody-}" ] || nothing_personal_in_clear
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

# -- departments that stand in (tests/stand_in) --
stand_in_pid=

# start_stand_in ARGUMENT...: in $work/stand-in; $stand_in_http is its plain port, the others by stand_in_port.
start_stand_in() {
	local left=300
	python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
	rm -f "$work/stand-in/ports"
	"$python" "$top/tests/stand_in" "$work/stand-in" "$@" >/dev/null 2>"$work/stand-in.err" &
	stand_in_pid=$!
	while [ "$left" -gt 0 ] && [ ! -s "$work/stand-in/ports" ]; do
		kill -0 "$stand_in_pid" 2>/dev/null || { sed 's/^/# /' "$work/stand-in.err"; return 1; }
		left=$((left - 1))
		read -r -t 0.1 <> <(:) || true
	done
	stand_in_http=$(stand_in_port http)
	[ -n "$stand_in_http" ]
}

stand_in_port() { # http https expired wrong-name stranger control
	sed -n "s/^$1=//p" "$work/stand-in/ports"
}

# control [CURL-ARGUMENT...] WHAT: its control port; the answer in $work/control.
control() {
	curl -sS --fail-with-body --max-time 20 -o "$work/control" "${@:1:$#-1}" "http://127.0.0.1:$(stand_in_port control)/${*: -1}"
}

stop_stand_in() {
	[ -z "$stand_in_pid" ] || { kill "$stand_in_pid" 2>/dev/null; wait "$stand_in_pid" 2>/dev/null; }
	stand_in_pid=
}

# -- tests --

# eventually COMMAND...: within a quarter of a minute, or $within tenths of a second.
eventually() {
	local left=${within:-150}
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

# The gateway reads its configuration again.
reload() {
	local before
	before=$(grep -c '"event":"reload.done"' "$work/biduid.log")
	kill -HUP "$bidui_pid"
	eventually has_reloaded "$before"
}
has_reloaded() { # COUNT: more often than that
	[ "$(grep -c '"event":"reload.done"' "$work/biduid.log")" -gt "$1" ]
}

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
# certificate it is asked with, $purpose the purpose that is stated; empty: none.
ask() {
	local method=$1 path=$2 got=0 stated=(-H "Bidui-Purpose: $purpose")
	shift 2
	case "$*" in *Bidui-Purpose:*) stated=() ;; esac
	[ -n "$purpose" ] || stated=()
	curl -s --max-time 30 --cacert "$work/tls/ca.crt" --cert "$work/tls/${as:-client}.crt" \
		--key "$work/tls/${as:-client}.key" -X "$method" -o "$work/body" -D "$work/head" -w '%{http_code}' \
		"${stated[@]}" "$@" "https://127.0.0.1:$https_port$path" || got=$?
	# For nothing_personal_in_clear.
	if [ "$path" = /metrics ] || grep -qi '^content-type: application/problem' "$work/head" 2>/dev/null; then
		cat "$work/body" >>"$work/said" 2>/dev/null || true
	fi
	return "$got"
}

# push FEED FILE [QUERY [CURL-ARGUMENT...]]
push() {
	local feed=$1 file=$2 query=${3-}
	shift 2
	[ $# -eq 0 ] || shift
	ask POST "/v1/sources/$feed$query" -H 'Expect:' --data-binary "@$file" "$@"
}

query() {
	ask POST /v1/identities/query -H 'Content-Type: application/json' --data "{\"subject\":$1}"
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
