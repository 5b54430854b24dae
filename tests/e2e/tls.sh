#!/usr/bin/env bash
# tls.sh - certificates as an office handles them: made, renewed and revoked by bidui pki, and a running gateway that
# notices by itself. TAP. Waits are for what the gateway says or does, never for a time.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-.}
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
live=
trap 'stop_live; stop_gateway; rm -rf "$work"' EXIT

pki() {
	"$build/bidui" --lang zh pki "$@" --folder "$work/tls"
}

# until_true COMMAND...: at most 20 s.
until_true() {
	local left=200
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { echo "not within 20 s: $*"; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
}

in_log() { grep -qF -e "$1" "$work/biduid.log"; }
log_lines() { grep -cF -e "$1" "$work/biduid.log"; }
metric() { # NAME
	curl -s --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/metrics" | grep -F "$1 " | grep -v '^#' | cut -d' ' -f2
}
# A certificate that is taken: whoever it is, the health is told.
is_let_in() { [ "$(as=$1 ask GET /livez)" = 200 ]; }
is_shut_out() { [ "$(as=$1 ask GET /livez)" = 000 ]; }

# A connection that stays open and says nothing.
start_live() {
	[ -p "$work/live.in" ] || mkfifo "$work/live.in"
	openssl s_client -quiet -connect "127.0.0.1:$https_port" -CAfile "$work/tls/ca.crt" -cert "$work/tls/$1.crt" \
		-key "$work/tls/$1.key" <"$work/live.in" >"$work/live.out" 2>/dev/null &
	live=$!
	exec 8>"$work/live.in"
	printf 'GET /livez HTTP/1.1\r\nHost: t\r\n\r\n' >&8
	until_true grep -q '^ok' "$work/live.out"
}
stop_live() {
	[ -z "$live" ] || kill "$live" 2>/dev/null
	exec 8>&-
	live=
}

# -- a clock that can be moved --

# A sanitized biduid takes no preloaded library.
has_clock() {
	! grep -q '^BD_CFLAGS = .*-fsanitize' "$build/Makefile" &&
		cc -shared -fPIC -D_GNU_SOURCE -o "$work/ahead.so" "$top/tests/e2e/ahead.c" -ldl
}

# Written over in its place: biduid has the file mapped.
ahead() { # SECONDS: from now on the gateway's clock is so far ahead
	printf '%-12s' "$1" 1<>"$work/ahead"
}

# -- bidui pki --

keys_are_private() {
	local file
	for file in "$work"/tls/*.key; do
		[ "$(stat -c %a "$file")" = 600 ] || { echo "$file"; return 1; }
	done
	[ "$(stat -c %a "$work/tls")" = 700 ]
}

certificates_have_their_use() {
	openssl verify -CAfile "$work/tls/ca.crt" -purpose sslserver -x509_strict "$work/tls/server.crt" &&
		openssl verify -CAfile "$work/tls/ca.crt" -purpose sslclient -x509_strict "$work/tls/client.crt" &&
		! openssl verify -CAfile "$work/tls/ca.crt" -purpose sslclient "$work/tls/server.crt" &&
		! openssl verify -CAfile "$work/tls/ca.crt" -purpose sslserver "$work/tls/client.crt" &&
		openssl x509 -in "$work/tls/server.crt" -noout -ext subjectAltName | grep -q 'IP Address:127.0.0.1'
}

nothing_is_written_over() {
	local before
	before=$(cat "$work"/tls/*)
	! pki department client && ! pki init && [ "$(cat "$work"/tls/*)" = "$before" ] &&
		! pki department ../outside && ! pki department odd NAME:x && [ ! -e "$work/outside.crt" ]
}

renewal_keeps_the_key() {
	local pin serial
	pin=$(spki_pin "$work/tls/other.crt")
	serial=$(openssl x509 -in "$work/tls/other.crt" -noout -serial)
	pki renew other --days 20 && [ "$(spki_pin "$work/tls/other.crt")" = "$pin" ] &&
		[ "$(openssl x509 -in "$work/tls/other.crt" -noout -serial)" != "$serial" ] &&
		[ "$(openssl x509 -in "$work/tls/other.old.crt" -noout -serial)" = "$serial" ] &&
		openssl x509 -in "$work/tls/other.crt" -noout -checkend $((19 * 86400)) &&
		! openssl x509 -in "$work/tls/other.crt" -noout -checkend $((21 * 86400))
}

list_says_what_expires() {
	pki list | grep -q '^other .*即将过期' && pki list | grep -q '^server .*服务器.*有效' &&
		pki list | grep -q '^crl.pem .*吊销列表' &&
		pki list -o json | jq -e 'map(select(.file == "other" and .pin and .until)) | length == 1'
}

another_authority_cannot_revoke() {
	"$build/bidui" pki init --folder "$work/second" && "$build/bidui" pki department x --folder "$work/second" &&
		! pki revoke "$work/second/x.crt"
}

# -- the gateway --

refused_by_name() { # FOLDER-NAME CODE WORDS: what the operator reads, and what whoever ran bidui reads
	local got=0
	BIDUI_CERT="$work/tls/$1.crt" BIDUI_KEY="$work/tls/$1.key" "$build/bidui" --lang zh status \
		>"$work/said" 2>&1 || got=$?
	[ "$got" -eq 3 ] && grep -q "$3" "$work/said" && until_true in_log "$2" || { cat "$work/said"; return 1; }
}

revoked_is_out() {
	start_live other || { echo 'no live connection'; return 1; }
	pki revoke other && pki list | grep -q '^other .*已吊销' && until_true is_shut_out other &&
		until_true eval '! kill -0 "$live"' && in_log '"event":"closed"' && is_let_in client &&
		refused_by_name other tls.revoked 吊销 && [ "$(metric 'bidui_tls_refused_total{reason="tls.revoked"}')" -ge 2 ] &&
		[ "$(metric bidui_tls_closed_total)" -ge 1 ]
}

denied_at_once() {
	is_let_in third || return 1
	pki show third | sed -n 's/^  serial/serial/p' >"$work/deny.new"
	mv "$work/deny.new" "$work/deny"
	until_true is_shut_out third && is_let_in client && until_true in_log tls.denied || return 1
	: >"$work/deny"
	until_true is_let_in third
}

list_that_is_gone() {
	mv "$work/tls/crl.pem" "$work/crl.away"
	until_true in_log 'tls.crl_lost' && is_let_in client && is_shut_out other &&
		[ "$(metric 'bidui_tls_alarm{alarm="tls.crl_lost"}')" = 1 ] || return 1
	mv "$work/crl.away" "$work/tls/crl.pem"
	until_true in_log '"event":"alarm.over"' && is_let_in client
}

# -- the list is out of reach --

list_is_lost() {
	mv "$work/tls/crl.pem" "$work/crl.away" &&
		until_true eval '[ "$(metric "bidui_tls_alarm{alarm=\"tls.crl_lost\"}")" = 1 ]'
}

# Then all is as it was: who was let in is, who is revoked is not.
list_is_back() {
	stop_live
	mv "$work/crl.away" "$work/tls/crl.pem" && until_true is_let_in client &&
		until_true eval '[ "$(metric "bidui_tls_alarm{alarm=\"tls.crl_lost\"}")" = 0 ]' && is_let_in third && is_shut_out other
}

live_is_closed() {
	until_true eval '! kill -0 "$live"'
}

# The gateway looks at open connections when it renews its Date; two of those make sure of one whole look.
has_looked() {
	local date last= changes=0 left=200
	while [ "$changes" -lt 3 ]; do
		date=$(curl -s -D - -o /dev/null --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/livez" | grep -i '^date:')
		[ "$date" = "$last" ] || changes=$((changes + 1))
		last=$date
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

# A file may be missing for a minute: it is replaced. Then nobody knows any more who was revoked.
deny_shuts_out() {
	local closed
	list_is_lost && start_live third && is_let_in client && ahead 30 && has_looked && is_let_in client && kill -0 "$live" || return 1
	closed=$(metric bidui_tls_closed_total)
	ahead 70
	is_shut_out client && is_shut_out third && live_is_closed && [ "$(metric bidui_tls_closed_total)" -gt "$closed" ] &&
		refused_by_name client tls.crl_unavailable 吊销列表
}

grace_lets_in() {
	local reloads
	reloads=$(log_lines '"event":"reload.done"')
	echo 'crl_unavailable = grace 1 h' >>"$work/bidui.conf"
	kill -HUP "$bidui_pid"
	until_true eval '[ "$(log_lines "\"event\":\"reload.done\"")" -gt "'"$reloads"'" ]' && list_is_lost && start_live third || return 1
	ahead 1000
	is_let_in client && is_let_in third && has_looked && kill -0 "$live" && is_shut_out other || return 1
	printf 'GET /livez HTTP/1.1\r\nHost: t\r\n\r\n' >&8
	until_true eval '[ "$(grep -c ^ok "$work/live.out")" -eq 2 ]'
}

grace_ends() {
	ahead 5000
	is_shut_out client && is_shut_out third && live_is_closed
}

own_certificate_is_renewed() {
	pki renew server --days 10 || return 1
	served() { echo | openssl s_client -connect "127.0.0.1:$https_port" 2>/dev/null | openssl x509 -noout -serial; }
	local wanted
	wanted=$(openssl x509 -in "$work/tls/server.crt" -noout -serial)
	until_true eval '[ "$(served)" = "'"$wanted"'" ]' && until_true in_log tls.own_expires_soon &&
		"$build/bidui" --lang zh status | grep -q '网关证书即将过期'
}

wrong_files_leave_the_old() {
	cp "$work/tls/server.key" "$work/key.good" && cp "$work/tls/client.key" "$work/key.new" &&
		mv "$work/key.new" "$work/tls/server.key" && until_true in_log tls.files_refused && is_let_in client &&
		mv "$work/key.good" "$work/tls/server.key" &&
		until_true eval '[ "$(metric "bidui_tls_alarm{alarm=\"tls.files_refused\"}")" = 0 ]'
}

list_has_a_figure() {
	local left
	left=$(metric bidui_tls_crl_left_seconds) && [ "$left" -gt 0 ] && [ "$left" -lt $((400 * 86400)) ]
}

session_is_resumed() {
	local before
	before=$(metric bidui_tls_resumed_total)
	printf 'GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n' >"$work/request"
	openssl s_client -quiet -connect "127.0.0.1:$https_port" -CAfile "$work/tls/ca.crt" -cert "$work/tls/client.crt" \
		-key "$work/tls/client.key" -sess_out "$work/session" <"$work/request" >"$work/out" 2>&1
	openssl s_client -quiet -connect "127.0.0.1:$https_port" -CAfile "$work/tls/ca.crt" -sess_in "$work/session" \
		<"$work/request" >"$work/out" 2>&1
	[ "$(metric bidui_tls_resumed_total)" -gt "$before" ]
}

unknown_issuer_is_told() {
	cp "$work/second/x.crt" "$work/tls/x.crt" && cp "$work/second/x.key" "$work/tls/x.key" &&
		refused_by_name x tls.unknown_issuer 签发
}

server_of_others_is_told() {
	local got=0
	BIDUI_CA=$work/second/ca.crt "$build/bidui" --lang zh status >"$work/said" 2>&1 || got=$?
	[ "$got" -eq 3 ] && grep -q 'CA' "$work/said" && until_true in_log tls.client_refused
}

start_without_list_is_refused() {
	rm "$work/tls/crl.pem"
	! start_gateway && grep -q 'tls_crl' "$work/biduid.log" && grep -q '吊销列表' "$work/biduid.log" &&
		got=0 && { "$build/biduid" --config "$work/bidui.conf" --check >"$work/said" 2>&1 || got=$?; } && [ "$got" = 4 ]
}

make_keys
pki department other >"$work/other.section"
pki department third >/dev/null
: >"$work/deny"
check 'keys are for their owner alone' keys_are_private
check 'servers serve, clients ask, by the names they were given' certificates_have_their_use
check 'what is there is not written over' nothing_is_written_over
check 'a renewal keeps the key and the old certificate' renewal_keeps_the_key
check 'the section of a sender is made' grep -q "^spki_pin = $(spki_pin "$work/tls/other.crt")" "$work/other.section"
check 'the list says what each is for and what expires' list_says_what_expires
check 'an authority revokes only its own' another_authority_cannot_revoke
write_settings 0 0
cat >>"$work/bidui.conf" <<END
tls_crl = $work/tls/crl.pem
deny_list_file = $work/deny
END
if has_clock >"$work/check.out" 2>&1; then
	ahead 0
	export CLOCK_AHEAD_FILE=$work/ahead
	LD_PRELOAD=$work/ahead.so check 'the gateway starts' start_gateway
else
	check 'the gateway starts' start_gateway
fi
check 'how long its list counts is a figure' list_has_a_figure
check 'a session is resumed' session_is_resumed
check 'a revoked certificate is out without a signal, on open connections too' revoked_is_out
check 'the deny list acts by itself' denied_at_once
check 'a list that is gone: alarm, the last one counts' list_that_is_gone
if [ -n "${CLOCK_AHEAD_FILE-}" ]; then
	check 'deny: after a minute without it nobody is let in, open connections are closed' deny_shuts_out
	check 'with it all is as before' list_is_back
	check 'grace: for the hour more they are, and stay' grace_lets_in
	check 'and then no more' grace_ends
	check 'with it all is as before again' list_is_back
else
	count=$((count + 1))
	echo "ok $count - a list that stays away # SKIP no library can be preloaded"
fi
check 'an unknown issuer is told to both sides' unknown_issuer_is_told
check 'a gateway of another authority is told to both sides' server_of_others_is_told
check 'files that cannot be used leave the old in force, with an alarm' wrong_files_leave_the_old
check 'the renewed certificate is served; that it expires soon is said' own_certificate_is_renewed
check 'the gateway stops' stop_gateway
check 'without its list the gateway does not start, and says why' start_without_list_is_refused
echo "1..$count"
