#!/usr/bin/env bash
# cli.sh - the command line as people and scripts use it: every command, every exit code, what goes where, and
# what it does with the files and options of a bad day. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
unset NO_COLOR
. "$top/tests/e2e/lib.sh"
odd_pid=
cleanup() {
	[ -z "$odd_pid" ] || kill "$odd_pid" 2>/dev/null
	stop_gateway
	rm -rf "$work"
}
trap cleanup EXIT
bidui=$build/bidui
cases=$top/schemas/matters/individual-business-registration/cases
tax=$top/adapters/tax/samples/tax_gt3_response.xml
nws=$top/adapters/social/samples/social_nws_response.xml

# run EXIT ARGUMENT...: bidui, with stdout and stderr in $work/out and $work/err.
run() {
	local wanted=$1 got=0
	shift
	"$bidui" "$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" = "$wanted" ] || { echo "exit $got, not $wanted"; cat "$work/out" "$work/err"; return 1; }
}

says() { grep -qF -- "$1" "$work/err" || { echo "not said: $1"; cat "$work/err"; return 1; }; }
shows() { grep -qE -- "$1" "$work/out" || { echo "not shown: $1"; cat "$work/out"; return 1; }; }
is_silent() { [ ! -s "$work/err" ] || { cat "$work/err"; return 1; }; }
has_no_data() { [ ! -s "$work/out" ] || { cat "$work/out"; return 1; }; }
json_is() { jq -e "$1" "$work/out" >/dev/null || { cat "$work/out"; return 1; }; }

question() { jq .question "$cases/$1.json" >"$work/question.json"; }

# -- every command --

push_shows_counts_first() {
	run 0 push "$tax" --source tax --feed gt3 && is_silent && head -n 1 "$work/out" | grep -q '^收到 3 .*接收 3 .*退回 0$' &&
		run 0 --lang en push "$tax" --source tax --feed gt3 && head -n 1 "$work/out" | grep -q '^received 3 .*rejected 0$'
}

# Line and column, row and field, code, both languages, and what to do.
push_names_each_reject() {
	sed 's|<ybtse>[^<]*</ybtse>|<ybtse>many</ybtse>|' "$tax" >"$work/bad.xml"
	run 1 push "$work/bad.xml" --source tax --feed gt3 && is_silent &&
		head -n 1 "$work/out" | grep -q '退回 1$' &&
		shows "^$work/bad.xml:1:[0-9]+: ybtse: amount.form 金额格式错误 / not an amount" &&
		shows '^    请用阿拉伯数字.* / Use digits' || return 1
	printf 'a\001b\nc\001d\n' >"$work/bad.txt"
	run 1 push "$work/bad.txt" --source market --feed e_cancel &&
		shows "^$work/bad.txt:2: 第 2 行: row.too_few_columns 列数不足 / the row has too few columns" &&
		run 1 push "$tax" --source tax --feed gt3 --lang en --total 99 && has_no_data && says delivery.total
}

dry_run_stores_nothing() {
	sed 's/440311199106159019/440311199106159027/g' "$nws" >"$work/other.xml"
	run 0 push "$work/other.xml" --source social --feed nws --dry-run &&
		shows '未入库' && shows '^#0 basicform person replace$' &&
		run 1 query --kind resident_id --number 440311199106159027 && shows '查无此主体'
}

# What an adapter makes of a file here is what the gateway makes of it, records and rejects alike.
run_here_is_run_there() {
	local file feed rest
	while IFS=$'\t' read -r file feed rest; do
		case $file in '' | '#'*) continue ;; esac
		"$bidui" -o json push "$top/adapters/$file" --source "${feed%%/*}" --feed "${feed#*/}" --dry-run \
			>"$work/there" 2>"$work/err"
		"$bidui" -o json adapter run "$feed" "$top/adapters/$file" --adapters "$top/adapters" --schemas "$top/schemas" \
			>"$work/here" 2>"$work/err"
		diff <(jq -S '{would_store, rejects, received, accepted, rejected, code, title}' "$work/there") \
			<(jq -S '{would_store, rejects, received, accepted, rejected, code, title}' "$work/here") ||
			{ echo "$file"; return 1; }
	done <"$top/tests/e2e/samples.tsv"
}

