#!/usr/bin/env bash
# slow.sh TOP BUILD WORK - 13,000 clients that are slow on purpose, over TLS, beside good ones (reliability.md, promise 6).
#
# The good ones' p99 may be 50 ms at most and twice what it is alone, none of them is refused, and a slow connection
# costs 48 KiB at most; every slow one is cut off. Exit 0 only then. HEADS, BODIES and READS change how many there are.
# The p99 that is judged is the median of those of windows of some seconds in which the host took next to nothing of the
# processors (slow.c says how many, how long and how much). Exit 4: too few were so quiet, alone or beside the slow ones.
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
write_timeout_ms = 60000
idle_timeout_ms = 600000
END
start_gateway || { tail -n 20 "$work/biduid.log" >&2; exit 1; }
push_samples "$top/tests/e2e/samples.tsv"
jq -c .question "$top/schemas/matters/individual-business-registration/cases/01-pass.json" >"$work/case.json"
"$build/tests/bench/slow" --port "$https_port" --pid "$bidui_pid" --ca "$work/tls/ca.crt" --cert "$work/tls/client.crt" \
	--key "$work/tls/client.key" --body "$work/case.json" --heads "$heads" --bodies "$bodies" --reads "$reads" \
	--baseline-s "${BASELINE_S:-45}" --under-s "${UNDER_S:-45}" --patience-s 120 --open-rate "${OPEN_RATE:-300}" >"$work/slow.json"
curl -s --cacert "$work/tls/ca.crt" "https://127.0.0.1:$https_port/metrics" >"$work/metrics"
stop_gateway
jq -r --argjson wanted $((heads + bodies + reads)) '
	def ms: (. / 10 | round) / 100;
	((.under_kib - .before_kib) / .held * 10 | round / 10) as $kib |
	def middle: map(.p99_us) | sort | if . == [] then 0 else (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2 end;
	def quiet: map(select(.is_quiet));
	.quiet_least as $least | ([.baseline, .under] | map(.windows | quiet)) as [$alone_windows, $beside_windows] |
	($alone_windows | middle) as $alone | ($beside_windows | middle) as $beside |
	def seen: [.p50_us, .p99_us, .max_us, .late_p99_us] | map(ms) | join("  ");
	[["alone: p50, p99, max, own lateness p99, ms", (.baseline | seen), ""],
	["beside the slow ones: the same", (.under | seen), ""],
	["p99, median of quiet windows: alone, beside, ms",
		"\($alone | ms)  \($beside | ms)  (of \($alone_windows | length) and \($beside_windows | length))",
		(if ([$alone_windows, $beside_windows] | any(length < $least)) then "not quiet"
			else $beside <= 50000 and $beside <= 2 * $alone end)],
	["good requests sent, answered, refused, closed",
		([.under.sent, .under.answered, .under.refused, .under.closed] | map(tostring) | join("  ")),
		(.under.refused == 0 and .under.closed == 0 and .under.answered == .under.sent)],
	["slow connections held at once", "\(.held) of \($wanted)", .held >= $wanted * 0.99],
	["memory of a connection, KiB", "\($kib)", $kib <= 48],
	["slow heads: told 408, closed, still open", "\(.heads.timeout)  \(.heads.closed)  \(.heads.open)", .heads.open == 0],
	["slow bodies: told 408, closed, still open", "\(.bodies.timeout)  \(.bodies.closed)  \(.bodies.open)", .bodies.open == 0],
	["slow reads: closed, still open", "\(.reads.closed)  \(.reads.open)", .reads.open == 0]]
	| .[] | [.[0], .[1], (if .[2] == true then "ok" elif .[2] == false then "MISSED" else .[2] end)] | @tsv' "$work/slow.json" >"$work/slow.tsv"
while IFS=$'\t' read -r name value verdict; do
	printf '%-50s %-28s %s\n' "$name" "$value" "$verdict"
done <"$work/slow.tsv"
! grep -q MISSED "$work/slow.tsv"
if grep -q 'not quiet$' "$work/slow.tsv"; then
	echo '宿主机占用处理器过多，p99 未作结论：请在较空闲时再运行' >&2
	echo 'the host took too much of the processors, so nothing is said of the p99: run it again when it is quieter' >&2
	exit 4
fi
