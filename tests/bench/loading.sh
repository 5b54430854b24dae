#!/usr/bin/env bash
# loading.sh SOURCE BUILD WORK - the initial load beside pushing the same data, and how its cost grows (README.md says
# how). LOAD_PEOPLE: "100000 300000 1000000", one run each; LOAD_PUSH: up to how many the same is pushed as well
# (1000000); LOAD_INTO: into what was loaded of each size so many other people are pushed (0), with LOAD_ONE by one
# connection and not by `bidui push`; LOAD_LINES: so many of a file that has a message a line are loaded first (0); LOAD_SCRATCH: where the
# dump is written (a folder of WORK; memory will do); LOAD_FREE_GB: what is left of the disk (20), a run for which that
# would not be is passed over.
set -euo pipefail
top=$1 build=$2 work=$3
export LC_ALL=C.UTF-8
rm -rf "$work"
mkdir -p "$work"
. "$top/tests/e2e/lib.sh"
. "$top/tests/bench/peers.sh"
gen=${LOAD_SCRATCH:-$work}/loading-gen
trap 'stop_gateway; rm -rf "$gen" "$work/data"' EXIT
# Of each person on the disk while it is loaded: sorted runs, store, and the dump where it is there too.
bytes_a_person=1850
[ -n "${LOAD_SCRATCH:-}" ] || bytes_a_person=2250

# CPU of a process and of the children it had and has, in milliseconds.
cpu_ms() {
	local pid ticks
	ticks=$(awk '{ print $14 + $15 + $16 + $17 }' "/proc/$1/stat")
	for pid in $(pgrep -P "$1"); do
		ticks=$((ticks + $(awk '{ print $14 + $15 }' "/proc/$pid/stat")))
	done
	echo $((ticks * 1000 / $(getconf CLK_TCK)))
}

written() {
	python3 "$top/tests/bench/loading.py" written "$work"
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# WHO PEOPLE SECONDS CPU-US WRITTEN KIB READY-MS: a line of the results, with what is in the store and was not before.
disk_before=0 packed_before=0
note() {
	local disk packed links
	disk=$(du -s --block-size=1 --exclude=trail "$work/data" | cut -f 1)
	"$build/tests/bench/bench_store" "$work/data" >"$work/rows"
	packed=$(awk -F '\t' '$1 == "nodes" { print $4 }' "$work/rows")
	links=$(awk -F '\t' '$1 == "owners" || $1 == "links" { sum += $5 } END { print sum }' "$work/rows")
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$6" "$((disk - disk_before))" \
		"$((packed - packed_before))" "$links" "$7" "$busy" >>"$work/raw.tsv"
	tail -n 1 "$work/raw.tsv"
	disk_before=$disk packed_before=$packed
}

fresh() {
	rm -rf "$work/data"
	mkdir -m 700 "$work/data"
	disk_before=0 packed_before=0
	busy=$(cut -d ' ' -f 1 /proc/loadavg)
}

load_one() { # WHO PEOPLE FEED
	local begin used
	fresh
	used=$(python3 "$top/tests/bench/loading.py" run "$work" "$build/bidui" load "$gen/$only" --source social \
		--feed "$3" --config "$work/bidui.conf" 2>"$work/err" | tail -n 1) || { cat "$work/err" >&2; return 1; }
	begin=$(now_ms)
	start_gateway
	read -r seconds cpu bytes memory <<<"$used"
	ready=$(($(now_ms) - begin))
	stop_gateway || return 1
	note "$1" "$2" "$seconds" "$cpu" "$bytes" "$memory" "$ready"
}

append_one() { # PEOPLE
	append_bare "$1"
	printf 'bare LMDB\t%s\t%s\t0\t-1\t%s\n' "$1" "$bare" "$busy" | tee -a "$work/raw.tsv"
}

push_one() { # WHO PEOPLE; `one`: by one connection
	local begin end cpu bytes memory
	start_gateway
	cpu=$(cpu_ms "$bidui_pid")
	bytes=$(written)
	begin=$(now_ms)
	if [ -n "$one" ]; then
		"$build/tests/bench/bench_load" --port "$https_port" --path /v1/sources/social/packet --once --whole --sleep \
			--type application/octet-stream --connections 1 --bodies "$gen/social_packet.xml" \
			--ca "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key" \
			--watch "$bidui_pid" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
	else
		"$build/bidui" push "$gen/social_packet.xml" --source social --feed packet >"$work/out" 2>"$work/err" ||
			{ cat "$work/err" >&2; return 1; }
	fi
	end=$(now_ms)
	cpu=$((($(cpu_ms "$bidui_pid") - cpu) * 1000))
	bytes=$(($(written) - bytes))
	memory=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$bidui_pid/status")
	stop_gateway || return 1
	note "$1" "$2" "$(awk -v ms=$((end - begin)) 'BEGIN { print ms / 1000 }')" "$cpu" "$bytes" "$memory" -1
}

# The one file of those that the generator writes; the others are as many times larger.
generate() { # PEOPLE [FIRST]; `only`: which
	local name
	rm -rf "$gen"
	mkdir -p "$gen"
	for name in medical.ndjson social_nws.ndxml social_packet.xml social_nws.xml tax.ndxml truth.tsv; do
		[ "$name" = "$only" ] || ln -s /dev/null "$gen/$name"
	done
	"$build/tests/gen/bidui_gen" --people "$1" --businesses 1 --first "${2:-1}" --seed 5 --fault-rate 0 --out "$gen"
}

make_keys
write_settings 0 0
# So that a million in one message may be pushed.
echo 'body_max_bytes = 17179869184' >>"$work/bidui.conf"
one=${LOAD_ONE:-}
if [ "${LOAD_LINES:-0}" -gt 0 ]; then
	only=social_nws.ndxml
	generate "$LOAD_LINES"
	load_one lines "$LOAD_LINES" nws
fi
only=social_packet.xml
for people in ${LOAD_PEOPLE:-100000 300000 1000000}; do
	free=$(df --output=avail --block-size=1 "$work" | tail -n 1)
	if [ $((people * bytes_a_person + ${LOAD_FREE_GB:-20} * 1000000000)) -gt "$free" ]; then
		echo "$people: 磁盘不够，跳过 passed over: there is too little room on the disk"
		continue
	fi
	generate "$people"
	load_one load "$people" packet
	append_one "$people"
	if [ "$people" -le "${LOAD_PUSH:-1000000}" ]; then
		fresh
		one='' push_one push "$people"
	fi
	if [ "${LOAD_INTO:-0}" -gt 0 ]; then
		generate "$LOAD_INTO" $((people + 1))
		busy=$(cut -d ' ' -f 1 /proc/loadavg)
		push_one "push into $people${one:+ by one connection}" "$LOAD_INTO"
	fi
	rm -rf "$gen" "$work/data"
	python3 "$top/tests/bench/loading.py" report "$work/raw.tsv" "$work/results.tsv" "$work/growth.svg"
done
