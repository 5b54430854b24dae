#!/usr/bin/env bash
# loading.sh SOURCE BUILD WORK - the initial load beside pushing the same data (README.md says how).
# LOAD_PEOPLE: "100000 1000000", one run each; LOAD_PUSH: up to how many the same is pushed as well (1000000).
set -euo pipefail
top=$1 build=$2 work=$3
export LC_ALL=C.UTF-8
rm -rf "$work"
mkdir -p "$work"
. "$top/tests/e2e/lib.sh"
trap stop_gateway EXIT

# CPU of a process and of the children it had and has, in milliseconds.
cpu_ms() {
	local pid ticks
	ticks=$(awk '{ print $14 + $15 + $16 + $17 }' "/proc/$1/stat")
	for pid in $(pgrep -P "$1"); do
		ticks=$((ticks + $(awk '{ print $14 + $15 }' "/proc/$pid/stat")))
	done
	echo $((ticks * 1000 / $(getconf CLK_TCK)))
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

row() { # WHO RECORDS WALL-MS CPU-MS
	printf '%-8s %10s records %8s ms %8s records/s %7s us CPU/record %6s bytes/subject on disk\n' "$1" "$2" "$3" \
		$(($2 * 1000 / $3)) "$(awk -v c="$4" -v n="$2" 'BEGIN { printf "%.1f", c * 1000 / n }')" \
		$(($(du -s --block-size=1 "$work/data" | cut -f 1) / $2)) | tee -a "$work/results.txt"
}

fresh() {
	rm -rf "$work/data"
	mkdir -m 700 "$work/data"
}

load_one() { # RECORDS
	local begin end times TIMEFORMAT='%U %S'
	fresh
	begin=$(now_ms)
	times=$({ time "$build/bidui" load "$work/gen/social_packet.xml" --source social --feed packet \
		--config "$work/bidui.conf" >"$work/out" 2>"$work/err"; } 2>&1) || { cat "$work/err" >&2; return 1; }
	end=$(now_ms)
	row load "$1" $((end - begin)) "$(awk '{ printf "%d", ($1 + $2) * 1000 }' <<<"$times")"
	begin=$(now_ms)
	start_gateway
	end=$(now_ms)
	printf 'biduid starts with them and is ready in %s ms\n' $((end - begin)) | tee -a "$work/results.txt"
	stop_gateway || return 1
}

push_one() { # RECORDS
	local begin end cpu
	fresh
	start_gateway
	cpu=$(cpu_ms "$bidui_pid")
	begin=$(now_ms)
	"$build/bidui" push "$work/gen/social_packet.xml" --source social --feed packet >"$work/out" 2>"$work/err" ||
		{ cat "$work/err" >&2; return 1; }
	end=$(now_ms)
	row push "$1" $((end - begin)) $(($(cpu_ms "$bidui_pid") - cpu))
	stop_gateway || return 1
}

make_keys
write_settings 0 0
# So that a million in one message may be pushed.
echo 'body_max_bytes = 17179869184' >>"$work/bidui.conf"
for people in ${LOAD_PEOPLE:-100000 1000000}; do
	rm -rf "$work/gen"
	"$build/tests/gen/bidui_gen" --people "$people" --businesses 1 --seed 5 --fault-rate 0 --out "$work/gen"
	find "$work/gen" -type f ! -name social_packet.xml -delete
	load_one "$people"
	[ "$people" -gt "${LOAD_PUSH:-1000000}" ] || push_one "$people"
done
rm -rf "$work/gen" "$work/data"
