#!/usr/bin/env bash
# keys.sh - the master key of a running gateway: made with escrow, read from where it may be, recovered from its shares,
# changed while messages come and over a kill, and let go of when nothing needs it. TAP.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")
subject='{"entity":"person","id_type":"resident_id","id_no":"440311199106159019"}'
conf=$work/bidui.conf

bidui() { "$build/bidui" "$@"; }

# exits CODE TEXT COMMAND...: that exit, and the text in what it said.
exits() {
	local want=$1 text=$2 got=0
	shift 2
	"$@" >"$work/said" 2>&1 || got=$?
	[ "$got" = "$want" ] && grep -q "$text" "$work/said" || { echo "exit $got"; cat "$work/said"; return 1; }
}

# set_key LINE...: where the settings say the key comes from.
set_key() {
	sed -i '/^master_key_/d;/^sealing/d;/^blinding/d' "$conf"
	printf '%s\n' "$@" >>"$conf"
}

starts() {
	start_gateway || { tail -n 5 "$work/biduid.log"; return 1; }
}

starts_and_stops() {
	starts && stop_gateway
}

refuses() { # TEXT: the start, with that said
	start_gateway && { echo 'it started'; stop_gateway; return 1; }
	grep -q "$1" "$work/biduid.log" || { cat "$work/biduid.log"; return 1; }
}

# -- init --

made_with_escrow() {
	exits 0 '轮次 1' bidui init --config "$conf" --shares 3/5 --to "$work/shares" --lang zh &&
		[ "$(stat -c %a "$work/master.key" "$work/data" "$work/shares" | tr '\n' ' ')" = '600 700 700 ' ] &&
		[ "$(find "$work/shares" -name 'share-*-of-5-epoch-1.txt' -perm 600 | wc -l)" = 5 ]
}

# Shamir once more, by tables of the powers of 3: the second and the two last shares give what is in the key file.
shares_are_of_the_key() {
	"$python" - "$work/master.key" "$work/shares"/share-{2,4,5}-of-5-epoch-1.txt <<'END'
import hashlib, re, sys
power, log, x = [0] * 512, [0] * 256, 1
for i in range(255):
    power[i] = power[i + 255] = x
    log[x] = i
    x ^= x << 1 ^ (0x11B if x & 0x80 else 0)
    x &= 0xFF
product = lambda a, b: power[log[a] + log[b]] if a and b else 0
quotient = lambda a, b: power[log[a] + 255 - log[b]] if a else 0
points = []
for name in sys.argv[2:]:
    packed = b""
    for line in open(name, encoding="utf-8"):
        found = re.fullmatch(r"(\d): ((?:[0-9a-f]{4} ){3}[0-9a-f]{4})  ([0-9a-f]{4})\n", line)
        if found:
            part = bytes.fromhex(found[2])
            assert hashlib.sha256(bytes([int(found[1])]) + part).hexdigest()[:4] == found[3]
            packed += part
    assert len(packed) == 56 and packed[:3] == b"\x01\x03\x05" and packed[4:6] == b"\0\x01"
    assert hashlib.sha256(packed[:50]).digest()[:6] == packed[50:]
    points.append((packed[3], packed[18:50]))
key = bytearray(32)
for x, bytes_ in points:
    weight = 1
    for other, _ in points:
        if other != x:
            weight = product(weight, quotient(other, other ^ x))
    for i in range(32):
        key[i] ^= product(weight, bytes_[i])
assert open(sys.argv[1]).read() == "1 " + key.hex() + "\n", "another key"
END
}

never_over_another() {
	cp "$work/master.key" "$work/before"
	exits 4 'File exists' bidui init --config "$conf" --lang en && cmp "$work/master.key" "$work/before"
}

# -- where it comes from --

others_can_read_it() {
	local good=0
	chmod 640 "$work/master.key"
	refuses 'master_key_file can be read or written by others: chmod 600' || good=1
	chmod 600 "$work/master.key"
	return "$good"
}

