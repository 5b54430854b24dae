#!/usr/bin/env bash
# confine.sh - what outsiders and their messages cannot do to the processes that read them: messages that end workers,
# and what biduid itself has given up. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

figure() { # NAME VALUE: of the metrics
	ask GET /metrics >/dev/null
	grep -qx "$1 $2" "$work/body"
}

# A message that says to the worker how it shall end.
bad() { # KIND
	printf '%s' "$1" >"$work/bad"
	push tax/gt3 "$work/bad"
}

make_keys
write_settings 0 0
worker=$build/tests/unit/odd_worker write_settings 0 0
echo 'message_time_max_ms = 1000' >>"$work/bidui.conf"
start_gateway || { cat "$work/biduid.log"; echo 'Bail out! no gateway'; exit 1; }

# -- a message that ends workers --
for i in 1 2 3; do
	check "a message that ends a worker costs itself alone ($i)" expect 422 worker.died bad die
done
check 'the fourth time it is not read' expect 422 message.set_aside bad die
check 'and says what to do' body_is '.hint != "" and .retryable == false'
check 'another message is' expect 422 worker.died bad 'die
'
check 'a forbidden call is its end' expect 422 worker.died bad socket
check 'counted as such' figure bidui_workers_forbidden_total 1
check 'and logged' grep -q '"event":"worker.forbidden"' "$work/biduid.log"
check 'one that spins is ended' expect 503 limit.time bad spin
check 'counted as such' figure bidui_workers_timed_out_total 1
check 'one that swells is ended' expect 503 limit.memory bad swell
check 'counted as such' figure bidui_workers_swollen_total 1
check 'the messages set aside are counted' figure bidui_messages_set_aside 1
check 'the operator sees it' status_is 200 ask GET /v1/status
check 'with feed, sender and why' body_is '.set_aside | length == 1 and
	(.[0] | .source == "tax" and .feed == "gt3" and .sender == "demo" and .code == "worker.died" and .bytes == 3 and .losses == 3 and .refused == 1)'
check 'and how processes ended' body_is '.workers | .died == 5 and .forbidden == 1 and .timed_out == 1 and .swollen == 1'
check 'bidui status shows it' sh -c "'$build/bidui' status | grep -q '已隔离报文'"
# A long message is known by the part that did it, and is refused while it still comes.
{ printf 'die\n'; head -c 3000000 /dev/zero | tr '\0' '\n'; } >"$work/long"
left=8
until [ "$(push tax/gt3 "$work/long")" = 422 ] && body_is '.code == "message.set_aside"' >/dev/null || [ "$left" -eq 0 ]; do
	left=$((left - 1))
done
check 'a long one too' test "$left" -gt 0
check 'after three losses at the least' test "$left" -le 5
reloads=$(grep -c '"event":"reload.done"' "$work/biduid.log")
kill -HUP "$bidui_pid"
until [ "$(grep -c '"event":"reload.done"' "$work/biduid.log")" -gt "$reloads" ]; do read -r -t 0.05 <> <(:) || true; done
check 'a reload gives it another chance' expect 422 worker.died bad die
check 'and the gateway is ready as ever' status_is 200 ask GET /readyz
stop_gateway || exit 1
echo "1..$count"
