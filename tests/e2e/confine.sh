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

# The processes that read messages, one a line; a sanitizer may have others.
workers_now() {
	pgrep -P "$bidui_pid" -f odd_worker | sort
}

# In the place of one of them stands another, ready for work.
one_is_replaced() { # WORKERS: before
	local left=200 all
	all=$(printf '%s\n' "$1" | wc -l)
	until [ "$(workers_now | wc -l)" -eq "$all" ] && [ "$(comm -12 <(printf '%s\n' "$1") <(workers_now) | wc -l)" -eq $((all - 1)) ] &&
		status_is 200 ask GET /v1/status && body_is ".workers.count == $all and .workers.busy == 0"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.05 <> <(:) || true
	done
}

# A message costs three workers, each of which is replaced; then no other is given it.
costs_three() { # STATUS CODE KIND
	local before
	for _ in 1 2 3; do
		before=$(workers_now)
		expect "$1" "$2" bad "$3" && one_is_replaced "$before" || return 1
	done
	before=$(workers_now)
	expect 422 message.set_aside bad "$3" && [ "$(workers_now)" = "$before" ]
}

push_ok() {
	status_is 200 push tax/gt3 "$top/adapters/tax/samples/tax_gt3_response.xml"
}

make_keys
worker=$build/tests/unit/odd_worker write_settings 0 0
echo 'message_time_max_ms = 2000' >>"$work/bidui.conf"
start_or_bail

# -- a message that ends workers --
check 'a message that ends a worker costs itself alone, and is set aside after three' costs_three 422 worker.died die
check 'and says what to do' body_is '.hint != "" and .retryable == false'
check 'another message is' expect 422 worker.died bad 'die
'
check 'a forbidden call is its end' expect 422 worker.died bad socket
check 'counted as such' figure bidui_workers_forbidden_total 1
check 'and logged' grep -q '"event":"worker.forbidden"' "$work/biduid.log"
check 'one that spins is ended, and set aside after three' costs_three 503 limit.time spin
check 'counted as such' figure bidui_workers_timed_out_total 3
check 'one that swells is ended, and set aside after three' costs_three 503 limit.memory swell
check 'counted as such' figure bidui_workers_swollen_total 3
check 'the messages set aside are counted' figure bidui_messages_set_aside 3
check 'and how often they came again' figure bidui_messages_set_aside_refused_total 3
check 'the operator sees it' status_is 200 ask GET /v1/status
check 'with feed, sender and why' body_is '.set_aside | length == 3 and all(.source == "tax" and .feed == "gt3" and .sender == "demo") and
	all(.losses == 3 and .refused == 1) and (map({(.code): .bytes}) | add == {"worker.died": 3, "limit.time": 4, "limit.memory": 5})'
check 'and how processes ended' body_is '.workers | .died == 5 and .forbidden == 1 and .timed_out == 3 and .swollen == 3'
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

# -- what biduid gave up --
says() { # WORD: in /proc/PID/status of biduid
	grep -qx "$1" "/proc/$bidui_pid/status"
}

# The fence and this are set at one place, for the threads that come after it.
every_thread() { # WORD
	local thread
	[ "$(find "/proc/$bidui_pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 3 ] || return 1
	for thread in "/proc/$bidui_pid"/task/*; do
		grep -qx "$1" "$thread/status" || { echo "${thread##*/}"; return 1; }
	done
}

