#!/usr/bin/env bash
# database.sh - a front-end database, a PostgreSQL of our own: rows in batches behind a watermark, flags written back, the
# gateway killed between; a row that is bad, a login, a statement and columns that are wrong, a query that hangs, a
# connection that breaks, a client in GBK: each with its code. TAP.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
pg=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
driver=$(ls /usr/lib/*/odbc/psqlodbca.so 2>/dev/null | head -n 1)
as_user=()
pg_is_up=
stop_pg() {
	[ -z "$pg_is_up" ] || "${as_user[@]}" "$bin/pg_ctl" -D "$pg/data" -m immediate stop >/dev/null 2>&1
	pg_is_up=
}
trap 'stop_gateway; stop_pg; rm -rf "$work" "$pg"' EXIT

if [ -z "$bin" ] || [ -z "$driver" ]; then
	echo 'Bail out! postgresql and odbc-postgresql are needed'
	exit 1
fi
# PostgreSQL does not run as root.
if [ "$(id -u)" -eq 0 ]; then
	as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups env "HOME=$pg")
	chown nobody:nogroup "$pg"
fi

start_pg() {
	cd "$pg" && "${as_user[@]}" "$bin/pg_ctl" -D "$pg/data" -l "$pg/log" -w -t 60 -o \
		"-c listen_addresses= -c unix_socket_directories=$pg -c fsync=off" start >/dev/null && pg_is_up=1
	cd "$work" || exit 1
}

sql() {
	PGPASSWORD=$(cat "$work/pg.password") "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$pg" -U bidui -d postgres -c "$1"
}

columns() { # the feed's, quoted
	sed -n 's/.*<column name="\([^"]*\)".*/"\1"/p' "$top/adapters/market/feeds/e_pb_baseinfo.xml" | paste -sd ,
}

# database NAME SELECT MORE [CONNECTION]: with the file of the password.
database() {
	printf '  <database name="%s" connection="Driver=%s;Servername=%s;Port=5432;Database=postgres;%s" user="bidui" feed="e_pb_baseinfo" watermark="S_EXT_DATATIME" key="PRIPID" first="1970-01-01 00:00:00" parameters="watermark key" %s>\n   <select>%s</select>\n' \
		"$1" "$driver" "$pg" "${4-}" "$3" "$2"
}

behind='WHERE ("S_EXT_DATATIME", "PRIPID") &gt; (CAST(? AS timestamp), ?) ORDER BY "S_EXT_DATATIME", "PRIPID"'

write_sources() {
	local list
	list=$(columns)
	{
		echo '<?xml version="1.0" encoding="UTF-8"?>'
		echo '<sources><source name="market">'
		database front "SELECT $list FROM front $behind LIMIT 50" "password-file=\"$work/pg.password\" every=\"1s\" batch=\"50\""
		echo '   <consumed>UPDATE front SET taken = taken + 1 WHERE "PRIPID" = ?</consumed></database>'
		database gbk "SELECT $list FROM front $behind" "password-file=\"$work/pg.password\" every=\"1h\" charset=\"GB18030\"" \
			'ConnSettings=SET client_encoding TO GBK'
		echo '  </database>'
		database login "SELECT $list FROM front $behind" "password-file=\"$work/wrong.password\" every=\"1h\""
		echo '  </database>'
		database nosuch "SELECT $list FROM nosuch $behind" "password-file=\"$work/pg.password\" every=\"1h\""
		echo '  </database>'
		database columns "SELECT $list, taken FROM front $behind" "password-file=\"$work/pg.password\" every=\"1h\""
		echo '  </database>'
		database slow "SELECT $list FROM front, pg_sleep(600) AS sleeping $behind" "password-file=\"$work/pg.password\" every=\"1h\" query-ms=\"1000\""
		echo '  </database>'
		database broken "SELECT $list FROM front, pg_sleep(600) AS breaking $behind" "password-file=\"$work/pg.password\" every=\"1h\" query-ms=\"600000\""
		echo '  </database>'
		echo '</source></sources>'
	} >"$work/sources.xml"
}

wait_until() { # COMMAND...
	local left=200
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { ask GET /metrics >/dev/null; grep bidui_database "$work/body"; tail -n 3 "$work/biduid.log"; return 1; }
		read -r -t 0.05 <> <(:) || true
	done
}

figure() { # NAME DATABASE VALUE
	ask GET /metrics >/dev/null && grep -qx "bidui_database_$1{source=\"market\",name=\"$2\"} $3" "$work/body"
}

