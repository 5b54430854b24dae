# peers.sh - the peers of bench.sh and loading.sh: nginx returning a constant, Redis with one value, PostgreSQL with a row a
# person, all on processor $server_core, in $work. A peer that is missing or does not start leaves its pid empty.

nginx_pid='' nginx_http='' nginx_https='' redis_pid='' redis_port='' postgres_pid='' postgres_port=''

# A port that is free now; the peers cannot take port 0 and say which it became.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until something listens at PORT, or PID has ended.
wait_for_port() {
	local left=100
	until port_is_taken "$1"; do
		left=$((left - 1))
		if [ "$left" -eq 0 ] || ! kill -0 "$2" 2>/dev/null; then
			return 1
		fi
		read -r -t 0.1 <> <(:) || true
	done
}

# So many bytes, of which one word of its configuration holds at most four thousand.
nginx_answer() {
	local left=$answer_bytes part=0 value=
	while [ "$left" -gt 0 ]; do
		local bytes=$((left > 4000 ? 4000 : left))
		printf "\t\tset \$part%d '%s';\n" "$part" "$(head -c "$bytes" /dev/zero | tr '\0' x)"
		value+="\${part$part}"
		left=$((left - bytes))
		part=$((part + 1))
	done
	printf '\t\tlocation / { return 200 "%s"; }' "$value"
}

start_nginx() {
	local folder=$work/nginx
	command -v nginx >/dev/null || return 0
	nginx_http=$(free_port)
	nginx_https=$(free_port)
	mkdir -p "$folder"
	cat >"$folder/nginx.conf" <<END
worker_processes 1;
daemon off;
master_process off;
pid $folder/pid;
error_log $folder/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path $folder/body;
	proxy_temp_path $folder/proxy;
	fastcgi_temp_path $folder/fastcgi;
	uwsgi_temp_path $folder/uwsgi;
	scgi_temp_path $folder/scgi;
	keepalive_requests 100000000;
	default_type application/json;
	add_header Cache-Control no-store;
	server {
		listen 127.0.0.1:$nginx_http;
		listen 127.0.0.1:$nginx_https ssl;
		ssl_certificate $work/tls/server.crt;
		ssl_certificate_key $work/tls/server.key;
		ssl_client_certificate $work/tls/ca.crt;
		ssl_verify_client on;
		ssl_protocols TLSv1.3;
$(nginx_answer)
	}
}
END
	taskset -c "$server_core" nginx -c "$folder/nginx.conf" -e "$folder/error.log" \
		>"$folder/out" 2>&1 &
	nginx_pid=$!
	wait_for_port "$nginx_http" "$nginx_pid" || { stop_one "$nginx_pid"; nginx_pid=; }
}

start_redis() {
	command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null || return 0
	redis_port=$(free_port)
	mkdir -p "$work/redis"
	taskset -c "$server_core" redis-server --port "$redis_port" --bind 127.0.0.1 --save '' \
		--appendonly no --dir "$work/redis" >"$work/redis/out" 2>&1 &
	redis_pid=$!
	if ! wait_for_port "$redis_port" "$redis_pid"; then
		stop_one "$redis_pid"
		redis_pid=
		return 0
	fi
	head -c "$answer_bytes" /dev/zero | tr '\0' x |
		redis-cli -p "$redis_port" -x SET answer >"$work/redis/set.out"
}

# ask_redis ROUND: as many GETs as take about $seconds; CPU over the whole of it.
ask_redis() {
	local count=$((seconds * 60000)) before after times
	before=$(cpu_ticks "$redis_pid")
	times=$(date +%s.%N)
	taskset -c "$client_core" redis-benchmark -p "$redis_port" -c 32 -n "$count" -q \
		GET answer >"$work/redis/benchmark.out"
	times="$times $(date +%s.%N)"
	after=$(cpu_ticks "$redis_pid")
	row compare plaintext redis "$1" "$count" "$(awk '{ printf "%.3f", $2 - $1 }' <<<"$times")" 0 \
		$(((after - before) * 1000000 / $(getconf CLK_TCK))) 0 0 0 "$answer_bytes"
}

# User and system time of one process and of the children that it has waited for, in clock ticks.
cpu_ticks() {
	awk '{ sub(/^.*\) /, ""); print $12 + $13 + $14 + $15 }' "/proc/$1/stat"
}