adapter_is_tried() {
	run 0 adapter validate "$top/adapters/tax/" --schemas "$top/schemas" && is_silent && shows '^tax ' &&
		run 0 -o json adapter validate "$top/adapters/tax" --schemas "$top/schemas" &&
		json_is '.valid and .source == "tax" and (.feeds | length > 1) and .errors == []' &&
		run 4 adapter validate "$top/tests/adapters/broken" --schemas "$top/schemas" && has_no_data &&
		grep -qE '^feeds/names.xml:[0-9]+:[0-9]+: ' "$work/err" &&
		run 4 -o json adapter validate "$top/tests/adapters/broken" --schemas "$top/schemas" && is_silent &&
		json_is '(.valid | not) and (.errors | length > 3) and all(.errors[]; .file != "" and .code != "")' &&
		run 0 adapter run "$top/adapters/tax/gt3" "$tax" --schemas "$top/schemas" && shows '^#0 nsrxx tax_status replace$' &&
		run 4 adapter run "$top/tests/adapters/broken/names" "$tax" --schemas "$top/schemas" && has_no_data &&
		run 5 adapter run tax/gt3 "$work/cut.xml" --adapters "$top/adapters" --schemas "$top/schemas" && has_no_data &&
		grep -qE "^$work/cut.xml:1:[0-9]+: 报文不完整 \(message.truncated\)" "$work/err"
}

compare_shows_each_element() {
	question 01-pass && run 0 compare "$work/question.json" && is_silent && shows '^● 秒批通过 pass ' && shows '✓  实名认证 ' &&
		question 04-refer && run 1 compare "$work/question.json" && is_silent && shows '^● 转人工 refer ' &&
		shows '✗  姓名与证件号码一致 +不一致 +与部门记录不一致 ' &&
		run 1 --lang en compare "$work/question.json" && shows '^● refer ' && shows '✗  name agrees with the number +mismatch'
}

query_shows_each_source() {
	run 0 query --kind resident_id --number 440311199106159019 && is_silent && shows '^● 已查到 ' &&
		shows '^  参保状态  social/' && ! grep -q 未获授权 "$work/out" &&
		run 0 query --kind uscc --number 92440311MAXXXXX152 && ! grep -q 未获授权 "$work/out" &&
		run 0 query --kind taxpayer_no --number 92440311MAXXXXX152 &&
		printf '{"subject":{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}}' >"$work/q.json" &&
		run 0 query "$work/q.json" && shows '^● 已查到 '
}

# A few fields are granted for this purpose, nothing for that.
query_says_what_is_withheld() {
	run 0 query --kind resident_id --number 440311199106159019 --purpose 姓名核对 && is_silent &&
		shows '姓名 +林示例' && shows '性别 +（未获授权查看该项）' && shows '^  未获授权：.*主体的其他号码.*参保状态' &&
		! grep -qE 'social/aae140|dept_person_key' "$work/out" &&
		run 5 query --kind resident_id --number 440311199106159019 --purpose 好奇 && has_no_data &&
		says '没有相应的用数授权 (grant.missing)' && says '由谁批准：示例区政务服务和数据管理局' &&
		run 5 --lang en query --kind uscc --number 92440311MAXXXXX152 --purpose 姓名核对 &&
		says 'given by: Data Administration of the Example District' && says 'sender demo, purpose 姓名核对, entity organization, disclosure values'
}

status_is_a_table() {
	run 0 status && is_silent && head -n 1 "$work/out" | grep -q '^数据源 .*覆盖 .*退回$' &&
		shows '^market +e_baseinfo +e_baseinfo +全量 +20[0-9-]+ 00:00 ' && ! grep -qE ' $|null' "$work/out"
}

# -- scripts --

