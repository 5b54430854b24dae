#!/usr/bin/env bash
# upload.sh - a large message in parts: any order, again, wrong ones, another's; the gateway killed in the middle, the
# client killed in the middle, the network cut, two parts on their way at once, and always the receipt of one push, once.
# TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
cutter_pid=
push_pid=
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
stop_cutter() {
	[ -z "$cutter_pid" ] || { kill "$cutter_pid" && wait "$cutter_pid"; } 2>/dev/null
	cutter_pid=
}
stop_push() {
	[ -z "$push_pid" ] || { kill "$push_pid" && wait "$push_pid"; } 2>/dev/null
	push_pid=
}
trap 'stop_push; stop_cutter; stop_gateway; rm -rf "$work"' EXIT
rows=3000 part_bytes=4194304

digest() { # FILE
	printf 'sha-256=:%s:' "$(openssl dgst -sha256 -binary "$1" | base64)"
}

# A body for POST /v1/uploads; members by jq.
terms() { # FILE [JQ]
	jq -n -c --arg d "$(digest "$1")" --argjson n "$(stat -c %s "$1")" \
		"{source: \"market\", feed: \"e_pb_baseinfo\", length: \$n, digest: \$d} ${2-}"
}

begin() { # FILE [JQ [CURL-ARGUMENT...]]
	local file=$1 more=${2-}
	shift
	[ $# -eq 0 ] || shift
	ask POST /v1/uploads -H 'Content-Type: application/json' --data "$(terms "$file" "$more")" "$@"
	upload=$(jq -r .upload "$work/body")
}

put() { # PART FILE [DIGEST]
	ask PUT "/v1/uploads/$upload/parts/$1" -H 'Expect:' -H "Content-Digest: ${3:-$(digest "$2")}" \
		-H 'Content-Type: application/octet-stream' --data-binary "@$2"
}

show() {
	ask GET "/v1/uploads/$upload"
}

complete() {
	ask POST "/v1/uploads/$upload/complete" "$@"
}

kill_gateway() {
	kill -9 "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	bidui_pid=
}

messages() { # of the feed
	ask GET /v1/status >/dev/null
	jq '[.feeds[] | select(.feed == "e_pb_baseinfo").messages] | add // 0' "$work/body"
}

# How long something may take: a hundredth of a second each.
wait_until() { # COMMAND...
	local left=3000
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.01 <> <(:) || true
	done
}

begins() {
	begin "$work/data.txt" '+ {delivery: "2026-06-01", total: 3000}' >"$work/status"
	[ "$(cat "$work/status")" = 201 ] && body_is '.state == "open" and .parts == 3 and .received == [] and .bytes == 0' &&
		grep -qi "^location: /v1/uploads/$upload" "$work/head" && [ -n "$upload" ]
}

parts_in_any_order() {
	status_is 204 put 2 "$work/part.2" && status_is 204 put 2 "$work/part.2" && status_is 200 show &&
		body_is '.received == ["2"] and .bytes == 4194304'
}

other_bytes() {
	expect 409 upload.conflict put 2 "$work/other"
}

wrong_length() {
	expect 422 question.form put 1 "$work/part.3"
}

of_another_sender() {
	local as=narrow
	expect 404 upload.unknown show && expect 404 upload.unknown put 1 "$work/part.1" &&
		expect 404 upload.unknown complete && expect 404 upload.unknown ask DELETE "/v1/uploads/$upload" &&
		status_is 200 ask GET /v1/uploads && body_is '.uploads == []'
}

after_kill() {
	kill_gateway
	start_gateway && status_is 200 show && body_is '.received == ["2"] and .source == "market" and .delivery == "2026-06-01"'
}

whole_message() {
	status_is 204 put 3 "$work/part.3" && status_is 204 put 1 "$work/part.1" && status_is 200 complete &&
		body_is ".received == $rows and .accepted == $rows and .rejected == 0" && cp "$work/body" "$work/receipt.json"
}

again_the_same() {
	status_is 200 complete && jq -e --slurpfile was "$work/receipt.json" '.message == $was[0].message and .accepted == $was[0].accepted' \
		"$work/body" && status_is 200 show && body_is '.state == "done"' && expect 409 upload.conflict put 1 "$work/part.1" &&
		[ "$(messages)" = 1 ] && [ -z "$(find "$work/data/uploads/$upload" -name 'part-*')" ]
}

after_restart_the_same() {
	kill_gateway
	start_gateway && again_the_same
}

pushed_it_changes_nothing() {
	status_is 200 push market/e_pb_baseinfo "$work/data.txt" '?delivery=2026-06-01' && body_is ".unchanged == $rows"
}

# Of a wrong total nothing is stored, and what was sent stays until it is taken back.
wrong_total() {
	local before
	before=$(messages)
	begin "$work/data.txt" '+ {total: 7}' >/dev/null
	put 1 "$work/part.1" >/dev/null && put 2 "$work/part.2" >/dev/null && put 3 "$work/part.3" >/dev/null
	expect 422 delivery.total complete && [ "$(messages)" = "$before" ] && status_is 200 show && body_is '.state == "open"' &&
		status_is 204 ask DELETE "/v1/uploads/$upload" && expect 404 upload.unknown show && [ ! -e "$work/data/uploads/$upload" ]
}

wrong_whole() {
	local before
	before=$(messages)
	begin "$work/data.txt" "+ {digest: \"$(digest "$work/part.1")\"}" >/dev/null
	put 1 "$work/part.1" >/dev/null && put 2 "$work/part.2" >/dev/null && put 3 "$work/part.3" >/dev/null
	expect 422 upload.digest complete && [ "$(messages)" = "$before" ] && status_is 204 ask DELETE "/v1/uploads/$upload"
}

# Killed while the message is made of the parts: completed again it is one message.
killed_while_completing() {
	local before
	before=$(messages)
	begin "$work/changed.txt" >/dev/null
	put 1 "$work/changed.1" >/dev/null && put 2 "$work/changed.2" >/dev/null && put 3 "$work/changed.3" >/dev/null
	complete -o "$work/unseen" >/dev/null 2>&1 &
	local waiting=$!
	wait_until is_completing
	kill_gateway
	wait "$waiting"
	start_gateway && status_is 200 complete && body_is ".received == $rows and .rejected == 0" &&
		[ "$(messages)" = $((before + 1)) ]
}

# As if it had been killed when the message was stored and the upload did not know yet.
killed_before_it_is_noted() {
	local before first
	row_of '示例未记' >"$work/unnoted.txt"
	split -b "$part_bytes" -a 1 --numeric-suffixes=1 "$work/unnoted.txt" "$work/unnoted."
	begin "$work/unnoted.txt" >/dev/null
	put 1 "$work/unnoted.1" >/dev/null && put 2 "$work/unnoted.2" >/dev/null && put 3 "$work/unnoted.3" >/dev/null
	cp -a "$work/data/uploads/$upload" "$work/copy" && status_is 200 complete && first=$(jq -r .message "$work/body") || return 1
	before=$(messages)
	kill_gateway
	rm -rf "$work/data/uploads/$upload" && mv "$work/copy" "$work/data/uploads/$upload" && start_gateway && status_is 200 complete &&
		body_is ".message == \"$first\"" && [ "$(messages)" = "$before" ]
}

is_completing() {
	[ "$(curl -s --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key" \
		"https://127.0.0.1:$https_port/v1/uploads/$upload" | jq -r .state)" != open ]
}

expired() {
	begin "$work/data.txt" >/dev/null
	put 1 "$work/part.1" >/dev/null
	stop_gateway && find "$work/data/uploads/$upload" -type f -exec touch -d '2 days ago' {} + && start_gateway &&
		expect 404 upload.unknown show && [ ! -e "$work/data/uploads/$upload" ]
}

# Of one that is past its parts' number, and of a head that was changed.
damaged() {
	begin "$work/data.txt" >/dev/null
	put 1 "$work/part.1" >/dev/null
	stop_gateway && printf x | dd of="$work/data/uploads/$upload/head" bs=1 seek=40 conv=notrunc 2>/dev/null && start_gateway &&
		expect 404 upload.unknown show
}

too_many() {
	local n
	for n in $(seq 16); do
		status_is 201 begin "$work/data.txt" || return 1
	done
	expect 429 upload.limit begin "$work/data.txt" && grep -qi '^retry-after:' "$work/head" && ask GET /v1/uploads >/dev/null &&
		for upload in $(jq -r '.uploads[] | select(.state == "open").upload' "$work/body"); do
			status_is 204 ask DELETE "/v1/uploads/$upload" || return 1
		done && [ "$(begin "$work/data.txt")" = 201 ] && begin "$work/data.txt" >/dev/null && status_is 204 ask DELETE "/v1/uploads/$upload"
}

# Against a network that fails: start_cutter MODE BYTES
start_cutter() {
	rm -f "$work/cutter.port"
	"$python" "$top/tests/e2e/cutter.py" "$https_port" "$1" "$2" "$work/cutter.port" 2>"$work/cutter.err" &
	cutter_pid=$!
	wait_until test -s "$work/cutter.port"
}

row_of() { # NAME: all rows under another name, so that each is another message
	awk -F '\001' -v OFS='\001' -v n="$1" '{ $5 = n; $NF = "2026-06-05 10:00:00"; print }' "$work/data.txt"
}

push_by_cli() { # SERVER FILE
	"$build/bidui" push "$2" --source market --feed e_pb_baseinfo --resume -o json --server "$1" >"$work/body" 2>"$work/cli.err"
}

network_cut() {
	local before
	before=$(messages)
	row_of '示例断网' >"$work/cut.txt"
	start_cutter cut 6000000 && push_by_cli "https://127.0.0.1:$(cat "$work/cutter.port")" "$work/cut.txt" || { cat "$work/cli.err"; return 1; }
	stop_cutter
	grep -q 中断 "$work/cli.err" && body_is ".accepted == $rows" && [ "$(messages)" = $((before + 1)) ]
}

client_killed() {
	local before pid
	before=$(messages)
	row_of '示例中断' >"$work/killed.txt"
	# More than two parts that are on their way together: one of them is there.
	start_cutter stall 9000000 || return 1
	push_by_cli "https://127.0.0.1:$(cat "$work/cutter.port")" "$work/killed.txt" &
	pid=$!
	wait_until some_part_is_there || return 1
	kill -9 "$(pgrep -P "$pid" || echo "$pid")" 2>/dev/null
	wait "$pid" 2>/dev/null
	stop_cutter
	[ "$(messages)" = "$before" ] && push_by_cli "$BIDUI_SERVER" "$work/killed.txt" && grep -q 接续 "$work/cli.err" &&
		body_is ".accepted == $rows" && cp "$work/body" "$work/first.json" && [ "$(messages)" = $((before + 1)) ] &&
		push_by_cli "$BIDUI_SERVER" "$work/killed.txt" && jq -e --slurpfile was "$work/first.json" '.message == $was[0].message' \
		"$work/body" && [ "$(messages)" = $((before + 1)) ]
}

# Against one that holds requests until they may go on (holder.py): a push by it, in the background; by a terminal of its
# own, if so said.
push_held() { # FILE [terminal]
	stop_cutter
	rm -rf "$work/hold"
	mkdir "$work/hold"
	"$python" "$top/tests/e2e/holder.py" "$work/ports" "$work/hold" 2>"$work/cutter.err" &
	cutter_pid=$!
	wait_until test -s "$work/hold/port" || return 1
	push_in_background "$1" "https://127.0.0.1:$(cat "$work/hold/port")" "${2-}"
}

push_in_background() { # FILE SERVER [terminal]
	local push=("$build/bidui" push "$1" --source market --feed e_pb_baseinfo --resume -o json --server "$2")
	stop_push
	if [ -n "${3-}" ]; then
		TERM=xterm script -qefc "stty cols 100; exec ${push[*]}" "$work/pushed" >/dev/null 2>&1 </dev/null &
	else
		"${push[@]}" >"$work/pushed" 2>"$work/cli.err" &
	fi
	push_pid=$!
}

# The push in the background ends by itself.
push_ends() { # EXIT-CODE
	local got=0
	if wait_until has_ended "$push_pid"; then
		wait "$push_pid" || got=$?
		push_pid=
	fi
	stop_cutter
	cp "$work/pushed" "$work/body"
	[ -z "$push_pid" ] && [ "$got" = "$1" ] || { stop_push; echo "exit $got" && cat "$work/cli.err"; return 1; }
}

has_ended() { # PID
	case $(ps -o stat= -p "$1") in '' | Z*) return 0 ;; esac
	return 1
}

