#!/usr/bin/env bash
# bench.sh SOURCE BUILD WORK - every path beside its peer in one run, then a table (README.md says how).
# Exit 0 unless bidui itself fails; a peer that is missing is said in the table.
# BENCH_ROUNDS (5), BENCH_PEOPLE (20000), BENCH_SECONDS (2) of one load.
set -euo pipefail
top=$1 build=$2 work=$3
rounds=${BENCH_ROUNDS:-5} people=${BENCH_PEOPLE:-20000} seconds=${BENCH_SECONDS:-2}
export LC_ALL=C.UTF-8
rm -rf "$work"
mkdir -p "$work"
. "$top/tests/e2e/lib.sh"
. "$top/tests/bench/peers.sh"
load=$build/tests/bench/bench_load
# Gigabytes of cases would be looked through.
looks_for_nobody=yes
raw=$work/raw.tsv
# One processor for the server, one for the client, where there are two.
server_core=0 client_core=$(($(nproc) > 1 ? 1 : 0))
load_options=()
[ "$client_core" != "$server_core" ] || load_options+=(--sleep)

stop_all() {
	stop_gateway
	stop_peers
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

note() {
	printf '%s\n' "$1" >&2
}

# row SECTION CASE WHO ROUND VALUES...: one measured line, for report.py.
row() {
	local IFS=$'\t'
	printf '%s\n' "$*" >>"$raw"
}

# -- intake --

# CPU of a command in microseconds; its output is thrown away.
command_cpu_us() {
	local TIMEFORMAT='%U %S' times
	times=$({ time "$@" >/dev/null 2>"$work/command.err"; } 2>&1) || return 1
	awk '{ printf "%d\n", ($1 + $2) * 1e6 }' <<<"$times"
}

# The GT3 replies and the taxML inside them, each under one root, for a validator that knows no CDATA.
wrap_tax() {
	{
		echo '<all xmlns="http://www.chinatax.gov.cn/spec/">'
		sed 's/^<?xml[^>]*?>//' "$work/gen/tax.ndxml"
		echo '</all>'
	} >"$work/gen/tax_service.xml"
	{
		echo '<all xmlns="http://www.chinatax.gov.cn/dataspec/">'
		sed 's/^.*<!\[CDATA\[<?xml[^>]*?>//; s/]]>.*$//' "$work/gen/tax.ndxml"
		echo '</all>'
	} >"$work/gen/taxml.xml"
}

# read_by WHO CASE ROUND SCHEMA=FILE...: the sum of what a peer needs for the files of one case; xmllint
# validates them, sax only parses them.
read_by() {
	local who=$1 case=$2 round=$3 sum=0 bytes=0 pair cpu
	shift 3
	[ $# -gt 0 ] && command -v xmllint >/dev/null || return 0
	for pair in "$@"; do
		local how=(--sax)
		[ "$who" = sax ] || how=(--stream --schema "$top/tests/bench/${pair%%=*}")
		if ! cpu=$(command_cpu_us xmllint --noout "${how[@]}" "$work/gen/${pair#*=}"); then
			note "xmllint: $(head -n 1 "$work/command.err")"
			return 0
		fi
		sum=$((sum + cpu))
		bytes=$((bytes + $(stat -c %s "$work/gen/${pair#*=}")))
	done
	row intake "$case" "$who" "$round" "$people" "$bytes" "$sum"
}

validate() {
	read_by xmllint "$@"
	read_by sax "$@"
}

# CASE SOURCE FEED FILE CUT SCHEMA=FILE...; market and medical have no XML.
intake_cases='social-nws social nws social_nws.ndxml lines nws.xsd=social_nws.xml
social-packet social packet social_packet.xml message packet.xsd=social_packet.xml
tax-gt3 tax gt3 tax.ndxml lines tax_service.xsd=tax_service.xml taxml.xsd=taxml.xml
medical-1101 medical 1101 medical.ndjson lines
market-base market e_pb_baseinfo market_E_PB_BASEINFO.utf8.txt message
market-operator market e_pb_operator market_E_PB_OPERATOR.utf8.txt message'

intake_one() {
	local round=$1 case=$2 source=$3 feed=$4 file=$5 cut=$6 values
	shift 6
	[ $((round % 2)) -eq 1 ] || validate "$case" "$round" "$@"
	values=$(taskset -c "$client_core" "$build/tests/bench/bench_intake" "$top" "$source" "$feed" \
		"$work/gen/$file" "$cut" 0.25)
	# messages received records bytes cpu: a record is a person or a business, as in the validated file
	row intake "$case" bidui "$round" "$(awk -v cut="$cut" -v people="$people" -v size="$(stat -c %s "$work/gen/$file")" \
		'{ print cut == "lines" ? $1 : people * $4 / size }' <<<"$values")" \
		"$(cut -f 4 <<<"$values")" "$(cut -f 5 <<<"$values")"
	[ $((round % 2)) -eq 0 ] || validate "$case" "$round" "$@"
}

bench_intake() {
	local round
	local -a words
	for ((round = 1; round <= rounds; round++)); do
		note "汇入 intake $round/$rounds"
		while read -r -a words; do
			intake_one "$round" "${words[@]}"
		done <<<"$intake_cases"
	done
}

# -- push --

# push CASE ROUND PATH FILE CONNECTIONS [--whole]: every body once; the counted time ends with the last receipt.
push() {
	local case=$1 round=$2 path=$3 file=$4 connections=$5 values
	shift 5
	values=$("$load" --port "$http_port" --path "$path" --type application/octet-stream \
		--bodies "$file" --connections "$connections" --once --sleep --watch "$bidui_pid" --memory "$@")
	row push "$case" bidui "$round" "$people" "$values"
}

bench_push() {
	local round market
	for ((round = 1; round <= rounds; round++)); do
		note "推送 push $round/$rounds"
		start_empty
		market="delivery=2026-06-01&baseline=true&total=$people"
		push social-packet "$round" /v1/sources/social/packet "$work/gen/social_packet.xml" 1 --whole
		push market-base "$round" "/v1/sources/market/e_pb_baseinfo?$market" \
			"$work/gen/market_E_PB_BASEINFO.utf8.txt" 1 --whole
		push market-operator "$round" "/v1/sources/market/e_pb_operator?$market" \
			"$work/gen/market_E_PB_OPERATOR.utf8.txt" 1 --whole
		push social-nws "$round" /v1/sources/social/nws "$work/gen/social_nws.ndxml" 64
		push tax-gt3 "$round" /v1/sources/tax/gt3 "$work/gen/tax.ndxml" 64
		push medical-1101 "$round" /v1/sources/medical/1101 "$work/gen/medical.ndjson" 64
		[ "$round" -eq "$rounds" ] || stop_gateway
	done
}

# -- initial load --

load_bidui() { # ROUND
	local used packed
	rm -rf "$work/data"
	mkdir -m 700 "$work/data"
	used=$(python3 "$top/tests/bench/loading.py" run "$work" "$build/bidui" load "$work/gen/social_packet.xml" --source social \
		--feed packet --config "$work/bidui.conf" 2>"$work/load.err" | tail -n 1) || { cat "$work/load.err" >&2; return 1; }
	"$build/tests/bench/bench_store" "$work/data" >"$work/rows"
	packed=$(awk -F '\t' '$1 == "nodes" { print $4 }' "$work/rows")
	row load initial bidui "$1" "$people" "$used" "$(du -s --block-size=1 --exclude=trail "$work/data" | cut -f 1)" "$packed"
}

bench_initial() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		note "初始装载 initial load $round/$rounds"
		load_bidui "$round"
		append_bare "$people"
		row load initial lmdb "$round" "$people" "$bare"
	done
}

# -- questions while others push --

# put PATH FILE CONNECTIONS [--whole]: pushed, not measured.
put() {
	local path=$1 file=$2 connections=$3
	shift 3
	"$load" --port "$http_port" --path "$path" --type application/octet-stream --bodies "$work/$file" \
		--connections "$connections" --once --sleep "$@" >>"$work/put.tsv"
}

put_big() {
	local market="delivery=2026-06-01&baseline=true&total=$many"
	put /v1/sources/social/packet many/social_packet.xml 1 --whole
	put "/v1/sources/market/e_pb_baseinfo?$market" many/market_E_PB_BASEINFO.utf8.txt 1 --whole
	put "/v1/sources/market/e_pb_operator?$market" many/market_E_PB_OPERATOR.utf8.txt 1 --whole
}

put_small() {
	put /v1/sources/social/nws gen/social_nws.ndxml 64
	put /v1/sources/tax/gt3 gen/tax.ndxml 64
	put /v1/sources/medical/1101 gen/medical.ndjson 64
}

# ask_beside CASE ROUND: 200 comparisons a second into the gateway that stores, and as many into nginx. What
# pushes must outlast both.
ask_beside() {
	ask bidui "beside-$1" "$2" "$http_port" "$bidui_pid" --bodies "$work/question.json" --rate 200 --sleep
	[ -z "$nginx_pid" ] || ask nginx "beside-$1" "$2" "$nginx_http" "$nginx_pid" \
		--bodies "$work/question.json" --rate 200 --sleep
}

# Clients, pushers and gateway share the processors.
bench_beside() {
	local round case pusher seconds=0.5 client_core=0-$(($(nproc) - 1)) many=$((3 * people))
	"$build/tests/gen/bidui_gen" --people "$many" --businesses "$many" --seed 1 --out "$work/many" >/dev/null
	for ((round = 1; round <= rounds; round++)); do
		note "推送时比对 compare while others push $round/$rounds"
		for case in nobody big small; do
			start_empty
			push_samples "$top/tests/e2e/samples.tsv"
			[ -n "$nginx_pid" ] || { measure_answer && start_nginx; }
			pusher=
			if [ "$case" != nobody ]; then
				"put_$case" &
				pusher=$!
			fi
			ask_beside "$case" "$round"
			if [ -n "$pusher" ]; then
				kill -0 "$pusher" 2>/dev/null || note "推送先结束 pushed before it was measured: $case"
				wait "$pusher"
			fi
			stop_gateway
		done
	done
	stop_peers
	rm -rf "$work/many"
}

# -- compare --

matters=$top/schemas/matters

# The matters as they are shipped, and one of ten elements, as the budget counts them.
make_matters() {
	schemas=$work/schemas
	cp -R "$top/schemas" "$schemas"
	chmod -R u+w "$schemas"
	mkdir "$schemas/matters/bench-ten-elements"
	cp "$top/tests/bench/ten-elements.xml" "$schemas/matters/bench-ten-elements/matter.xml"
	cp "$matters/individual-business-registration/scope_items.txt" "$schemas/matters/bench-ten-elements/"
}

# A hundred times the same question, a line each.
hundred_of() {
	awk '{ for (i = 0; i < 100; i++) print }' "$1"
}

# The applicant of the first sample case, and the same asked about everybody; the first cases of a matter over
# relations and of the heaviest.
make_questions() {
	jq -c '.question | .matter = "bench-ten-elements" | del(.materials) | .attestations |= .[0:2]' \
		"$matters/individual-business-registration/cases/01-pass.json" >"$work/question.json"
	awk -F '\t' '$1 == "person" { print $3 "\t" $4 }' "$work/gen/truth.tsv" |
		jq -R -c --slurpfile question "$work/question.json" 'split("\t") as [$no, $name] | $question[0]
			| .subjects.applicant.id_no = $no | .claims[0].value = $name' >"$work/people.ndjson"
	head -n 100 "$work/people.ndjson" >"$work/batch.ndjson"
	jq -c .question "$matters/individual-business-registration/cases/01-pass.json" >"$work/relations.json"
	jq -c .question "$matters/company-registration/cases/01-pass.json" >"$work/heaviest.json"
	hundred_of "$work/relations.json" >"$work/relations.ndjson"
	hundred_of "$work/heaviest.json" >"$work/heaviest.ndjson"
}

# ask WHO CASE ROUND PORT PID OPTIONS...: one load on a pinned server.
ask() {
	local who=$1 case=$2 round=$3 port=$4 pid=$5 values
	shift 5
	if ! values=$(taskset -c "$client_core" "$load" --port "$port" --path /v1/compare \
		--connections 32 --seconds "$seconds" --watch "$pid" \
		${load_options[@]+"${load_options[@]}"} "$@"); then
		[ "$who" != bidui ] || return 1
		return 0
	fi
	row compare "$case" "$who" "$round" "$values"
}

tls_options=(--ca "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key")

ask_bidui() {
	ask bidui plaintext "$1" "$http_port" "$bidui_pid" --bodies "$work/question.json"
	ask bidui tls "$1" "$https_port" "$bidui_pid" --bodies "$work/question.json" "${tls_options[@]}"
	ask bidui everybody "$1" "$http_port" "$bidui_pid" --bodies "$work/people.ndjson"
	ask bidui hundred "$1" "$http_port" "$bidui_pid" --bodies "$work/batch.ndjson"
	ask bidui batch "$1" "$http_port" "$bidui_pid" --bodies "$work/batch.ndjson" --whole \
		--type application/x-ndjson
	local case
	for case in relations heaviest; do
		ask bidui "$case" "$1" "$http_port" "$bidui_pid" --bodies "$work/$case.json"
		ask bidui "$case-batch" "$1" "$http_port" "$bidui_pid" --bodies "$work/$case.ndjson" --whole \
			--type application/x-ndjson --connections 4
	done
}

ask_peers() {
	if [ -n "$nginx_pid" ]; then
		ask nginx plaintext "$1" "$nginx_http" "$nginx_pid" --bodies "$work/question.json"
		ask nginx tls "$1" "$nginx_https" "$nginx_pid" --bodies "$work/question.json" \
			"${tls_options[@]}"
	fi
	[ -z "$redis_pid" ] || ask_redis "$1"
	[ -z "$postgres_pid" ] || ask_postgres "$1"
}

# At half of what bidui reached in this round, for a machine is not as fast in one as in another; times counted from
# when a request was due; and nginx at the same rate: what of the times is the machine's.
ask_half() {
	local case=$1 port=$2 peer_port=$3 rate
	shift 3
	rate=$(awk -F '\t' -v c="$case" -v r="$round" \
		'$1 == "compare" && $2 == c && $3 == "bidui" && $4 == r { print $5 / $6 / 2 }' "$raw")
	ask bidui "half-$case" "$round" "$port" "$bidui_pid" --bodies "$work/question.json" --rate "$rate" "$@"
	[ -z "$nginx_pid" ] || ask nginx "half-$case" "$round" "$peer_port" "$nginx_pid" \
		--bodies "$work/question.json" --rate "$rate" "$@"
}

# Everybody once, so that the store is in memory when it is measured.
warm_up() {
	"$load" --port "$http_port" --path /v1/compare --connections 8 --once --sleep \
		--bodies "$work/people.ndjson" >"$work/warm_up.tsv"
}

bench_compare() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		note "比对 compare $round/$rounds"
		if [ $((round % 2)) -eq 1 ]; then
			ask_bidui "$round"
			ask_peers "$round"
		else
			ask_peers "$round"
			ask_bidui "$round"
		fi
		ask_half plaintext "$http_port" "$nginx_http"
		ask_half tls "$https_port" "$nginx_https" "${tls_options[@]}"
	done
}