json_of_every_command() {
	question 04-refer
	run 0 -o json status && is_silent && json_is '.feeds | length > 5' &&
		run 0 -o json query --kind resident_id --number 440311199106159019 && is_silent && json_is '.status == "found"' &&
		run 1 -o json compare "$work/question.json" && is_silent && json_is '.decision == "refer"' &&
		run 1 -o json push "$work/bad.xml" --source tax --feed gt3 && is_silent && json_is '.rejects[0].code == "amount.form"' &&
		run 0 -o json adapter run tax/gt3 "$tax" --adapters "$top/adapters" --schemas "$top/schemas" && is_silent &&
		json_is '.dry_run and .rejected == 0 and (.would_store | startswith("#0 nsrxx"))' &&
		run 5 -o json push "$tax" --source tax --feed none && json_is '.code == "source.unknown"' && says source.unknown &&
		run 5 -o json adapter run tax/gt3 "$work/cut.xml" --adapters "$top/adapters" --schemas "$top/schemas" &&
		json_is '.code == "message.truncated" and .line == 1'
}

lines_are_judged_by_the_worst() {
	local case
	for case in 01-pass 04-refer 01-pass; do jq -c .question "$cases/$case.json"; done >"$work/batch.ndjson"
	run 1 compare "$work/batch.ndjson" && [ "$(grep -c '^●' "$work/out")" = 3 ] &&
		run 1 -o json compare "$work/batch.ndjson" && [ "$(jq -s length "$work/out")" = 3 ] &&
		jq -c .question "$cases/01-pass.json" >"$work/one.ndjson" && run 0 compare "$work/one.ndjson" &&
		{ cat "$work/one.ndjson"; echo '{"matter":"none"}'; } >"$work/two.ndjson" && run 5 compare "$work/two.ndjson" &&
		[ "$(grep -c '^●' "$work/out")" = 1 ] && says matter.unknown
}

standard_input() {
	run 0 push - --source tax --feed gt3 <"$tax" && run 0 push - --source tax --feed gt3 < <(cat "$tax") &&
		run 0 compare --lines - < <(jq -c .question "$cases/01-pass.json") &&
		run 0 compare - < <(jq .question "$cases/01-pass.json") &&
		run 0 compare -- "$work/question.json" 2>/dev/null || run 1 compare -- "$work/question.json"
}

a_pipe_sees_data_only() {
	local first
	first=$("$bidui" status | sed -n 1p) && [[ $first == 数据源* ]] &&
		"$bidui" push "$tax" --source tax --feed gt3 2>&1 >/dev/null | { ! grep -q .; } &&
		! "$bidui" compare "$work/question.json" | grep -q $'\033' || { echo "$first"; return 1; }
}

a_full_disk_is_told() {
	local got=0
	"$bidui" status >/dev/full 2>"$work/err" || got=$?
	[ "$got" = 2 ] && says 结果无法写出
}

gzip_is_sent_as_such() {
	gzip -c "$tax" >"$work/tax.xml.gz"
	run 0 push "$work/tax.xml.gz" --source tax --feed gt3 && head -n 1 "$work/out" | grep -q '^收到 3 ' &&
		run 0 adapter run tax/gt3 "$work/tax.xml.gz" --adapters "$top/adapters" --schemas "$top/schemas"
}

a_long_answer_is_read() {
	"$build/tests/gen/bidui_gen" --people 400 --businesses 1500 --seed 5 --out "$work/gen" || return 1
	run 0 push "$work/gen/market_E_PB_BASEINFO.utf8.txt" --source market --feed e_pb_baseinfo --dry-run &&
		[ "$(wc -c <"$work/out")" -gt 200000 ]
}

# -- terminals --

# on_terminal COLUMNS COMMAND: as a terminal shows it.
on_terminal() {
	script -qec "stty cols $1; $2" "$work/typescript" >/dev/null 2>&1 </dev/null
}

progress_is_drawn() {
	local file=$work/gen/market_E_PB_BASEINFO.utf8.txt
	export TERM=xterm
	on_terminal 100 "$bidui push $file --source market --feed e_pb_baseinfo" &&
		grep -q $'\r\[#*\] 100%  .* [KM]iB/.* [KM]iB/s' "$work/typescript" && grep -q 用时 "$work/typescript" || return 1
	# Narrower than the bar: the figures, and nothing breaks the line.
	on_terminal 30 "$bidui push $file --source market --feed e_pb_baseinfo" && grep -q '%\|MiB' "$work/typescript" &&
		! grep -q '#' "$work/typescript" || return 1
	on_terminal 100 "cat $file | $bidui push - --source market --feed e_pb_baseinfo" &&
		grep -q $'\r[0-9.]* [KM]iB  ' "$work/typescript" && ! grep -q '%' "$work/typescript"
}