has_said() { # TEXT
	grep -q "$1" "$work/cli.err"
}

# 1, 2, 4 ... once each: whoever waits says so for both.
waits_are_said_once() {
	local said expected=1 seconds
	said=$(sed -n 's/^bidui: 中断，\([0-9]*\) 秒后接续$/\1/p' "$work/cli.err")
	[ -n "$said" ] && [ "$(grep -c '^bidui: 中断' "$work/cli.err")" = "$(wc -l <<<"$said")" ] || { cat "$work/cli.err"; return 1; }
	for seconds in $said; do
		[ "$seconds" = "$expected" ] || { cat "$work/cli.err"; return 1; }
		expected=$((expected * 2 < 30 ? expected * 2 : 30))
	done
}

two_at_once() {
	local before
	before=$(messages)
	row_of '示例同时' >"$work/two.txt"
	push_held "$work/two.txt" && wait_until test -e "$work/hold/held-2" && touch "$work/hold/go" && push_ends 0 &&
		body_is ".accepted == $rows" && [ "$(messages)" = $((before + 1)) ] && [ ! -s "$work/cli.err" ]
}

# Both parts are on their way when it is killed, and both senders wait for the next.
killed_while_two() {
	local before
	before=$(messages)
	row_of '示例重启' >"$work/two.txt"
	push_held "$work/two.txt" && wait_until test -e "$work/hold/held-2" || return 1
	kill_gateway
	touch "$work/hold/go"
	wait_until has_said '2 秒后接续' && start_gateway && push_ends 0 && waits_are_said_once && body_is ".accepted == $rows" &&
		[ "$(messages)" = $((before + 1)) ]
}