a_link_is_not_followed() {
	ln -s "$work/master.key" "$work/link.key"
	set_key "master_key_file = $work/link.key"
	refuses 'symbolic link: name the file itself'
}

somebody_elses_file() {
	[ "$(id -u)" = 0 ] || return 0
	cp "$work/master.key" "$work/others.key"
	chown 65534 "$work/others.key"
	set_key "master_key_file = $work/others.key"
	refuses 'belongs to user 65534'
}

no_key_in_it() {
	(umask 077 && echo 'not a key 0123456789' >"$work/bad.key")
	set_key "master_key_file = $work/bad.key"
	refuses 'line 1 is no key' && ! grep -q 0123456789 "$work/biduid.log"
}

a_credential() {
	mkdir -p "$work/credentials"
	cp "$work/master.key" "$work/credentials/bidui.master"
	chmod 400 "$work/credentials/bidui.master"
	set_key 'master_key_credential = bidui.master'
	refuses 'CREDENTIALS_DIRECTORY' || return 1
	export CREDENTIALS_DIRECTORY=$work/credentials
	starts_and_stops
	local got=$?
	unset CREDENTIALS_DIRECTORY
	return "$got"
}

a_command() {
	local cat
	cat=$(type -P cat)
	set_key "master_key_command = $cat $work/master.key"
	starts_and_stops
}

a_command_that_fails() {
	local false head
	false=$(type -P false) head=$(type -P head)
	set_key "master_key_command = $false"
	refuses 'master_key_command failed (exit 1)' || return 1
	set_key "master_key_command = $head -c 100000 /dev/zero"
	refuses 'gave no key within' || return 1
	set_key "master_key_command = cat $work/master.key"
	refuses 'whole path of a program'
}

exactly_one() {
	set_key "master_key_file = $work/master.key" 'master_key_credential = x'
	refuses 'exactly one of' || return 1
	set_key
	refuses 'exactly one of'
}

another_key_stops_the_start() {
	(umask 077 && openssl rand -hex 32 >"$work/other.key")
	set_key "master_key_file = $work/other.key"
	refuses '主密钥与存储不符' && grep -q 'epoch 1 is another key' "$work/biduid.log"
}

another_blinding_is_refused() {
	set_key "master_key_file = $work/master.key" 'blinding = hmac-sm3'
	refuses '盲化算法不符'
}

# -- recovered --

share() { echo "$work/shares/share-$1-of-5-epoch-1.txt"; }

recovered() {
	mv "$work/master.key" "$work/before"
	exits 0 "is the store's" bidui key recover "$(share 5)" "$(share 1)" "$(share 3)" --config "$conf" --lang en &&
		cmp "$work/before" "$work/master.key" && [ "$(stat -c %a "$work/master.key")" = 600 ]
}

two_are_too_few() {
	mv "$work/master.key" "$work/before"
	exits 4 'too few shares' bidui key recover "$(share 5)" "$(share 1)" --config "$conf" --lang en &&
		[ ! -e "$work/master.key" ] && ! grep -q "$(sed 's/^1 //' "$work/before")" "$work/said"
	local got=$?
	mv "$work/before" "$work/master.key"
	return "$got"
}

mistyped_is_named() {
	sed 's/^3: \(.\)\(.\)/3: \2\1/' "$(share 2)" | sed 's/^3: \(.\)\1/3: 0f/' >"$work/typed"
	! cmp -s "$work/typed" "$(share 2)" || return 1
	exits 4 "line 3: mistyped" bidui key recover "$work/typed" "$(share 1)" "$(share 3)" --config "$conf" --lang en &&
		grep -q "^bidui: $work/typed: " "$work/said"
}

wrong_is_named() {
	exits 0 '' bidui key split --config "$conf" --shares 3/5 --to "$work/again" || return 1
	exits 4 'share 2 was not made with share 1' bidui key recover "$(share 1)" \
		"$work/again/share-2-of-5-epoch-1.txt" "$(share 3)" --config "$conf" --lang en
}