state() { # DATABASE JQ: what the status says of it
	ask GET /v1/status >/dev/null && jq -e --arg n "$1" '.sources[] | select(.kind == "database" and .name == $n) | '"$2" "$work/body" >/dev/null
}

failing() { # DATABASE CODE
	state "$1" ".code == \"$2\" and .failed >= 1" && ask GET /metrics >/dev/null &&
		grep -qx "bidui_database_failing{source=\"market\",name=\"$1\"} 1" "$work/body"
}

fails_as() {
	wait_until failing "$@"
}

all_come() {
	wait_until figure rows_total front 120 && wait_until figure marked_total front 120
}

flags_once() { # ROWS: taken once each
	[ "$(sql 'SELECT count(*) FROM front WHERE taken = 1')" = "$1" ] && [ "$(sql 'SELECT count(*) FROM front WHERE taken > 1')" = 0 ]
}

rejects() {
	ask GET /v1/status >/dev/null
	jq '[.feeds[] | select(.feed == "e_pb_baseinfo").rejects] | add' "$work/body"
}

two_rejects() {
	[ "$(rejects)" = 2 ]
}

found() { # USCC NAME
	query "{\"entity\":\"organization\",\"uscc\":\"$1\"}" >/dev/null
	body_is "[.statements[] | .values[]? | select(.field == \"name\").value] | index(\"$2\") != null"
}

first_is_found() {
	local code name
	IFS=$'\001' read -r _ _ code _ name _ <"$work/gen/market_E_PB_BASEINFO.utf8.txt"
	found "$code" "$name"
}

later_row() {
	sql "UPDATE front SET \"TRANAME\" = '示例后来者', \"S_EXT_DATATIME\" = '2026-06-02 08:00:00' WHERE \"PRIPID\" = (SELECT min(\"PRIPID\") FROM front)" &&
		wait_until figure rows_total front 121 && wait_until found "$(sql 'SELECT "UNISCID" FROM front ORDER BY "PRIPID" LIMIT 1')" 示例后来者
}

# The watermark is in the store: nothing is read twice, though all began with every row.
killed_goes_on() {
	local marked
	marked=$(sql 'SELECT sum(taken) FROM front')
	kill -9 "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	start_gateway && fails_as nosuch database.query && wait_until is_well && figure rows_total front 0 &&
		[ "$(sql 'SELECT sum(taken) FROM front')" = "$marked" ]
}

