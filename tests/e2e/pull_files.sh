#!/usr/bin/env bash
# pull_files.sh - files pulled by SFTP from a real OpenSSH server, an ordinary process of this script: each once, over
# restarts, and none from a server that is not the one that is pinned. TAP. ./bootstrap test fetches the server, without
# installing it; where there is none the tests are skipped, and say so.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
sshd_pid=
trap 'kill "$bidui_pid" 2>/dev/null; [ -z "$sshd_pid" ] || stop_sshd; rm -rf "$work"' EXIT

sshd=/usr/sbin/sshd
[ -x "$sshd" ] || sshd=$build/sshd/usr/sbin/sshd
if [ ! -x "$sshd" ]; then
	echo '1..0 # SKIP no OpenSSH server: ./bootstrap test fetches one'
	exit 0
fi

# As root it wants a user of its own and a system folder: then it is run as
# somebody whose account is not locked.
login=$(id -un)
as_login=()
if [ "$(id -u)" -eq 0 ]; then
	login=$(awk -F: '$2 !~ /^!/ && $1 != "root" && $1 != "sync" { print $1; exit }' /etc/shadow)
	as_login=(setpriv --reuid "$login" --regid "$(id -g "$login")" --clear-groups)
fi

start_sshd() {
	local left=100
	: >"$work/ssh/log"
	LD_LIBRARY_PATH=$work/ssh "${as_login[@]}" "$work/ssh/sshd" -D -f "$work/ssh/config" -E "$work/ssh/log" &
	sshd_pid=$!
	until port_is_taken "$ssh_port"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] && kill -0 "$sshd_pid" 2>/dev/null || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

# With the sessions that it has.
stop_sshd() {
	local sessions
	sessions=$(pgrep -P "$sshd_pid")
	kill "$sshd_pid" $sessions 2>/dev/null
	wait "$sshd_pid" 2>/dev/null
}

make_ssh() {
	mkdir -p "$work/ssh" "$work/out"
	# Whoever runs it may not look into the folder of the build.
	cp "$sshd" "$work/ssh/sshd"
	[ ! -d "$build/sshd" ] || find "$build/sshd" -name 'libwrap.so.*' -exec cp {} "$work/ssh/" \;
	ssh_port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/other"
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/client"
	cp "$work/ssh/client.pub" "$work/ssh/authorized"
	cat >"$work/ssh/config" <<-END
		Port $ssh_port
		ListenAddress 127.0.0.1
		HostKey $work/ssh/host
		PidFile none
		AuthorizedKeysFile $work/ssh/authorized
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		Subsystem sftp internal-sftp
		LogLevel INFO
	END
	[ "$login" = "$(id -un)" ] || chown -R "$login" "$work/ssh/host" "$work/ssh/log" "$work/ssh/config" "$work/ssh/authorized" 2>/dev/null
	chmod 755 "$work" "$work/ssh" "$work/out"
	touch "$work/ssh/log" && chmod 666 "$work/ssh/log"
	pin=$(ssh-keygen -l -E sha256 -f "$work/ssh/host.pub" | awk '{ print $2 }' | sed 's/^SHA256://')
	ssh-keygen -y -f "$work/ssh/host" >"$work/ssh/host.pub"
	printf '[127.0.0.1]:%s %s\n' "$ssh_port" "$(cut -d' ' -f1,2 "$work/ssh/host.pub")" >"$work/ssh/known"
	printf '[127.0.0.1]:%s %s\n' "$ssh_port" "$(cut -d' ' -f1,2 "$work/ssh/other.pub")" >"$work/ssh/strange"
}

# files NAME PIN-ATTRIBUTE [ALLOW [USER]]
files() {
	echo "<files name=\"$1\" base=\"sftp://127.0.0.1:$ssh_port$work/out\" allow=\"${3:-127.0.0.1}\" user=\"${4:-$login}\" key=\"$work/ssh/client\" tries=\"1\" trip-after=\"1000\" max-bytes=\"60000\" $2/>"
}

pull() { # NAME FROM
	echo "<pull name=\"$1\" from=\"$2\" files=\"{date}_E_GT_CANCEL.txt\" feed=\"e_gt_cancel\" every=\"1s\" settle=\"1s\"/>"
}

sources() {
	printf '<?xml version="1.0" encoding="UTF-8"?>\n<sources><source name="market">%s</source></sources>\n' "$1" >"$work/sources.xml"
}

state() { # NAME JQ
	ask GET /v1/status >/dev/null && jq -e --arg n "$1" '.sources[] | select(.name == $n) | '"$2" "$work/body" >/dev/null
}

