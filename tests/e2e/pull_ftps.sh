#!/usr/bin/env bash
# pull_ftps.sh - files pulled by FTP over TLS, asked for and from the first byte, from a real server (vsftpd), ordinary processes
# of this script: each once, over restarts, and nothing, not even a password, to a server that is not the one. TAP.
# ./bootstrap test fetches the server, without installing it; where there is none the tests are skipped, and say so.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
ftp_pids=
trap 'stop_ftp; kill "$bidui_pid" 2>/dev/null; rm -rf "$work"' EXIT

vsftpd=/usr/sbin/vsftpd
[ -x "$vsftpd" ] || vsftpd=$build/vsftpd/usr/sbin/vsftpd
if [ ! -x "$vsftpd" ]; then
	echo '1..0 # SKIP no FTP server: ./bootstrap test fetches one'
	exit 0
fi
lib=$build/vsftpd/usr/lib/$(gcc -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)

# server NAME PORT CERTIFICATE IMPLICIT TLS: its user may be anonymous, with a password that stands in a file.
server() {
	cat >"$work/ftp/$1.conf" <<-END
		listen=YES
		listen_address=127.0.0.1
		listen_port=$2
		background=NO
		run_as_launching_user=YES
		one_process_model=YES
		anonymous_enable=YES
		local_enable=NO
		anon_root=$work/out
		ftp_username=$(id -un)
		secure_chroot_dir=$work/ftp/empty
		secure_email_list_enable=YES
		email_password_file=$work/ftp.password
		ssl_enable=$5
		allow_anon_ssl=YES
		force_anon_logins_ssl=YES
		force_anon_data_ssl=YES
		implicit_ssl=$4
		ssl_ciphers=HIGH
		rsa_cert_file=$work/tls/$3.crt
		rsa_private_key_file=$work/tls/$3.key
		seccomp_sandbox=NO
		xferlog_enable=YES
		log_ftp_protocol=YES
		vsftpd_log_file=$work/ftp/$1.log
	END
}
start_ftp() {
	local name left
	for name in explicit implicit stranger plain; do
		LD_LIBRARY_PATH=$lib "$vsftpd" "$work/ftp/$name.conf" >>"$work/ftp/err" 2>&1 &
		ftp_pids="$ftp_pids $!"
	done
	for name in explicit implicit stranger plain; do
		left=100
		until port_is_taken "$(port $name)"; do
			left=$((left - 1))
			[ "$left" -gt 0 ] || return 1
			read -r -t 0.1 <> <(:) || true
		done
	done
}
# With the sessions that they have.
stop_ftp() {
	local pid sessions
	for pid in $ftp_pids; do
		sessions=$(pgrep -P "$pid")
		kill "$pid" $sessions 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	ftp_pids=
}
port() { sed -n 's/^listen_port=//p' "$work/ftp/$1.conf"; }
free_ports() { # COUNT: each one that nobody has
	"$(sed -n 's/^PYTHON = //p' "$build/Makefile")" -c 'import socket, sys
all = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in all:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])' "$1"
}