find_upload() { # FILE
	ask GET /v1/uploads >/dev/null && upload=$(jq -r --arg d "$(digest "$1")" '.uploads[] | select(.digest == $d).upload' "$work/body")
}

# On a terminal: the line of the progress is taken away before something else is said.
said_on_a_line_of_its_own() {
	row_of '示例终端' >"$work/two.txt"
	push_held "$work/two.txt" terminal && wait_until test -e "$work/hold/held-2" && touch "$work/hold/go-1" &&
		wait_until has_drawn '4.0 MiB/' || return 1
	kill_gateway
	touch "$work/hold/go"
	wait_until has_drawn 秒后接续
	stop_push
	stop_cutter
	start_gateway && find_upload "$work/two.txt" && status_is 204 ask DELETE "/v1/uploads/$upload" && grep -qP '\r\x1b\[Kbidui: ' "$work/pushed" && ! grep -qP '(MiB/|MiB/s|\d\d:\d\d)bidui: ' "$work/pushed"
}

has_drawn() { # TEXT
	grep -q "$1" "$work/pushed"
}

refused_once() {
	[ "$(grep -c 网关拒绝 "$work/cli.err")" = 1 ] && grep -q upload.conflict "$work/cli.err" && ! has_said 秒后接续 &&
		jq -s -e 'length == 1 and .[0].code == "upload.conflict"' "$work/body" || { cat "$work/cli.err"; return 1; }
}