progress_needs_a_terminal() {
	local file=$work/gen/market_E_PB_BASEINFO.utf8.txt
	TERM=dumb on_terminal 100 "$bidui push $file --source market --feed e_pb_baseinfo" &&
		! grep -q 'iB' "$work/typescript" || return 1
	TERM=xterm on_terminal 100 "$bidui push $file --source market --feed e_pb_baseinfo 2>$work/err" &&
		! grep -q 'iB' "$work/typescript" && is_silent
}

colour_by_wish() {
	question 04-refer
	TERM=xterm on_terminal 100 "$bidui compare $work/question.json" || grep -q $'\033\[33m' "$work/typescript" || return 1
	TERM=xterm NO_COLOR=1 on_terminal 100 "$bidui compare $work/question.json" || ! grep -q $'\033' "$work/typescript"
}

# -- a tired clerk --

wrong_usage() {
	run 2 && has_no_data && run 2 pusch && says push && run 2 frobnicate && says bidui && has_no_data &&
		run 2 push --sourse tax && says --source && run 2 status extra && says 用法 &&
		run 2 push && run 2 push a b && run 2 push "$tax" && says --source && run 2 push "$tax" --source && says --source &&
		run 2 status --total 3 && says --total && run 2 push "$tax" --source tax --feed gt3 --total many && says --total &&
		run 2 push "$tax" --source tax --feed gt3 --total -1 && run 2 push "$tax" --source tax --feed gt3 --atomic=yes &&
		run 2 -o yaml status && says -o && run 2 --lang fr status && run 2 query && run 2 query --kind uscc && has_no_data &&
		run 2 adapter run gt3 "$tax" && run 2 adapter validat "$top/adapters/tax" && says validate &&
		run 2 adapter run tax/gt33 "$tax" --adapters "$top/adapters" --schemas "$top/schemas" && says gt3 && has_no_data
}

help_is_given() {
	run 0 --help && is_silent && shows 'bidui push' && run 0 help && run 0 push --help && shows '--feed' && run 0 help push &&
		shows '^示例' && ! grep -q -- --kind "$work/out" && run 0 --lang en help query && shows '^example' &&
		run 0 --version && shows '^bidui [0-9]'
}

files_that_are_none() {
	mkdir -p "$work/folder"
	run 2 push "$work/none.xml" --source tax --feed gt3 && says "$work/none.xml: 没有这个文件" && has_no_data &&
		run 2 push "$work/folder" --source tax --feed gt3 && says 目录 && run 2 compare "$work/none.json" && says 没有这个文件 &&
		run 2 query "$work/none.json" && run 2 adapter run tax/gt3 "$work/none" --adapters "$top/adapters" --schemas "$top/schemas" &&
		run 4 adapter validate "$work/none" --schemas "$top/schemas" && run 4 adapter validate "$top/adapters/tax" --schemas "$work/none"
}

# Of a daily table it says "none today"; of anything else it is a mistake.
an_empty_file() {
	: >"$work/empty"
	run 0 push "$work/empty" --source market --feed e_li_illdishonesty --delivery 2026-06-02 --total 0 &&
		run 5 push "$work/empty" --source tax --feed gt3 && says message.empty &&
		run 5 compare "$work/empty" && says message.empty && has_no_data
}

values_that_are_none() {
	local long
	long=$(printf 'x%.0s' {1..100000})
	run 2 query --kind uscc --number "$long" && says --number && run 2 push "$tax" --source "$long" --feed gt3 && says --source &&
		run 2 query --kind uscc --number 1 --purpose $'a\nBidui-Operator: b' && says --purpose &&
		run 2 query --kind uscc --number 1 --purpose $'\xff' && says UTF-8 && run 2 push "$tax" --source '' --feed gt3 &&
		run 5 push "$tax" --source ../../v1 --feed gt3 && says source.unknown && ! grep -q "${long:0:5000}" "$work/err"
}

