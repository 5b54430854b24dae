#!/usr/bin/env bash
# hostile.sh - bad messages and questions sent to a running gateway: each is refused by a code and a place, none is a
# 500, no value comes back, and nothing of them is in the log. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")

nothing_of_them_is_logged() {
	! grep -E '440311|林|示例|MAXXXXX' "$work/biduid.log"
}

none_died() {
	ask GET /metrics >/dev/null
	grep -qx 'bidui_workers_died_total 0' "$work/body" && grep -qx 'bidui_workers_forbidden_total 0' "$work/body"
}

make_keys
write_settings 0 0
start_or_bail
mkdir "$work/inputs"
if ! srcdir=$top BIDUI_HOSTILE_WRITE="$work/inputs" "$build/tests/unit/test_hostile_many" >"$work/check.out" 2>&1; then
	echo 'Bail out! no inputs'
	exit 1
fi
check 'every input is refused by a code and a place' "$python" -W ignore "$top/tests/e2e/hostile.py" --top "$top" \
	--port "$https_port" --tls "$work/tls" --inputs "$work/inputs"
check 'nothing of them is in the log' nothing_of_them_is_logged
check 'no process died of one' none_died
check 'a good message is read as ever' status_is 200 push tax/gt3 "$top/adapters/tax/samples/tax_gt3_response.xml"
stop_gateway || exit 1
echo "1..$count"
