#!/usr/bin/env bash
# pull.sh - what biduid fetches by itself, from departments that stand in: pages by number and by cursor, from where the
# last pull ended, over failures and restarts; and what it does not take. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_stand_in; kill "$bidui_pid" 2>/dev/null; rm -rf "$work"' EXIT

# sources XML: the sources file, from the next reload or start on.
sources() {
	printf '<?xml version="1.0" encoding="UTF-8"?>\n<sources>%s</sources>\n' "$1" >"$work/sources.xml"
}

# http NAME BASE [ATTRIBUTES [VALUES]]
http() {
	echo "<http name=\"$1\" base=\"http://127.0.0.1:$stand_in_http$2\" allow=\"127.0.0.1\" plaintext=\"true\" ${3-}>${4-}</http>"
}

reload() {
	local before
	before=$(grep -c '"event":"reload.done"' "$work/biduid.log")
	kill -HUP "$bidui_pid"
	eventually is_more "$before" '"event":"reload.done"'
}

is_more() { # COUNT TEXT: the log has it more often
	[ "$(grep -c "$2" "$work/biduid.log")" -gt "$1" ]
}

# eventually COMMAND...: within half a minute.
eventually() {
	local left=300
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

# feed SOURCE FEED JQ: of the status.
feed() {
	ask GET /v1/status >/dev/null && jq -e --arg s "$1" --arg f "$2" \
		'.feeds[] | select(.source == $s and .feed == $f) | '"$3" "$work/body" >/dev/null
}

has_records() { # SOURCE FEED COUNT
	feed "$1" "$2" ".records == $3"
}

has_messages() { # SOURCE FEED AT-LEAST
	feed "$1" "$2" ".messages >= $3"
}

# How often the stand-in was asked for a path that begins so.
asked() {
	control seen && jq --arg p "$1" '[.counts | to_entries[] | select(.key | startswith($p)) | .value] | add // 0' "$work/control"
}

"$build/tests/gen/bidui_gen" --people 600 --businesses 1200 --seed 5 --fault-rate 0 --out "$work/generated" >/dev/null
start_stand_in --generated "$work/generated" --samples "$top/adapters" || { echo 'Bail out! no stand-in'; exit 1; }
make_keys
write_settings 0 0
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
sources "<source name=\"social\">$(http main /social/packet)<pull name=\"changes\" from=\"main\" request=\"changes\" feed=\"packet\" every=\"1s\"/></source>"
start_gateway || { echo 'Bail out! the gateway did not start'; sed 's/^/# /' "$work/biduid.log"; exit 1; }
sleep 3
ask GET /v1/status; jq -c . $work/body
control seen; cat $work/control
tail -5 $work/biduid.log
stop_gateway || exit 1
echo "1..$count"