# While two parts of a file are on their way: other bytes are there of part 1, or of both.
other_bytes_of_two() { # FILE PART...
	local part
	push_held "$1" && wait_until test -e "$work/hold/held-2" || return 1
	find_upload "$1"
	for part in "${@:2}"; do
		status_is 204 put "$part" "$work/other" || return 1
	done
}

both_fail() {
	row_of '示例失败' >"$work/two.txt"
	other_bytes_of_two "$work/two.txt" 1 2 && touch "$work/hold/go" && push_ends 5 && refused_once && status_is 200 show &&
		body_is '.received == ["1-2"]' && status_is 204 ask DELETE "/v1/uploads/$upload"
}

# The one that goes on first is part 1, or the other; then the next after it is on its way, and part 1 is the second. What is
# in hand when it fails is sent, the last of four parts never.
one_fails() {
	local sent='["1-2"]'
	cat "$work/data.txt" "$work/data.txt" | head -c $((3 * part_bytes + 1500000)) >"$work/four.txt"
	other_bytes_of_two "$work/four.txt" 1 && touch "$work/hold/go-1" && wait_until failed_or_held 3 || return 1
	if ! has_said 网关拒绝; then
		sent='["1-3"]'
		touch "$work/hold/go-2"
		wait_until has_said 网关拒绝 || return 1
	fi
	touch "$work/hold/go"
	push_ends 5 && refused_once && status_is 200 show && body_is ".received == $sent" &&
		status_is 204 ask DELETE "/v1/uploads/$upload"
}