# Reads the configuration again; waits until it is said in the log how that went.
reloaded() { # EVENT
	local before left=200
	before=$(grep -c '"event":"reload' "$work/biduid.log")
	kill -HUP "$bidui_pid"
	while [ "$left" -gt 0 ] && [ "$(grep -c '"event":"reload' "$work/biduid.log")" -eq "$before" ]; do
		left=$((left - 1))
		read -r -t 0.05 <> <(:) || true
	done
	grep '"event":"reload' "$work/biduid.log" | tail -n 1 | grep -q "\"$1\""
}

served() { # the serial of the certificate that is shown
	openssl s_client -connect "127.0.0.1:$https_port" </dev/null 2>/dev/null | openssl x509 -noout -serial
}

cp -r "$top/schemas" "$work/schemas"
write_settings "$https_port" "$http_port"
sed -i "s#^schemas_folder.*#schemas_folder = $work/schemas#" "$work/bidui.conf"
echo 'loops = 2' >>"$work/bidui.conf"
start_or_bail
check 'no thread of biduid can gain rights' every_thread 'NoNewPrivs:	1'
check 'and listens where it said, on every loop' push_ok
check 'its contract is there' status_is 200 ask GET /openapi.json
before=$(served)
make_certificate server '/CN=localhost' 'subjectAltName=DNS:localhost,IP:127.0.0.1'
check 'a certificate is replaced by a reload' reloaded reload.done
check 'and shown' test "$(served)" != "$before"
check 'messages are read after it' push_ok
mkdir -p "$work/elsewhere"
outside=$(mktemp -d)
cp -r "$top/schemas" "$outside/schemas"
sed -i "s#^schemas_folder.*#schemas_folder = $outside/schemas#" "$work/bidui.conf"
check 'a folder that was not named at the start takes a restart' reloaded reload.refused
check 'which is said' grep -q 'config.restart' "$work/biduid.log"
sed -i "s#^schemas_folder.*#schemas_folder = $work/schemas#" "$work/bidui.conf"
mv "$work/schemas/common.xml" "$outside/common.xml"
ln -s "$outside/common.xml" "$work/schemas/common.xml"
check 'a link out of a folder leads nowhere' reloaded reload.refused
rm "$work/schemas/common.xml"
cp "$outside/common.xml" "$work/schemas/common.xml"
check 'all is as it was' reloaded reload.done
check 'and messages are read' push_ok
stop_gateway || exit 1
rm -rf "$outside"

# The key comes from a command, which a reload runs again.
cp "$work/bidui.conf" "$work/bidui.file"
sed -i "s#^master_key_file.*#master_key_command = $(command -v cat) $work/master.key#" "$work/bidui.conf"
start_or_bail
check 'a command gives the key again inside the fence' reloaded reload.done
stop_gateway || exit 1
mv "$work/bidui.file" "$work/bidui.conf"

# -- a kernel without Landlock --
starts_with() { # EXIT WORD COMMAND...: ends by itself, and says why
	local want=$1 word=$2 got=0
	shift 2
	"$@" >"$work/said" 2>&1 || got=$?
	cat "$work/said"
	[ "$got" -eq "$want" ] && grep -q "$word" "$work/said"
}

bare=("$build/tests/unit/under_filter" without landlock_create_ruleset)
check 'a kernel without Landlock is refused' \
	starts_with 1 'confinement = best_effort' "${bare[@]}" "$build/biduid" --config "$work/bidui.conf"
check 'in both languages' grep -q '无法对进程实施隔离' "$work/said"
echo 'confinement = best_effort' >>"$work/bidui.conf"
run_under=("${bare[@]}")
start_or_bail
run_under=()
check 'unless a setting allows it' grep -q '"event":"confinement.missing"' "$work/biduid.log"
check 'and messages are read' push_ok
stop_gateway || exit 1

# -- the system calls that its unit of systemd leaves to it --
calls_of() { # SET...: of systemd's, one a line
	local name
	for name in "$@"; do
		case $name in
		@*) calls_of $(systemd-analyze syscall-filter "$name" | sed -n '2,$s/^ *\([^# ].*\)/\1/p') ;;
		*) echo "$name" ;;
		esac
	done
}

# Lines of SystemCallFilter add, or take away by ~, in their order.
calls_of_unit() {
	local line
	: >"$work/calls"
	while IFS= read -r line; do
		case $line in
		'~'*) calls_of ${line#'~'} | sort -u | comm -23 <(sort -u "$work/calls") - >"$work/calls.new" ;;
		*) calls_of $line | cat "$work/calls" - | sort -u >"$work/calls.new" ;;
		esac
		mv "$work/calls.new" "$work/calls"
	done < <(sed -n 's/^SystemCallFilter=//p' "$build/gateway/daemon/biduid.service")
	[ "$(wc -l <"$work/calls")" -gt 100 ] && ! grep -qx 'chroot\|setuid\|nice' "$work/calls"
}

if systemd-analyze syscall-filter >/dev/null 2>&1 && ! grep -q '^BD_CFLAGS.*-fsanitize' "$build/Makefile"; then
	check 'the unit leaves a set of calls' calls_of_unit
	sed -i '/^confinement/d' "$work/bidui.conf"
	run_under=("$build/tests/unit/under_filter" only "$work/calls")
	start_or_bail
	run_under=()
	check 'that are enough to read messages' push_ok
	check 'and to reload' reloaded reload.done
	check 'and to read messages after that' push_ok
	check 'no worker died of them' figure bidui_workers_died_total 0
	stop_gateway || exit 1
else
	count=$((count + 1))
	echo "ok $count - the unit leaves calls that are enough # SKIP no systemd-analyze, or a sanitizer"
fi

# -- whom root becomes --
if [ "$(id -u)" -eq 0 ]; then
	sed -i '/^run_as_user/d' "$work/bidui.conf"
	check 'root does not start without saying so' starts_with 4 'run_as_user' "$build/biduid" --config "$work/bidui.conf"
	check 'nor does a check say that it would' starts_with 4 'run_as_user' "$build/biduid" --config "$work/bidui.conf" --check
	echo 'run_as_user = nobody' >>"$work/bidui.conf"
	chown -R nobody "$work"
	if setpriv --reuid nobody --clear-groups test -x "$build/bidui-worker" -a -r "$top/adapters/tax/adapter.xml"; then
		rm -rf "$work/data"
		mkdir -m 700 "$work/data"
		chown nobody "$work/data"
		start_or_bail
		check 'it becomes an ordinary user' says "Uid:$(printf '\t%s' "$(id -u nobody)" "$(id -u nobody)" "$(id -u nobody)" "$(id -u nobody)")"
		check 'without rights of root' says 'CapEff:	0000000000000000'
		check 'and messages are read' push_ok
		check 'a certificate can be read again' reloaded reload.done
		stop_gateway || exit 1
	else
		count=$((count + 1))
		echo "ok $count - it becomes an ordinary user # SKIP the build folder is closed to others"
	fi
fi
echo "1..$count"