messages() { # COUNT: so many of the feed are stored
	ask GET /v1/status >/dev/null && jq -e --argjson n "$1" 'first(.feeds[] | select(.feed == "e_gt_cancel")) | .messages == $n' "$work/body" >/dev/null
}

deliver() { # NAME [TEXT]: old enough to be taken
	cp "$top/adapters/market/samples/market_20260601_E_GT_CANCEL.txt" "$work/out/$1" 2>/dev/null ||
		cp "$(find "$top/adapters/market/samples" -name '*E_GT_CANCEL*' | sort | head -n 1)" "$work/out/$1"
	touch -d '1 hour ago' "$work/out/$1"
	chmod 644 "$work/out/$1"
}

python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
make_keys
make_ssh
chmod 755 "$work"
write_settings 0 0
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
start_sshd || { echo 'Bail out! the SSH server did not start'; sed 's/^/# /' "$work/ssh/log"; exit 1; }
deliver 20260601_E_GT_CANCEL.txt
deliver 20260602_E_GT_CANCEL.txt
deliver notes.txt
deliver 20260603_E_GT_CANCEL.txt.part
sources "$(files drop "host-key-sha256=\"$pin\"")$(pull cancelled drop)"
start_gateway || { echo 'Bail out! the gateway did not start'; sed 's/^/# /' "$work/biduid.log"; exit 1; }
check 'the files that fit are taken' eventually state cancelled '.pages == 2 and .code == "ok"'
check 'each is a message' messages 2
check 'the trail has them in the name of the pull' grep -q 'pull:market/cancelled' <(BIDUI_PURPOSE='' "$build/bidui" audit show "$work/data/trail" --key "$work/signing.pub" -o json)
"$build/bidui" source test market --lang en >"$work/tried"
check 'bidui source test lists the folder, step by step' test $? -eq 0
check 'the handshake with the host key, and the login, each with its time' \
	test "$(grep -cE '^✓ (TLS, or SSH and its host key|login) +[0-9.]+ ms$' "$work/tried")" -eq 2
check 'they are not taken again' eventually state cancelled '.asked >= 3 and .pages == 2'
check 'nor after a restart' eval 'stop_gateway && start_gateway && eventually state cancelled ".asked >= 2 and .pages == 0"'
check 'there are as many messages as before' messages 2
deliver 20260604_E_GT_CANCEL.txt
check 'a new one is' eventually messages 3
touch "$work/out/20260604_E_GT_CANCEL.txt"
check 'one that was replaced is another' eventually messages 4
head -c 70000 /dev/zero >"$work/out/20260606_E_GT_CANCEL.txt"
touch -d '1 hour ago' "$work/out/20260606_E_GT_CANCEL.txt"
chmod 644 "$work"/out/*
deliver 20260607_E_GT_CANCEL.txt
check 'a file that is wrong holds up no other' eventually messages 5
check 'and its pull says so' eventually state cancelled '.code == "http.too_large"'
check 'and is told' grep -q '"event":"file.refused".*file 4 of 5 by name' "$work/biduid.log"
check 'not by its name, which may be that of somebody' eval '! grep -q 20260606_E_GT_CANCEL "$work/biduid.log"'

# -- who is not the server that is pinned, and who may not come in --
sources "$(files right "known-hosts=\"$work/ssh/known\"")$(pull known right)
$(files wrong "host-key-sha256=\"$(ssh-keygen -l -E sha256 -f "$work/ssh/other.pub" | awk '{ print $2 }' | sed 's/^SHA256://')\"")$(pull pinned wrong)
$(files stranger "known-hosts=\"$work/ssh/strange\"")$(pull unknown stranger)
$(files outside "host-key-sha256=\"$pin\"" 10.0.0.0/8)$(pull address outside)
$(files barred "host-key-sha256=\"$pin\"" 127.0.0.1 nosuchuser)$(pull user barred)"
check 'the file of known hosts will do' reload
check 'and then files are taken' eventually state known '.asked >= 1 and .good != null'
check 'another key than the pinned one is not the server' eventually state pinned '.code == "connect.host_key"'
check 'nor one that the file does not know' eventually state unknown '.code == "connect.host_key"'
check 'an address that is not allowed is not called' eventually state address '.code == "connect.address"'
check 'a user that may not come in is told' eventually state user '.code == "connect.login"'

# -- the server goes away and comes back --
stop_sshd
check 'a server that is gone fails the pull' eventually state known '.code == "connect"'
start_sshd
check 'and it goes on when it is back' eventually state known '.code == "ok"'
check 'the gateway ends in order' stop_gateway
echo "1..$count"