# files NAME SCHEME PORT-NAME [CA [PASSWORD-FILE [ALLOW]]]
files() {
	echo "<files name=\"$1\" base=\"$2://127.0.0.1:$(port "$3")\" allow=\"${6:-127.0.0.1}\" user=\"anonymous\" password-file=\"${5:-$work/ftp.password}\"
		ca=\"${4:-$work/tls/ca.crt}\" tries=\"1\" trip-after=\"1000\" max-bytes=\"60000\"/>"
}
pull() { # NAME FROM [PATTERN]
	echo "<pull name=\"$1\" from=\"$2\" files=\"${3:-{date\}_E_GT_CANCEL.txt}\" feed=\"e_gt_cancel\" every=\"1s\" settle=\"1s\"/>"
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
deliver() { # NAME: old enough to be taken
	cp "$top/adapters/market/samples/market_20260601_E_GT_CANCEL.utf8.txt" "$work/out/$1"
	touch -d '1 hour ago' "$work/out/$1"
}
was_told() { grep -q "FTP command: .*\"$2\"" "$work/ftp/$1.log"; } # SERVER COMMAND
told_nothing() { # SERVER: it was called, and heard neither a user nor a file
	grep -q 'CONNECT: ' "$work/ftp/$1.log" && ! grep -qE 'FTP command: .*"(USER|PASS|NLST|RETR)' "$work/ftp/$1.log"
}

make_keys
mkdir -p "$work/out" "$work/ftp/empty"
make_certificate stranger '/CN=stranger' $'subjectAltName=DNS:elsewhere.invalid\nextendedKeyUsage=serverAuth'
(umask 077 && echo 'Ein-Passwort-8' >"$work/ftp.password" && echo falsch >"$work/wrong.password")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -days 2 -keyout "$work/other.key" -out "$work/other.crt" 2>/dev/null
read -r -d '' -a ports < <(free_ports 4) || true
server explicit "${ports[0]}" server NO YES
server implicit "${ports[1]}" server YES YES
server stranger "${ports[2]}" stranger NO YES
server plain "${ports[3]}" server NO NO
start_ftp || { echo 'Bail out! the FTP server did not start'; sed 's/^/# /' "$work/ftp/err"; exit 1; }
write_settings 0 0
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
deliver 20260601_E_GT_CANCEL.txt
deliver 20260602_E_GT_CANCEL.txt
deliver 20260603_E_GT_CANCEL.txt.part
sources "$(files drop ftpes explicit)$(pull cancelled drop)"
start_or_bail
check 'the files that fit are taken' eventually state cancelled '.pages == 2 and .code == "ok"'
check 'each is a message' messages 2
check 'TLS was asked for, also of the data' eval 'was_told explicit "AUTH SSL" && was_told explicit "PROT P"'
"$build/bidui" source test market --lang en >"$work/tried"
check 'bidui source test goes well' test $? -eq 0
check 'and shows TCP, TLS and the login' test "$(grep -cE '^✓ (TCP|TLS, or SSH and its host key|login) +[0-9.]+ ms$' "$work/tried")" -eq 3
check 'they are not taken again' eventually state cancelled '.asked >= 3 and .pages == 2'
check 'nor after a restart' eval 'stop_gateway && start_gateway && eventually state cancelled ".asked >= 2 and .pages == 0"'
check 'there are as many messages as before' messages 2
deliver 20260604_E_GT_CANCEL.txt
check 'a new one is' eventually messages 3
head -c 70000 /dev/zero >"$work/out/20260606_E_GT_CANCEL.txt"
touch -d '1 hour ago' "$work/out/20260606_E_GT_CANCEL.txt"
deliver 20260607_E_GT_CANCEL.txt
check 'one that is too long holds up no other' eventually messages 4
check 'and its pull says so' eventually state cancelled '.code == "http.too_large"'
check 'and the connection counts it' state drop '.refused >= 1'
rm "$work/out/20260606_E_GT_CANCEL.txt"

# -- TLS from the first byte; and servers and users that are not what they should be --
sources "$(files implicit ftps implicit)$(pull first implicit)
$(files stranger ftpes stranger)$(pull name stranger)
$(files unknown ftpes explicit "$work/other.crt")$(pull issuer unknown)
$(files clear ftpes plain)$(pull unencrypted clear)
$(files barred ftpes explicit '' "$work/wrong.password")$(pull user barred)
$(files outside ftpes explicit '' '' 10.0.0.0/8)$(pull address outside)"
check 'another file is taken' reload
check 'over implicit TLS too' eventually state first '.pages == 4 and .code == "ok"'
check 'a certificate of another name is refused' eventually state name '.code == "connect.certificate_name"'
check 'such a server learns nothing' told_nothing stranger
check 'one of another authority is refused' eventually state issuer '.code == "connect.certificate_issuer"'
check 'a server without TLS is refused' eventually state unencrypted '.code == "connect.tls"'
check 'it is told no user, no password and no file' told_nothing plain
check 'a wrong password is told' eventually state user '.code == "connect.login"'
check 'an address that is not allowed is not called' eventually state address '.code == "connect.address"'
check 'and counted' state outside '.refused >= 1'

# -- the server goes away and comes back --
stop_ftp
check 'a server that is gone fails the pull' eventually state first '.code == "connect"'
start_ftp
check 'the pull goes on, and takes no file again' eventually state first '.code == "ok" and .pages == 4'
check 'the gateway ends in order' stop_gateway
echo "1..$count"