of_another_store() {
	sed "s#^data_folder.*#data_folder = $work/other#; s#^master_key_file.*#master_key_file = $work/strange.key#" \
		"$conf" >"$work/other.conf"
	exits 0 '' bidui init --config "$work/other.conf" --shares 2/2 --to "$work/strange" || return 1
	exits 4 'epoch 1 is another key' bidui key recover "$work/strange"/share-* --config "$conf" --lang en
}

# -- in memory --

keys_are_locked_in() {
	awk '/^VmLck:/ {exit !($2 > 0)}' "/proc/$bidui_pid/status" &&
		grep -q '^Max core file size *0 *0 ' "/proc/$bidui_pid/limits"
}

# -- changed --

answer_of() { # what the query says, without when
	[ "$(query "$subject")" = 200 ] && jq -S 'del(.. | .age_s?, .at?, .receipt?, .received?, .complete_through?, .as_of?)' "$work/body"
}

keys_are() { # JQ-FILTER over the keys in the status
	[ "$(ask GET /v1/status)" = 200 ] && body_is ".keys | $1" >/dev/null
}

until_keys_are() {
	local left=200
	until keys_are "$1"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

is_explained() {
	[ "$(ask GET "/v1/receipts/$1?explain=true")" = 200 ]
}

samples_are_in() {
	starts && push_samples "$top/tests/e2e/samples.tsv" && [ "$(compare "$case_file")" = 200 ] || return 1
	receipt=$(jq -r .receipt "$work/body")
	[ "$(ask POST /v1/compare -H 'Content-Type: application/json' --data "@$work/question.json")" = 200 ] || return 1
	until_keys_are '.epoch == 1 and .needed == [1] and .sealing == "aes-256-gcm" and (has("resealing") | not)' || return 1
	answer_of >"$work/answer" && [ -s "$work/answer" ]
}

not_yet_dropped() {
	exits 4 'still needed' bidui key drop 1 --config "$conf" --lang en
}

# The new epoch is in force when it has been told; killed at once, and again while it goes on; messages come meanwhile.
rotated_over_kills() {
	exits 0 '已增加轮次 2' bidui key rotate --config "$conf" --shares 2/3 --to "$work/shares" --lang zh || return 1
	[ "$(grep -c . "$work/master.key")" = 2 ] && [ "$(stat -c %a "$work/master.key")" = 600 ] || return 1
	kill -HUP "$bidui_pid"
	until_keys_are '.epoch == 2' || return 1
	kill -KILL "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	starts || return 1
	push_samples "$top/tests/e2e/samples.tsv" || return 1
	kill -KILL "$bidui_pid"
	wait "$bidui_pid" 2>/dev/null
	starts && exits 0 'sm4\|aes' bidui key show --follow && until_keys_are '.needed == [2] and (has("resealing") | not)'
}

rotated_while_it_runs() {
	exits 0 'added epoch 3' bidui key rotate --config "$conf" --lang en || return 1
	kill -HUP "$bidui_pid"
	until_keys_are '.epoch == 3 and .needed == [3]' || return 1
	"$build/bidui" status --lang en | grep -q 'master key: epoch 3, aes-256-gcm, hmac-sha256$' || return 1
	curl -s "http://127.0.0.1:$http_port/metrics" >"$work/metrics" || return 1
	grep -q '^bidui_key_epoch 3$' "$work/metrics" && grep -q '^bidui_key_epochs_needed 1$' "$work/metrics"
}

answers_are_the_same() {
	answer_of | diff "$work/answer" - && is_explained "$receipt"
}

dropped() {
	exits 0 '' bidui key drop 1 --config "$conf" && exits 0 '' bidui key drop 2 --config "$conf" &&
		exits 4 'still needed' bidui key drop 3 --config "$conf" --lang en &&
		grep -qx '3 [0-9a-f]*' "$work/master.key" && [ "$(grep -c . "$work/master.key")" = 1 ] &&
		stop_gateway && starts
}

# The first epoch's key, and its shares, open nothing any more.
the_old_key_opens_nothing() {
	exits 0 'does not need its epoch' bidui key recover "$(share 1)" "$(share 2)" "$(share 3)" --config "$conf" --lang en || return 1
	stop_gateway || return 1
	set_key "master_key_file = $work/first.key"
	refuses 'epoch 3 is not among the keys'
}

under_sm4() {
	set_key "master_key_file = $work/master.key" 'sealing = sm4-ctr-hmac-sm3'
	starts && until_keys_are '.sealing == "sm4-ctr-hmac-sm3" and (has("resealing") | not)'
}

a_wrong_key_is_not_taken_at_a_reload() {
	cp "$work/master.key" "$work/right.key"
	sed -i 's/^3 .\(.*\)/3 0\1/; s/^3 00/3 01/' "$work/master.key"
	cmp -s "$work/master.key" "$work/right.key" && sed -i 's/.$/0/' "$work/master.key"
	kill -HUP "$bidui_pid"
	local left=100
	until grep -q 'reload.refused' "$work/biduid.log"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	cp "$work/right.key" "$work/master.key"
	keys_are '.epoch == 3'
}

# A store whose names are blinded by SM3 from its first start.
blinded_by_sm3() {
	stop_gateway && rm -rf "$work/data" || return 1
	set_key "master_key_file = $work/master.key" 'sealing = sm4-ctr-hmac-sm3' 'blinding = hmac-sm3'
	starts && push_samples "$top/tests/e2e/samples.tsv" && keys_are '.blinding == "hmac-sm3"' &&
		[ "$(compare "$case_file")" = 200 ] && body_is '.decision == "pass"'
}

make_keys
rm "$work/master.key"
write_settings 0 0
check 'init makes the folder and the key, with escrow' made_with_escrow
cp "$work/master.key" "$work/first.key"
check 'shares give the very key by another program' shares_are_of_the_key
check 'a key that is there is never written over' never_over_another
check 'a key file that others can read is refused' others_can_read_it
check 'a symbolic link is refused' a_link_is_not_followed
check "somebody else's key file is refused" somebody_elses_file
check 'a file without a key is refused, and not shown' no_key_in_it
check 'a credential of systemd' a_credential
check 'a command' a_command
check 'a command that fails, or gives too much, or goes through a shell' a_command_that_fails
check 'exactly one of them' exactly_one
check 'another key stops the start, and is named' another_key_stops_the_start
check 'another blinding is refused' another_blinding_is_refused
set_key "master_key_file = $work/master.key"
check 'any three of five shares give the very key' recovered
check 'two of them give nothing' two_are_too_few
check 'a mistyped share is named, with its line' mistyped_is_named
check 'a share of another set is named' wrong_is_named
check "another store's key is not taken" of_another_store
check 'messages and cases' samples_are_in
check 'keys are in locked memory and in no core' keys_are_locked_in
check 'an epoch that is needed is not dropped' not_yet_dropped
check 'a new epoch over two kills, while messages come' rotated_over_kills
check 'a new epoch while it runs; shown and measured' rotated_while_it_runs
check 'answers and case files are the same' answers_are_the_same
check 'old epochs are dropped, and it starts without them' dropped
check 'answers and case files are the same again' answers_are_the_same
check 'the old key opens nothing' the_old_key_opens_nothing
check 'sealed anew by SM4 and SM3' under_sm4
check 'answers and case files are the same under SM4' answers_are_the_same
check 'a wrong key is not taken at a reload' a_wrong_key_is_not_taken_at_a_reload
check 'a store blinded and sealed by SM3 and SM4' blinded_by_sm3
stop_gateway || exit 1
echo "1..$count"