failed_or_held() { # N
	has_said 网关拒绝 || test -e "$work/hold/held-$1"
}

# As many parts of this sender as there may be: a head each, to which the gateway says that it may go on, and no body.
no_room_for_parts() {
	local before slow=() n limit
	limit=$(sed -n 's/^#define BD_UPLOAD_SENDER_RUNNING_MAX //p' "$top/gateway/base/limits.h")
	row_of '示例等候' >"$work/two.txt"
	before=$(messages)
	begin "$work/data.txt" >/dev/null
	rm -f "$work/pipe" "$work"/slow.* && mkfifo "$work/pipe" && exec 9<>"$work/pipe"
	for n in $(seq "$limit"); do
		curl -s -o "$work/slow.$n" -D "$work/slow.$n.head" --max-time 120 --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
			--key "$work/tls/client.key" -H 'Expect: 100-continue' -H "Content-Digest: $(digest "$work/part.1")" -T "$work/pipe" \
			"https://127.0.0.1:$https_port/v1/uploads/$upload/parts/1" 9>&- &
		slow+=($!)
	done
	wait_until may_go_on "$limit" && expect 503 busy put 1 "$work/part.1" && push_in_background "$work/two.txt" "$BIDUI_SERVER" &&
		wait_until has_said 秒后接续
	kill "${slow[@]}"
	wait "${slow[@]}"
	exec 9>&-
	push_ends 0 && waits_are_said_once && body_is ".accepted == $rows" && [ "$(messages)" = $((before + 1)) ] &&
		status_is 204 ask DELETE "/v1/uploads/$upload"
}

# 408 says so of a part that came too slowly.
answers_that_may_come_right() {
	local before statuses='408 429 500 502 503 504'
	before=$(messages)
	row_of '示例重试' >"$work/two.txt"
	start_refuser $statuses && push_in_background "$work/two.txt" "https://127.0.0.1:$(cat "$work/cutter.port")" && push_ends 0 &&
		waits_are_said_once && body_is ".accepted == $rows" && [ "$(messages)" = $((before + 1)) ] &&
		[ "$(cut -d ' ' -f 1 "$work/refused" | sort -n | xargs)" = "$statuses" ]
}

start_refuser() { # STATUS...
	stop_cutter
	rm -f "$work/cutter.port"
	"$python" "$top/tests/e2e/refuser.py" "$work/ports" "$work/tls" "$work/cutter.port" "$@" >"$work/refused" 2>"$work/cutter.err" &
	cutter_pid=$!
	wait_until test -s "$work/cutter.port"
}

answers_that_may_not() {
	row_of '示例不重试' >"$work/two.txt"
	start_refuser 404 && push_in_background "$work/two.txt" "https://127.0.0.1:$(cat "$work/cutter.port")" && push_ends 5 &&
		! has_said 秒后接续 && [ "$(wc -l <"$work/refused")" = 1 ] && find_upload "$work/two.txt" &&
		status_is 204 ask DELETE "/v1/uploads/$upload"
}

may_go_on() { # COUNT
	[ "$(cat "$work"/slow.*.head 2>/dev/null | grep -c '^HTTP/1.1 100 ')" = "$1" ]
}