start_postgres() {
	local folder=$work/postgres programs user=()
	programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
	[ -n "$programs" ] && command -v pgbench >/dev/null || return 0
	postgres_port=$(free_port)
	mkdir -p "$folder/run"
	chmod 711 "$work" "$folder"
	if [ "$(id -u)" -eq 0 ]; then
		# It refuses to run as root.
		chown 65534:65534 "$folder" "$folder/run"
		user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	(cd / && "${user[@]}" "$programs/initdb" -D "$folder/data" -A trust -U bench --no-sync) \
		>"$folder/run/initdb" 2>&1 || return 0
	"${user[@]}" taskset -c "$server_core" "$programs/postgres" -D "$folder/data" -h 127.0.0.1 \
		-p "$postgres_port" -k "$folder/run" >"$folder/run/out" 2>&1 &
	postgres_pid=$!
	if ! wait_for_port "$postgres_port" "$postgres_pid" || ! fill_postgres; then
		stop_one "$postgres_pid"
		postgres_pid=
	fi
}

query_postgres() {
	psql -q -h 127.0.0.1 -p "$postgres_port" -U bench -d postgres -c "$1" >>"$work/postgres.out" 2>&1
}

# As many rows as people, each as long as an answer and not compressed.
fill_postgres() {
	query_postgres "CREATE TABLE answer (id integer PRIMARY KEY, body text);
		ALTER TABLE answer ALTER COLUMN body SET STORAGE EXTERNAL;
		INSERT INTO answer SELECT id, repeat('x', $answer_bytes) FROM generate_series(1, $people) AS id;" &&
		query_postgres 'VACUUM ANALYZE answer' &&
		printf '\\set id random(1, %d)\nSELECT body FROM answer WHERE id = :id;\n' "$people" >"$work/select.sql"
}

# ask_postgres ROUND: rows by their primary key, prepared, over TCP; CPU over the whole of it, connecting too.
ask_postgres() {
	local before times count
	before=$(cpu_ticks "$postgres_pid")
	times=$(date +%s.%N)
	count=$(taskset -c "$client_core" pgbench -n -M prepared -c 32 -j 1 -T "$seconds" -f "$work/select.sql" \
		-h 127.0.0.1 -p "$postgres_port" -U bench postgres 2>>"$work/postgres.out" |
		sed -n 's/^number of transactions actually processed: *\([0-9]*\).*/\1/p')
	times="$times $(date +%s.%N)"
	# Its servers have ended when their times have come to it.
	until [ "$(pgrep -c -P "$postgres_pid" -f ' bench postgres ')" -eq 0 ]; do :; done
	row compare plaintext postgres "$1" "$count" "$(awk '{ printf "%.3f", $2 - $1 }' <<<"$times")" 0 \
		$((($(cpu_ticks "$postgres_pid") - before) * 1000000 / $(getconf CLK_TCK))) 0 0 0 "$answer_bytes"
}

stop_one() {
	kill -TERM "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# How long an answer is: the constant of a peer is as long.
measure_answer() {
	answer_bytes=$(curl -fsS -H 'Content-Type: application/json' \
		-H 'Bidui-Purpose: verification' --data-binary "@$work/question.json" \
		"http://127.0.0.1:$http_port/v1/compare" | wc -c)
}

start_peers() {
	measure_answer
	start_nginx
	start_redis
	start_postgres
}

stop_peers() {
	[ -z "$nginx_pid" ] || stop_one "$nginx_pid"
	[ -z "$redis_pid" ] || stop_one "$redis_pid"
	[ -z "$postgres_pid" ] || stop_one "$postgres_pid"
	nginx_pid='' redis_pid='' postgres_pid=''
}

# append_bare ROWS: to a bare LMDB so many rows, as large as the nodes that bench_store told of in $work/rows, in the order
# of their keys. In $bare: seconds, CPU us, written bytes, KiB of memory, bytes on the disk, bytes of the values.
append_bare() {
	local key value
	read -r key value < <(awk -F '\t' '$1 == "nodes" { print int($3 / $2), int($4 / $2) }' "$work/rows")
	rm -rf "$work/bare"
	mkdir "$work/bare"
	bare=$(python3 "$top/tests/bench/loading.py" run "$work" "$build/tests/bench/bench_append" "$work/bare" "$1" "$key" "$value")
	bare+=$'\t'$(du -s --block-size=1 "$work/bare" | cut -f 1)$'\t'$(($1 * value))
	rm -rf "$work/bare"
}