# A line end in a name, a date that is none, and beside them a row with NULL that is good.
bad_rows() {
	local n statements=
	for n in 1 2 3; do
		statements+="INSERT INTO front SELECT * FROM front WHERE \"PRIPID\" = (SELECT max(\"PRIPID\") FROM front) AND taken < 3 LIMIT 1;
			UPDATE front SET \"PRIPID\" = '9403110000000000000$n', \"S_EXT_DATATIME\" = '2026-06-03 08:00:0$n', taken = 0 WHERE ctid =
				(SELECT max(ctid) FROM front WHERE \"PRIPID\" = (SELECT max(\"PRIPID\") FROM front));"
	done
	# In one transaction: between two, the gateway would read a row as it is not meant to be.
	sql "$statements
		UPDATE front SET \"TRANAME\" = E'示例\\n断行', \"S_EXT_DATATIME\" = '2026-06-04 08:00:01' WHERE \"PRIPID\" = '94031100000000000001';
		UPDATE front SET \"ESTDATE\" = '不是日期', \"S_EXT_DATATIME\" = '2026-06-04 08:00:02' WHERE \"PRIPID\" = '94031100000000000002';
		UPDATE front SET \"OPSCOPE\" = NULL, \"S_EXT_DATATIME\" = '2026-06-04 08:00:03' WHERE \"PRIPID\" = '94031100000000000003'"
}

# The row that has come since: a trial opens the database, asks, and reads the next row as far as the record; nothing is stored and nothing marked.
tried() { # DATABASE
	"$build/bidui" source test market "$1" --lang en >"$work/tried" 2>&1
}
trial_works() {
	local marked
	marked=$(sql 'SELECT sum(taken) FROM front')
	tried gbk && [ "$(grep -cE '^✓ (connect and login|answer|first record) +[0-9.]+ ms$' "$work/tried")" = 3 ] &&
		grep -q '^it works: records read 1, rejected 0' "$work/tried" && [ "$(sql 'SELECT sum(taken) FROM front')" = "$marked" ] &&
		state gbk '.records == 120 and .asked == 1'
}
trial_fails() { # DATABASE CODE STEP-IN-WORDS
	! tried "$1" && grep -q "($2)" "$work/tried" && grep -qE "^✗ $3 " "$work/tried" || { cat "$work/tried"; return 1; }
}
listed() {
	"$build/bidui" source list --lang en >"$work/listed" && grep -qE '^market +front +(waiting|running) ' "$work/listed" &&
		grep -qE '^market +login .*the database refused the login' "$work/listed" && grep -q front <("$build/bidui" status --lang zh)
}

never_in_biduid() {
	! grep -q odbc "/proc/$bidui_pid/maps"
}

# The process that reads, while one of them hangs.
fence() {
	local pid
	pid=$(pgrep -P "$bidui_pid" -f bidui-database | head -n 1)
	[ -n "$pid" ] && grep -q '^NoNewPrivs:.*1' "/proc/$pid/status" && grep -q '^Max core file size *0 *0' "/proc/$pid/limits" &&
		grep -q '^Max file size *0 *0' "/proc/$pid/limits" && ! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q "$(cat "$work/pg.password")" &&
		! grep -qa "$(cat "$work/pg.password")" "/proc/$pid/environ"
}

breaks() {
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%breaking%' AND pid <> pg_backend_pid()" && fails_as broken connect.broken
}

unreachable() {
	stop_pg
	fails_as front connect
	start_pg || return 1
	wait_until is_well
}

is_well() {
	state front '.code == "ok" and .good != null'
}

no_values_in_log() {
	grep -q 'SQLSTATE 42P01' "$work/biduid.log" && ! grep -q 'nosuch"\? does not exist' "$work/biduid.log"
}

(umask 077 && printf 'Ein-Passwort-7\n' >"$work/pg.password" && printf 'falsch\n' >"$work/wrong.password")
cp "$work/pg.password" "$pg/password" && chmod 644 "$pg/password"
"${as_user[@]}" "$bin/initdb" -D "$pg/data" -U bidui --auth=scram-sha-256 --pwfile="$pg/password" -E UTF8 --locale=C.UTF-8 >"$work/initdb.log" 2>&1 && start_pg ||
	{ echo 'Bail out! no PostgreSQL'; tail -n 5 "$work/initdb.log" "$pg/log"; exit 1; }
"$build/tests/gen/bidui_gen" --people 1 --businesses 120 --seed 31 --fault-rate 0 --out "$work/gen"
sql "CREATE TABLE front ($(columns | sed 's/,/ text, /g; s/$/ timestamp(0), taken int DEFAULT 0/; s/ timestamp(0), taken/ text, taken/'))" &&
	sql 'ALTER TABLE front ALTER COLUMN "S_EXT_DATATIME" TYPE timestamp(0) USING CAST("S_EXT_DATATIME" AS timestamp)' &&
	PGPASSWORD=$(cat "$work/pg.password") "$bin/psql" -X -q -h "$pg" -U bidui -d postgres -c \
		"COPY front ($(columns)) FROM STDIN WITH (DELIMITER E'\\x01', NULL '\\N')" <"$work/gen/market_E_PB_BASEINFO.utf8.txt" ||
	{ echo 'Bail out! no rows'; exit 1; }
make_keys
write_settings 0 0
write_sources
printf 'sources_file = %s\ndatabase_path = %s\n' "$work/sources.xml" "$build/bidui-database" >>"$work/bidui.conf"
start_or_bail
check 'all rows come, batch after batch, and are marked' all_come
check 'each was marked once' flags_once 120
check 'what they say is held' first_is_found
check 'a client in GBK: the same' wait_until figure rows_total gbk 120
check 'a row that is changed later comes' later_row
check 'no driver is in the gateway' never_in_biduid
check 'a query that hangs is ended' fails_as slow connect.timeout
check 'the process that reads has its fence, and its secrets nowhere to be seen' fence
check 'a connection that breaks' breaks
check 'a wrong password' fails_as login database.login
check 'a table that is not there' fails_as nosuch database.query
check 'a trial shows each step, and stores nothing' trial_works
check 'one of a wrong password fails there' trial_fails login database.login 'connect and login'
check 'one of a table that is not there fails when asked' trial_fails nosuch database.query answer
check 'status and bidui source list show each' listed
check 'the log has the state and no text of the database' no_values_in_log
check 'other columns than the feed has' fails_as columns database.columns
check 'the gateway killed: it goes on where it stood' killed_goes_on
check 'rows that are bad are put in' bad_rows
check 'they are refused, and those beside them are not' wait_until figure rows_total front 3
check 'two were refused' wait_until two_rejects
check 'a database that is not there, and is again' unreachable
check 'it stops in order, and nothing stands in clear' stop_gateway
echo "1..$count"