# The same load on one loop and on two: what a second processor brings is told by the CPU of a request, for the
# clients share the processors with the gateway here.
bench_scaling() {
	local round loops
	for ((round = 1; round <= rounds; round++)); do
		for loops in 1 2; do
			note "扩展 scaling $round/$rounds, loops = $loops"
			stop_gateway
			sed -i "s/^loops = .*/loops = $loops/" "$work/bidui.conf"
			start_timed "$round"
			row compare "loops-$loops" bidui "$round" "$("$load" --port "$http_port" \
				--path /v1/compare --connections 32 --seconds "$seconds" --sleep \
				--watch "$bidui_pid" --bodies "$work/people.ndjson")"
		done
	done
}

# -- the run --

# start_timed ROUND: until it is ready, with all that is stored.
start_timed() {
	local times
	times=$(date +%s.%N)
	start_gateway || { tail -n 20 "$work/biduid.log" >&2; exit 1; }
	row start all bidui "$1" "$((2 * people))" "$(awk '{ printf "%.3f", $2 - $1 }' <<<"$times $(date +%s.%N)")"
}

start_empty() {
	rm -rf "$work/data"
	start_gateway || { tail -n 20 "$work/biduid.log" >&2; exit 1; }
}

# Loops and workers of one processor, as the peers have it.
start_pinned() {
	printf 'loops = 1\n' >>"$work/bidui.conf"
	start_timed 0
	taskset -a -c -p "$server_core" "$bidui_pid" >"$work/taskset.out"
}

make_keys
make_matters
# As in production; the other scripts take small segments, to see them change.
trail_segment_bytes=67108864
write_settings 0 0
limits='requests_per_second = unlimited
lines_per_second = unlimited
subjects_per_hour = unlimited
subjects_per_day = unlimited
values_per_day = unlimited'
# Of the sender over TLS, which stands there already, and of the one without.
printf '%s\n\n[local]\nloopback = yes\nroles = department engine operator\nsources = market medical social tax\n%s\n' \
	"$limits" "$limits" >>"$work/senders"
write_grants demo local >"$work/grants.xml"
"$build/tests/gen/bidui_gen" --people "$people" --businesses "$people" --seed 1 --out "$work/gen"
wrap_tax
make_questions
bench_intake
bench_initial
bench_beside
bench_push
push_samples "$top/tests/e2e/samples.tsv"
stop_gateway
start_pinned
start_peers
warm_up
bench_compare
stop_peers
bench_scaling
stop_all
"$top/tests/bench/report.py" "$raw" "$work/results.tsv" "$work/results.svg"
