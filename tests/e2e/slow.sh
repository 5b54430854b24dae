#!/usr/bin/env bash
# slow.sh - clients that are slow on purpose, beside good ones: each good request is answered, each slow connection is
# cut off with its own ending. A small form of tests/bench/slow.sh, with short limits and no figures. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-.}
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT

result() { # JQ-FILTER: true of what became of all
	jq -e "$1" "$work/slow.json"
}

make_keys
write_settings 0 0
cat >>"$work/bidui.conf" <<END
header_timeout_ms = 1500
body_timeout_ms = 1500
write_timeout_ms = 1500
END
check 'the gateway starts' start_gateway
jq -c .question "$top/schemas/matters/individual-business-registration/cases/01-pass.json" >"$work/case.json"
check 'slow and good clients end' "$build/tests/bench/slow" --port "$https_port" --pid "$bidui_pid" --ca "$work/tls/ca.crt" \
	--cert "$work/tls/client.crt" --key "$work/tls/client.key" --body "$work/case.json" --heads 120 --bodies 40 --reads 40 \
	--good 4 --rate 50 --baseline-s 1 --under-s 3 --patience-s 25 --open-rate 400 --drip-ms 200
cp "$work/check.out" "$work/slow.json"
check 'every good request is answered' result '.under | .sent >= 100 and .answered == .sent and .refused == 0 and .closed == 0'
# A client that is itself kept waiting for a second sends into a closed connection, and loses what it was told.
check 'slow heads are told that they are too slow' result '.heads | .timeout >= 1 and .timeout + .closed == 120'
check 'slow bodies are told that they are too slow' result '.bodies | .timeout >= 1 and .timeout + .closed == 40'
check 'clients that do not read are cut off' result '.reads == {open: 0, timeout: 0, closed: 40, answered: 0, failed: 0}'
check 'the gateway stops' stop_gateway
echo "1..$count"