not_reached() {
	BIDUI_SERVER=https://127.0.0.1:1 run 3 status && has_no_data && says '无法连接' && says 127.0.0.1:1 &&
		run 3 status --ca "$work/tls/other.crt" && says 不是由所给的 && says connect.certificate_issuer &&
		run 3 status --cert "$work/tls/other.crt" --key "$work/tls/other.key" && says 不信任本端证书 && says connect.own_issuer &&
		BIDUI_SERVER=http://192.0.2.1 run 3 status && says https &&
		BIDUI_SERVER="https://127.0.0.1:$http_port" run 3 status && has_no_data
}

unusable_configuration() {
	run 4 status --ca "$work/none.crt" && says "$work/none.crt" && has_no_data &&
		run 4 status --key "$work/tls/other.key" && run 4 status --cert "$work/none.crt" &&
		BIDUI_SERVER=ftp://127.0.0.1 run 4 status && says ftp://127.0.0.1
}

refused() {
	run 5 push "$tax" --source tax --feed none && says source.unknown && has_no_data &&
		run 5 push "$work/cut.xml" --source tax --feed gt3 && says "$work/cut.xml:1:" &&
		(unset BIDUI_CERT BIDUI_KEY && run 5 status && says auth.unknown) &&
		printf '{"matter":' >"$work/q.json" && run 5 compare "$work/q.json" && says "$work/q.json:1:"
}

# -- others than the gateway --

# serve SCRIPT: a server of one connection; SCRIPT is Python with `peer` (a socket) and `head` (its request).
serve() {
	rm -f "$work/odd.port"
	python3 - "$work/odd.port" "$1" <<'END' &
import os, socket, sys
listening = socket.socket()
# So little fits on the way that a long body is never all sent before it is read here.
listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
listening.bind(("127.0.0.1", 0))
listening.listen(1)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(listening.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
peer, _ = listening.accept()
head = b""
while b"\r\n\r\n" not in head:
    head += peer.recv(65536)
exec(sys.argv[2])
peer.close()
END
	odd_pid=$!
	until [ -s "$work/odd.port" ]; do kill -0 "$odd_pid" || return 1; read -r -t 0.02 <> <(:) || true; done
	BIDUI_SERVER=http://127.0.0.1:$(cat "$work/odd.port")
	export BIDUI_SERVER
}

# After the head is read the file changes, and the rest of it follows: the last byte must not come.
changes_while_sent() {
	local change=$1
	rm -f "$work/growing" && truncate -s 33554432 "$work/growing"
	serve "
import os
$change
got = len(head) - head.index(b'\r\n\r\n') - 4
while got < 33554432:
    piece = peer.recv(1 << 20)
    if not piece: break
    got += len(piece)
open('$work/got', 'w').write(str(got))"
	run 2 push "$work/growing" --source tax --feed gt3 && says 被改动 && has_no_data && wait "$odd_pid" &&
		[ "$(cat "$work/got")" -lt 33554432 ]
}

a_file_that_is_still_written() {
	(changes_while_sent "open('$work/growing', 'a').write('more')") &&
		(changes_while_sent "os.truncate('$work/growing', 33554431)") &&
		(changes_while_sent "open('$work/growing', 'r+').write('y')")
}

# Deleted while it is sent: what was opened is whole, and goes out whole.
a_file_that_vanishes() (
	rm -f "$work/growing" && truncate -s 33554432 "$work/growing"
	serve "
import os
os.unlink('$work/growing')
got = len(head) - head.index(b'\r\n\r\n') - 4
while got < 33554432: got += len(peer.recv(1 << 20))
peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{\"received\":1,\"accepted\":1,\"rejected\":0}\n')"
	run 0 push "$work/growing" --source tax --feed gt3 && wait "$odd_pid" && shows '^收到 1 '
)

an_answer_of_somebody_else() (
	serve "peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>')"
	run 5 status && says 应答不是网关应有的格式 && has_no_data || return 1
	serve "peer.sendall(b'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n')"
	run 3 status && says connect.redirect && has_no_data || return 1
	serve "peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{')"
	run 3 status && says connect.broken && has_no_data || return 1
	serve "peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')"
	run 5 status && has_no_data
)

an_answer_cannot_steer_the_terminal() (
	serve "body = br'{\"feeds\":[{\"source\":\"\u001b]0;x\u0007\u009b2J\",\"feed\":\"a\u007f\"}]}'
peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)"
	run 0 status && ! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]\|\xc2\x9b' "$work/out" && shows '\?\]0;x\?\?2J'
)

