#!/usr/bin/env bash
# slow.sh TOP BUILD WORK - 13,000 clients that are slow on purpose, over TLS, beside good ones (reliability.md, promise 6).
#
# The good ones' p99 may be 50 ms at most and twice what it is alone, none of them is refused, and a slow connection
# costs 48 KiB at most; every slow one is cut off. Exit 0 only then. HEADS, BODIES and READS change how many there are.
set -euo pipefail
top=$1 build=$2 work=$3
heads=${HEADS:-10000} bodies=${BODIES:-2000} reads=${READS:-1000}
export LC_ALL=C.UTF-8
mkdir -p "$work"
rm -rf "$work/data"
. "$top/tests/e2e/lib.sh"
trap stop_gateway EXIT
needed=$((heads + bodies + reads + 256))
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -Hn)" != unlimited ] && [ "$(ulimit -Hn)" -lt "$needed" ]; then
	echo "文件描述符上限为 $(ulimit -Hn)，需要 $needed：请提高 ulimit -Hn" >&2
	echo "the limit of descriptors is $(ulimit -Hn), $needed are needed: raise ulimit -Hn" >&2
	exit 3
fi
make_keys
write_settings 0 0
cat >>"$work/bidui.conf" <<END
connections_max = $((needed * 2 < 65536 ? needed * 2 : 65536))
header_timeout_ms = 60000
body_timeout_ms = 60000
idle_timeout_ms = 600000
END
start_gateway || { tail -n 20 "$work/biduid.log" >&2; exit 1; }
push_samples "$top/tests/e2e/samples.tsv"
jq -c .question "$top/schemas/matters/individual-business-registration/cases/01-pass.json" >"$work/case.json"
"$build/tests/bench/slow" --port "$https_port" --pid "$bidui_pid" --ca "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
	--key "$work/tls/client.key" --body "$work/case.json" --heads "$heads" --bodies "$bodies" --reads "$reads" \
	--baseline-s "${BASELINE_S:-15}" --under-s "${UNDER_S:-30}" --patience-s 120 --open-rate "${OPEN_RATE:-300}" >"$work/slow.json"
curl -s --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/metrics" >"$work/metrics"
stop_gateway
jq -r --argjson wanted $((heads + bodies + reads)) '
	def ms: (. / 10 | round) / 100;
	((.under_kib - .before_kib) / .held * 10 | round / 10) as $kib |
	[["good clients alone: p50, p99, max ms", ([.baseline.p50_us, .baseline.p99_us, .baseline.max_us] | map(ms) | join("  ")), ""],
	["good clients beside the slow ones", ([.under.p50_us, .under.p99_us, .under.max_us] | map(ms) | join("  ")),
		(.under.p99_us <= 50000 and .under.p99_us <= 2 * .baseline.p99_us)],
	["good requests sent, answered, refused, closed",
		([.under.sent, .under.answered, .under.refused, .under.closed] | map(tostring) | join("  ")),
		(.under.refused == 0 and .under.closed == 0 and .under.answered == .under.sent)],
	["slow connections held at once", "\(.held) of \($wanted)", .held >= $wanted * 0.99],
	["memory of a connection, KiB", "\($kib)", $kib <= 48],
	["slow heads: told 408, closed, still open", "\(.heads.timeout)  \(.heads.closed)  \(.heads.open)", .heads.open == 0],
	["slow bodies: told 408, closed, still open", "\(.bodies.timeout)  \(.bodies.closed)  \(.bodies.open)", .bodies.open == 0],
	["slow reads: closed, still open", "\(.reads.closed)  \(.reads.open)", .reads.open == 0]]
	| .[] | [.[0], .[1], (if .[2] == "" then "" elif .[2] then "ok" else "MISSED" end)] | @tsv' "$work/slow.json" >"$work/slow.tsv"
while IFS=$'\t' read -r name value verdict; do
	printf '%-50s %-28s %s\n' "$name" "$value" "$verdict"
done <"$work/slow.tsv"
! grep -q MISSED "$work/slow.tsv"
