#!/usr/bin/env bash
# readme.sh - every command of the README's 提问 Asking is run as it stands there, and does what its line says. TAP.
#
# A command that is added to the README needs a check of its own here: one that nobody knows fails.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
case_file=$top/schemas/matters/individual-business-registration/cases/01-pass.json
base=$top/adapters/market/samples/market_20260601_E_PB_BASEINFO.gb18030.txt
tax=$top/adapters/tax/samples/tax_gt3_response.xml

# The commands of the section, a line each; a line that ends in \ goes on.
commands() {
	sed -n '/^## 提问 Asking/,/^## /p' "$top/README.md" | sed -n '/^```/,/^```/{/^```/d;p}' |
		sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' | grep -v '^ *$'
}

# As a reader types it, in a folder that has what it names; its output in $work/out, its exit code returned.
type_in() { # FILE COMMAND
	ln -sfn "$1" "$work/desk/FILE"
	(cd "$work/desk" && PATH=$build:$PATH bash -c "$2") >"$work/out" 2>"$work/err" || {
		local result=$?
		cat "$work/err"
		return "$result"
	}
}

says() { # PATTERN...: each stands in what was said
	local pattern
	for pattern; do
		grep -q -- "$pattern" "$work/out" || { echo "nothing like $pattern in:"; cat "$work/out" "$work/err"; return 1; }
	done
}

does() { # COMMAND
	local command=$1
	case $command in
	'bidui status '*) type_in / "$command" && says 覆盖 时效 '^market .*全量' ;;
	'bidui query --kind resident_id '*)
		type_in / "$command" && says 已查到 林示例 social medical tax market || return 1
		type_in / 'bidui query --kind resident_id --number 440311199106159027'
		[ $? -eq 1 ]
		;;
	'bidui compare case.json '*)
		type_in / "$command" && says 秒批通过 && type_in / "${command/case.json/case.ndjson}" &&
			[ "$(grep -c 秒批通过 "$work/out")" = 2 ]
		;;
	'bidui push FILE '*) type_in "$base" "$command" && says '收到 1 ' '退回 0' ;;
	'bidui obligations --overdue '*) type_in / "$command" && says '^期限 .*状态 .*所欠 .*办件' ;;
	'bidui dictionary person '*) type_in / "$command" && says vital_status 生存状态 'alive dead unknown' ;;
	'bidui adapter validate '*)
		type_in / "$command" && says gt3 verify || return 1
		type_in / 'bidui adapter validate broken'
		[ $? -eq 4 ] && grep -q '^feeds/meaning.xml:[0-9]*:[0-9]*: ' "$work/err" || { cat "$work/err"; return 1; }
		;;
	'bidui adapter run tax/gt3 FILE '*)
		messages >"$work/before"
		type_in "$tax" "$command" && says 试运行，未入库 'tax_status' && messages | diff "$work/before" -
		;;
	'bidui matter test '*) type_in / "$command" && says individual-business-registration ;;
	'bidui receipt verify FILE --key PUB '*)
		fetch_proof && type_in "$work/proof.json" "$command" && says 'valid: true' 'decision: pass' || return 1
		sed 's/"leaf":[0-9]*/"leaf":0/' "$work/proof.json" >"$work/changed.json"
		type_in "$work/changed.json" "$command"
		[ $? -eq 1 ]
		;;
	'bidui explain RECEIPT '*)
		local left=100
		fetch_proof || return 1
		until type_in / "${command/RECEIPT/$receipt}"; do
			left=$((left - 1))
			[ "$left" -gt 0 ] || return 1
			read -r -t 0.1 <> <(:) || true
		done
		says 部门数据 '林\*\*.*林\*\*' 与承诺相符
		;;
	'bidui pki list '*) type_in / "$command" && says '^ca .*CA' '^server .*服务器' '^crl.pem .*吊销列表' ;;
	'bidui audit verify FOLDER --key PUB '*) type_in / "$command" && says 'whole: true' 'running: true' ;;
	'bidui audit show FOLDER --key PUB --case ID '*)
		type_in / "${command/ID/GM20260601-0001}" && says GM20260601-0001
		;;
	'curl '*) type_in / "$command" && [ "$(jq -r .decision "$work/out")" = pass ] ;;
	*) echo 'nobody knows how to check it' && return 1 ;;
	esac
}

# The proof of a comparison's receipt: there when the next head is signed.
fetch_proof() {
	local left=100
	compare "$case_file" >/dev/null
	receipt=$(jq -r .receipt "$work/body")
	until [ "$(ask GET "/v1/receipts/$receipt/proof")" = 200 ]; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		read -r -t 0.1 <> <(:) || true
	done
	cp "$work/body" "$work/proof.json"
}

# How many messages are held of each feed.
messages() {
	ask GET /v1/status >/dev/null
	jq -c '.feeds[] | [.feed, .messages]' "$work/body"
}

make_keys
write_settings 0 0
mkdir "$work/desk"
ln -s "$top/adapters" "$top/schemas" "$work/desk/"
ln -s "$top/tests/adapters/broken" "$work/desk/broken"
ln -s "$work/signing.pub" "$work/desk/PUB"
ln -s "$work/tls" "$work/desk/pki"
ln -s "$work/data/trail" "$work/desk/FOLDER"
jq .question "$case_file" >"$work/desk/case.json"
jq -c .question "$case_file" "$case_file" >"$work/desk/case.ndjson"
if ! start_gateway || ! push_samples "$top/tests/e2e/samples.tsv"; then
	echo 'Bail out! the gateway did not start, or does not take the samples'
	tail -n 20 "$work/biduid.log" | sed 's/^/# /'
	exit 1
fi
commands >"$work/commands"
check 'the README has commands' [ "$(wc -l <"$work/commands")" -ge 8 ]
while IFS= read -r line; do
	check "$(printf '%s' "$line" | sed 's/ *#.*//')" does "$line "
done <"$work/commands"
check 'it stops in order' stop_gateway
echo "1..$count"