# -- completion --

complete_line() { # WORD...: what completes the last one, sorted, on one line
	(
		PATH=$build:$PATH
		. "$top/doc/bash-completion/bidui"
		COMP_WORDS=(bidui "$@")
		COMP_CWORD=$#
		_bidui
		printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd' '
	)
}

completes() { # WANTED WORD...
	local wanted=$1 got
	shift
	got=$(complete_line "$@")
	[ "$got" = "$wanted" ] || { echo "$*: $got"; return 1; }
}

completion_knows_it_all() {
	completes 'push' pu && completes 'run validate' adapter '' && completes 'json text' -o '' && completes 'json' status -o j &&
		completes '--delivery --dry-run' push --d && completes '--number' query --n && completes '' status --total 1 --n || return 1
	local command option
	for command in $(complete_line ''); do
		for option in $("$bidui" help "$command" | sed -n 's/^  \(-[-a-z]*\) .*/\1/p'); do
			[[ " $(complete_line "$command" -) " == *" $option "* ]] || { echo "$command $option"; return 1; }
		done
	done
	[ -n "$command" ] && touch "$work/a file.xml" && (cd "$work" && completes 'a file.xml' push 'a f')
}

make_keys
make_certificate other '/CN=stranger' 'extendedKeyUsage=clientAuth'
# Of another authority: signed by itself.
openssl req -x509 -new -key "$work/tls/other.key" -subj '/CN=stranger' -days 1 -out "$work/tls/other.crt" 2>/dev/null
write_settings 0 0
sed -i 's|^</grants>| <grant id="names" sender="demo" purpose="姓名核对" entity="person" fields="name" disclosure="values" basis="SAMPLE-2026-001" from="2026-01-01" until="2099-12-31"/>\n&|' \
	"$work/grants.xml"
start_or_bail
head -c 700 "$tax" >"$work/cut.xml"
push_samples "$top/tests/e2e/samples.tsv" || exit 1

check 'push: counts first, in either language' push_shows_counts_first
check 'push: each reject with its place, code, both texts and what to do' push_names_each_reject
check 'push: a dry run says what would be stored, and stores nothing' dry_run_stores_nothing
check 'adapter run: every sample here as at the gateway' run_here_is_run_there
check 'adapter: validate and run, good and broken' adapter_is_tried
check 'compare: decision, and every element with its reason' compare_shows_each_element
check 'query: every source, what may not be seen, by number and by file' query_shows_each_source
check 'query: what is withheld, and who gives the grant that is missing' query_says_what_is_withheld
check 'status: a table' status_is_a_table
check 'scripts: -o json of every command, problems too' json_of_every_command
check 'scripts: lines, the worst decides' lines_are_judged_by_the_worst
check 'scripts: standard input' standard_input
check 'scripts: a pipe sees data only' a_pipe_sees_data_only
check 'scripts: a full disk is not success' a_full_disk_is_told
check 'scripts: gzip is sent as such' gzip_is_sent_as_such
check 'scripts: an answer longer than a question may be' a_long_answer_is_read
check 'terminal: progress of bytes, rate and time, as wide as the terminal' progress_is_drawn
check 'terminal: no progress elsewhere' progress_needs_a_terminal
check 'terminal: colours, and NO_COLOR' colour_by_wish
check 'clerk: wrong usage is 2, and says what was meant' wrong_usage
check 'clerk: help of all and of each' help_is_given
check 'clerk: a file that is none' files_that_are_none
check 'clerk: an empty file' an_empty_file
check 'clerk: values that are none' values_that_are_none
check 'clerk: not reached is 3, and why' not_reached
check 'clerk: files of TLS that cannot be used are 4' unusable_configuration
check 'clerk: refused is 5, and where' refused
check 'clerk: a file that is still written is not sent whole' a_file_that_is_still_written
check 'clerk: a file that vanishes is sent whole' a_file_that_vanishes
check 'clerk: an answer of somebody else' an_answer_of_somebody_else
check 'an answer cannot steer the terminal' an_answer_cannot_steer_the_terminal
check 'completion: commands, options, values, files' completion_knows_it_all
check 'the gateway stops in order' stop_gateway
echo "1..$count"
