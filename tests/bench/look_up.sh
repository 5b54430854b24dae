#!/usr/bin/env bash
# look_up.sh SOURCE BUILD WORK - ten thousand cases that wait for a department at once: one that takes 200 ms, one that
# hangs, answers garbage, or flaps; and fresh cases beside them (README.md says how).
# LOOK_UP_CASES: 10000.
set -euo pipefail
top=$1 build=$2 work=$3
export LC_ALL=C.UTF-8
rm -rf "$work"
mkdir -p "$work"
. "$top/tests/e2e/lib.sh"
# What was invented here is looked for by nobody.
looks_for_nobody=1
trap 'stop_gateway; stop_stand_in' EXIT
cases=${LOOK_UP_CASES:-10000}
# The gateway on one processor; the department, who waits, and who asks something fresh on another, the last
# before the others, so that its times are the gateway's.
others_core=$(($(nproc) > 1 ? 1 : 0))
before_others=
nice -n -20 true 2>/dev/null && before_others='nice -n -20'
waiting() { # CASES-FILE
	taskset -c "$others_core" "$python" "$top/tests/bench/look_up.py" "$https_port" "$work/tls" "$1" "$work/ready"
}
# A hundred a second, each from when it was due. A pass, and no look-up: asked before and behind.
fresh() { # SECONDS
	local values
	is_fresh
	values=$(taskset -c "$others_core" $before_others "$build/tests/bench/bench_load" --port "$https_port" \
		--path /v1/compare --bodies "$work/fresh" --connections 8 --rate 100 --sleep --seconds "$1" \
		--ca "$work/tls/ca.crt" --cert "$work/tls/client.crt" --key "$work/tls/client.key")
	is_fresh
	awk -F '\t' '{ printf "{\"cases\":%d,\"ms\":{\"p50\":%.2f,\"p99\":%.2f,\"most\":%.2f,\"client late p99\":%.2f}}\n",
		$1, $5 / 1000, $6 / 1000, $7 / 1000, $9 / 1000 }' <<<"$values"
}
is_fresh() {
	ask POST /v1/compare -H 'Content-Type: application/json' --data-binary "@$work/fresh" >/dev/null &&
		jq -e '.decision == "pass" and (has("look_ups") | not)' "$work/body" >/dev/null
}
start_pinned() {
	start_gateway
	taskset -a -c -p 0 "$bidui_pid" >/dev/null
}

schemas=$work/schemas
cp -r "$top/schemas" "$schemas"
mkdir "$schemas/matters/hour"
cat >"$schemas/matters/hour/matter.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<matter id="hour" version="1" zh="现场查询试验" en="a trial of look-ups" basis="试验" effective-from="2020-01-01" wait-s="3600">
 <role name="business" zh="主体" en="subject" kind="organization" min="1" max="1"/>
 <element id="status" zh="状态" en="status" role="business" entity="tax_status" field="djxh" polarity="must_exist" sources="tax" core="true" freshness="observed" max-age-s="3600"/>
</matter>
END
"$build/tests/gen/bidui_gen" --people $((cases + 500)) --businesses $((cases * 5 / 2 + 200)) --seed 11 --fault-rate 0 --out "$work/generated" >/dev/null
start_stand_in --generated "$work/generated"
taskset -a -c -p "$others_core" "$stand_in_pid" >/dev/null
make_keys
write_settings 0 0
cat >>"$work/senders" <<END
requests_per_second = unlimited
lines_per_second = unlimited
subjects_per_hour = unlimited
subjects_per_day = unlimited
values_per_day = unlimited
END
printf 'sources_file = %s/sources.xml\nlook_up_wait_ms = 60000\n' "$work" >>"$work/bidui.conf"
cat >"$work/sources.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<sources>
 <source name="tax">
  <http name="main" base="http://127.0.0.1:$stand_in_http/tax/gt3" allow="127.0.0.1" plaintext="true" concurrency="${LOOK_UP_CONCURRENCY:-1000}" trip-for="1s">
   <value name="channel_id" value="SZGM.ZWFW.BIDUI"/>
  </http>
  <look-up from="main" request="by-number" feed="gt3"/>
 </source>
</sources>
END
start_pinned

mapfile -t numbers < <(sed -n 's/.*<shxydm>\([^<]*\)<.*/\1/p' "$work/generated/tax.ndxml" | sort -u)
case_of() { # NUMBER MEMBERS
	printf '{"matter":"hour","case":"B","submitted_at":"%s","subjects":{"business":{"entity":"organization","uscc":"%s"}}%s}\n' \
		"$now" "$1" "$2"
}
now=$(date +%Y-%m-%dT%H:%M:%S%:z)
[ "${#numbers[@]}" -gt $((2 * cases)) ] || { echo "too few businesses were invented: ${#numbers[@]}" >&2; exit 1; }
for number in "${numbers[@]:1:$((2 * cases))}"; do
	case_of "$number" ',"deadline_ms":DEADLINE'
done >"$work/cases"
grep -m 1 "<shxydm>${numbers[0]}<" "$work/generated/tax.ndxml" >"$work/reply.xml"
"$build/bidui" push "$work/reply.xml" --source tax --feed gt3 >/dev/null
case_of "${numbers[0]}" '' >"$work/fresh"

row() { # NAME WAITING FRESH
	jq -rn --arg name "$1" --argjson w "$2" --argjson f "$3" '[$name, "\($w.cases) cases in \($w.seconds) s",
		"decisions \($w.decisions | tostring)", "look-ups \($w.look_ups | tostring)", "ms \($w.ms | tostring)", "fresh ms \($f.ms | tostring)"]
		| join("\t")' | tee -a "$work/results.tsv"
}
idle() {
	until ask GET /v1/status >/dev/null && jq -e '[.sources[] | select(.kind == "look_up") | .busy] == [0]' "$work/body" >/dev/null; do
		read -r -t 0.5 <> <(:) || true
	done
}
# Each begins with a circuit that is closed, and with cases of which nothing is stored.
run() { # NAME FAULT DEADLINE-MS SECONDS WHICH-CASES
	local waiting
	start_pinned
	control -X DELETE faults
	[ -z "$2" ] || control -X PUT "faults?path=/tax/gt3&fault=$2"
	"$5" -n "$cases" "$work/cases" | sed "s/DEADLINE/$3/" >"$work/batch"
	rm -f "$work/ready"
	waiting "$work/batch" >"$work/waiting.json" &
	waiting=$!
	until [ -e "$work/ready" ]; do
		kill -0 "$waiting" || exit 1
		read -r -t 0.05 <> <(:) || true
	done
	fresh "$4" >"$work/fresh.json"
	wait "$waiting"
	row "$1" "$(cat "$work/waiting.json")" "$(cat "$work/fresh.json")"
	control -X DELETE faults
	idle
	stop_gateway
}

fresh 5 >"$work/fresh.json"
row 'nobody waits' '{"cases":0,"seconds":0,"decisions":{},"look_ups":{},"ms":{}}' "$(cat "$work/fresh.json")"
stop_gateway
# Those that come to nothing first: what is stored is not asked again.
run 'hangs, deadline 2 s' hang 2000 6 head
run 'garbage' junk 10000 6 head
run 'flaps' flap:1000 20000 6 head
run '200 ms' slow:200 50000 15 tail