some_part_is_there() {
	curl -s --cacert "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key" \
		"https://127.0.0.1:$https_port/v1/uploads" | jq -e 'any(.uploads[]; .state == "open" and .bytes > 0)' >/dev/null
}

on_the_trail() {
	BIDUI_PURPOSE='' "$build/bidui" audit show "$work/data/trail" --key "$work/signing.pub" -o json >"$work/trail.ndjson"
	jq -s -e 'map(select(.kind == "push").status) | (map(select(. == "upload.begun")) | length) > 20 and
		(map(select(. == "upload.part")) | length) > 10 and (map(select(. == "upload.deleted")) | length) > 15' "$work/trail.ndjson"
}

"$build/tests/gen/bidui_gen" --people 1 --businesses $rows --seed 29 --fault-rate 0 --out "$work/gen" || { echo 'Bail out! no data'; exit 1; }
# Few rows, and long ones: what is tried here are bytes.
awk -F '\001' -v OFS='\001' -v long="$(printf '其他示例经营项目%.0s' $(seq 125))" '{ $15 = $15 long; print }' \
	"$work/gen/market_E_PB_BASEINFO.utf8.txt" >"$work/data.txt"
head -n 200 "$work/gen/truth.tsv" >"$work/some.tsv"
rm -rf "$work/gen"
row_of '示例新名' >"$work/changed.txt"
for name in data changed; do
	split -b "$part_bytes" -a 1 --numeric-suffixes=1 "$work/$name.txt" "$work/${name/data/part}."
done
head -c "$part_bytes" /dev/zero >"$work/other"
make_keys
make_certificate narrow '/CN=narrow' 'extendedKeyUsage=clientAuth'
write_settings 0 0
printf '\n[narrow]\nspki_pin = %s\nroles = department\nsources = market\n' "$(spki_pin "$work/tls/narrow.crt")" >>"$work/senders"
identity_files=$work/some.tsv
start_or_bail
check 'an upload is begun, and says how it wants its parts' begins
check 'parts come in any order, and again' parts_in_any_order
check 'a part that is not of its digest' expect 422 upload.digest put 1 "$work/part.1" "$(digest "$work/part.2")"
check 'a part without a digest' expect 422 question.form put 1 "$work/part.1" none
check 'a part of another length' wrong_length
check 'a part that there is not' expect 422 question.form put 4 "$work/part.1"
check 'other bytes for a part that is there' other_bytes
check 'not complete before all of it is there' expect 409 upload.incomplete complete
check "another sender's is not there" of_another_sender
check 'the gateway killed: what was acknowledged is there' after_kill
check 'all parts: the receipt of a push' whole_message
check 'completed again: the same receipt, once, and no part is kept' again_the_same
check 'after a kill too' after_restart_the_same
check 'pushed at once, the same changes nothing' pushed_it_changes_nothing
check 'a control total that is wrong: nothing is stored' wrong_total
check 'a whole that is not of its digest: nothing is stored' wrong_whole
check 'the gateway killed while it makes the message: once' killed_while_completing
check 'killed before it is noted that the message was stored: once' killed_before_it_is_noted
check 'one that nobody goes on with expires' expired
check 'one whose head was changed is none' damaged
check 'too many of one sender' too_many
check 'bidui push: the network cut, and it goes on by itself' network_cut
check 'bidui push: the client killed, and the next goes on where it stood; once' client_killed
check 'bidui push: two parts are on their way at once' two_at_once
check 'bidui push: the gateway killed and started again: each wait is said once, and it goes on by itself' killed_while_two
check 'terminal: what is said does not stand in the line of the progress' said_on_a_line_of_its_own
check 'bidui push: both parts on their way fail: told once, and its exit code' both_fail
check 'bidui push: one fails: what is on its way is sent, and nothing after it' one_fails
check 'bidui push: no room for its parts: it waits' no_room_for_parts
check 'bidui push: what may come right is tried again' answers_that_may_come_right
check 'bidui push: what may not is not' answers_that_may_not
check 'it is on the trail' on_the_trail
check 'it stops in order, and nothing stands in clear' stop_gateway
echo "1..$count"
