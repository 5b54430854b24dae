#!/usr/bin/env bash
# demo.sh SOURCE BUILD WORK - starts a gateway, pushes the samples, runs the sample cases, prints the table.
# Exit 0 only when every case came out as its file expects.
set -euo pipefail
top=$1 build=$2 work=$3
export LC_ALL=C.UTF-8
mkdir -p "$work"
. "$top/tests/e2e/lib.sh"
# The data of a demonstration are looked at by people, not by a test.
nothing_personal_in_clear() { :; }
trap 'stop_gateway; stop_stand_in' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

choose_port() {
	local wanted=$1
	if port_is_taken "$wanted"; then
		echo 0
	else
		echo "$wanted"
	fi
}

# Whom departments were asked about, the elements that were not match, and why, and what is still owed: from the answer on
# stdin.
explain() {
	jq -r '[((.look_ups // [])[] | "现场查询 looked up: " + .source + "/" + .feed + " " + .detail_zh),
		((.findings // [])[] | select(.code != "match") |
		.element + " = " + .code + (.flags | map("+" + .) | join(""))
		+ (if .detail_zh then " (" + .detail_zh + ")" else "" end)),
		((.obligations // .offer // .missing // [])[] |
		.zh + (if .due then "：" + .due + " 前" else "：须先交" end))]
		| if . == [] then "-" else join("; ") end'
}

# run_case FILE: one row of the table; false when the answer is not the expected one.
run_case() {
	local file=$1 name matter decision why verdict=ok wrong
	name=$(basename "$file" .json)
	jq .question "$file" >"$work/question.json"
	"$build/bidui" -o json compare "$work/question.json" >"$work/answer.json" 2>"$work/answer.err" ||
		[ -s "$work/answer.json" ] || cat "$work/answer.err" >&2
	matter=$(jq -r .matter "$work/question.json")
	decision=$(jq -r '.decision // .code' "$work/answer.json" 2>/dev/null || true)
	wrong=$(jq -r --slurpfile case "$file" -f "$top/tests/e2e/differences.jq" "$work/answer.json" 2>/dev/null ||
		echo unreadable)
	why=$(explain <"$work/answer.json" 2>/dev/null || true)
	[ -z "$wrong" ] || verdict="✗ $wrong"
	printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$matter" "${decision:-?}" "${why:--}" "$verdict" >>"$work/table"
	[ "$verdict" = ok ]
}

# Columns as wide as their widest cell; the last one is free.
print_table() {
	local -a cells widths=(0 0 0 0 0)
	local i w
	while IFS=$'\t' read -r -a cells; do
		for i in 0 1 2 4; do
			w=$(text_width "${cells[$i]-}")
			[ "$w" -le "${widths[$i]}" ] || widths[i]=$w
		done
	done <"$work/table"
	while IFS=$'\t' read -r -a cells; do
		for i in 0 1 2 4; do
			pad "${cells[$i]-}" "${widths[$i]}"
			printf '  '
		done
		printf '%s\n' "${cells[3]-}"
	done <"$work/table"
}

make_keys
rm -rf "$work/data"
https=$(choose_port 8443)
http=$(choose_port 8080)
write_settings "$https" "$http"
# The tax authority, which stands in here, has not told of this one: it is asked when a case needs it.
untold=tax/samples/tax_gt3_no_matters.xml
start_stand_in --samples "$top/adapters" || { echo '替身部门未能启动 the stand-in department did not start' >&2; exit 1; }
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
cat >"$work/sources.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<sources>
 <source name="tax">
  <http name="main" base="http://127.0.0.1:$stand_in_http/tax/gt3" allow="127.0.0.1" plaintext="true">
   <value name="channel_id" value="SZGM.ZWFW.BIDUI"/>
  </http>
  <look-up from="main" request="by-number" feed="gt3"/>
 </source>
</sources>
END
if ! start_gateway; then
	echo '网关未能启动，日志如下' >&2
	echo 'the gateway did not start; its log:' >&2
	tail -n 40 "$work/biduid.log" >&2
	exit 1
fi
[ "$https" != 0 ] || echo "端口 8443 已被占用，改用 port 8443 is taken, using $https_port"
[ "$http" != 0 ] || echo "端口 8080 已被占用，改用 port 8080 is taken, using $http_port"
echo "网关已就绪 ready: $BIDUI_SERVER (pid $bidui_pid)"

status=0
grep -v "^$untold" "$top/tests/e2e/samples.tsv" >"$work/samples.tsv"
push_samples "$work/samples.tsv" || status=1
echo "未推送 not pushed: $untold（需要时现场查询替身税务部门 asked of the stand-in tax authority when it is needed）"
printf '办件 case\t事项 matter\t结论 decision\t未一致要素及原因 elements not match, and why\t预期 expected\n' \
	>"$work/table"
cases=0
for file in "$top"/schemas/matters/*/cases/*.json; do
	[ -f "$file" ] && jq -e .live "$file" >/dev/null || continue
	cases=$((cases + 1))
	run_case "$file" || status=1
done
print_table
if [ "$cases" -eq 0 ]; then
	echo '没有样例办件 no sample case' >&2
	status=1
fi
if ! grep -q '现场查询 looked up: tax/gt3 成功' "$work/table"; then
	echo '没有办件现场查询了部门 no case was decided by a look-up' >&2
	status=1
fi
[ "$status" -eq 0 ] && echo "$cases 个办件均符合预期 every case came out as its file expects" ||
	echo '有结果不符合预期 not everything came out as expected' >&2

if [ -t 0 ] && [ -t 1 ]; then
	cat <<END

网关仍在运行，按 Ctrl-C 停止。The gateway stays up; Ctrl-C stops it. In another terminal:
  export BIDUI_SERVER=$BIDUI_SERVER BIDUI_CA=$BIDUI_CA BIDUI_CERT=$BIDUI_CERT BIDUI_KEY=$BIDUI_KEY \
    BIDUI_PURPOSE=$BIDUI_PURPOSE
  $build/bidui status
  $build/bidui query --kind resident_id --number 440311199106159019
  $build/bidui compare CASE.json
  $build/bidui push FILE --source SOURCE --feed FEED
END
	wait "$bidui_pid" || true
	bidui_pid=
fi
exit "$status"
