#!/usr/bin/env bash
# folders.sh - files in a drop folder: taken once, whatever happens between, and put away with a receipt; and what
# must not be read is not. TAP.
set -uo pipefail
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
. "$top/tests/e2e/lib.sh"
mounted='' far=''
trap 'stop_gateway; [ -z "$mounted" ] || umount "$mounted"; rm -rf "$work"' EXIT
samples=$top/adapters/market/samples
base=$samples/market_20260601_E_PB_BASEINFO.gb18030.txt
drop=$work/drop

# The gateway looks at folders by itself: what it comes to is waited for.
until_true() { # COMMAND...
	local left=${patience:-150}
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || { "$@"; return 1; }
		read -r -t 0.1 <> <(:) || true
	done
}

put() { # FILE FOLDER NAME: as a department's transfer does, renamed into place
	cp "$1" "$2/.$3.part" && mv "$2/.$3.part" "$2/$3"
}

receipt_is() { # FILE-WITHOUT-ENDING JQ-FILTER
	jq -e "$2" "$1.receipt.json"
}

done_with() { # FOLDER NAME: it and both receipts are there, and nothing is left of it
	[ -f "$1/$2" ] && [ -s "$1/$2.receipt.json" ] && [ -s "$1/$2.receipt.txt" ] && [ ! -e "$drop/$2" ]
}

holds() { # USCC-OF-A-BUSINESS
	[ "$(query "{\"entity\":\"organization\",\"uscc\":\"$1\"}")" = 200 ] && body_is '.status == "found"'
}

figure() { # OUTCOME [FOLDER]
	ask GET /metrics >/dev/null
	sed -n "s/^bidui_folder_files_total{source=\"market\",folder=\"${2:-main}\",outcome=\"$1\"} //p" "$work/body"
}

messages() {
	ask GET /metrics >/dev/null
	sed -n 's/^bidui_pushes_total //p' "$work/body"
}

status_of() { # FOLDER JQ-FILTER
	ask GET /v1/status >/dev/null && jq -e ".folders[] | select(.folder == \"$1\") | $2" "$work/body"
}

# -- taken --

taken() {
	put "$base" "$drop" 20260601_E_PB_BASEINFO.txt && until_true done_with "$drop/done" 20260601_E_PB_BASEINFO.txt &&
		receipt_is "$drop/done/20260601_E_PB_BASEINFO.txt" '.outcome == "taken" and .delivery == "2026-06-01" and
			.feed == "e_pb_baseinfo" and .receipt.accepted == 1 and (.receipt.message | length) > 0' &&
		holds 92440311MAXXXXX152
}
readable_by_a_clerk() {
	local text=$drop/done/20260601_E_PB_BASEINFO.txt.receipt.txt
	grep -q '结果 result: 已入库 taken' "$text" && grep -q $'\r$' "$text" && ! grep -q 示例 "$text" "$drop/done"/*.json &&
		[ "$(stat -c %a "$text")" = 644 ]
}
compressed() {
	gzip -c "$samples/market_20260602_E_PB_BASEINFO.utf8.txt" >"$work/one.gz" &&
		put "$work/one.gz" "$drop" 20260602_E_PB_BASEINFO.txt.gz &&
		until_true done_with "$drop/done" 20260602_E_PB_BASEINFO.txt.gz &&
		receipt_is "$drop/done/20260602_E_PB_BASEINFO.txt.gz" '.receipt.accepted == 1'
}
same_again() {
	local before
	before=$(messages)
	put "$base" "$drop" 20260601_E_PB_BASEINFO.txt && until_true done_with "$drop/done" 20260601_E_PB_BASEINFO.txt.2 &&
		receipt_is "$drop/done/20260601_E_PB_BASEINFO.txt.2" '.outcome == "repeat" and .receipt.accepted == 1' &&
		[ "$(jq -r .receipt.message "$drop/done/20260601_E_PB_BASEINFO.txt.2.receipt.json")" = \
			"$(jq -r .receipt.message "$drop/done/20260601_E_PB_BASEINFO.txt.receipt.json")" ] && [ "$(figure repeat)" = 1 ]
}
same_of_another_day() {
	put "$base" "$drop" 20260603_E_PB_BASEINFO.txt && until_true done_with "$drop/done" 20260603_E_PB_BASEINFO.txt &&
		receipt_is "$drop/done/20260603_E_PB_BASEINFO.txt" '.outcome == "taken" and .delivery == "2026-06-03"'
}
bad_rows() {
	{ cat "$samples/market_20260602_E_PB_BASEINFO.utf8.txt" && echo short; } >"$work/some"
	put "$work/some" "$drop" 20260604_E_PB_BASEINFO.txt && until_true done_with "$drop/done" 20260604_E_PB_BASEINFO.txt &&
		receipt_is "$drop/done/20260604_E_PB_BASEINFO.txt" '.receipt.rejected == 1 and .receipt.rejects[0].row == 2 and
			.receipt.rejects[0].code == "row.too_few_columns"' &&
		grep -q '第 2 行 row.*row.too_few_columns.*列数不足' "$drop/done/20260604_E_PB_BASEINFO.txt.receipt.txt"
}
nothing_but_bad_rows() {
	echo short >"$work/short" && put "$work/short" "$drop" 20260605_E_PB_BASEINFO.txt &&
		until_true done_with "$drop/failed" 20260605_E_PB_BASEINFO.txt &&
		receipt_is "$drop/failed/20260605_E_PB_BASEINFO.txt" '.receipt.code == "message.all_rejected"' &&
		grep -q '全部退回' "$drop/failed/20260605_E_PB_BASEINFO.txt.receipt.txt"
}
on_the_trail() {
	ask GET '/v1/rejects?source=market' >/dev/null && body_is '[.rejects[].reject.code] | index("row.too_few_columns")'
}
not_of_a_feed() {
	echo x >"$drop/张示例.pdf" && put "$samples/market_20260602_E_PB_OPERATOR.utf8.txt" "$drop" 20260602_E_PB_OPERATOR.hive &&
		until_true done_with "$drop/done" 20260602_E_PB_OPERATOR.hive && [ -f "$drop/张示例.pdf" ] &&
		! grep -q 张示例 "$work/biduid.log" && rm "$drop/张示例.pdf"
}

# -- what is not read --

left_alone() { # NAME CODE
	until_true test -s "$drop/failed/$1.receipt.json" && receipt_is "$drop/failed/$1" ".outcome == \"refused\" and
		.problem.code == \"$2\" and (.problem.hint | length) > 0"
}
links_and_pipes() {
	echo secret >"$work/secret"
	ln -s "$work/secret" "$drop/20260606_E_CANCEL.txt" && left_alone 20260606_E_CANCEL.txt folder.kind &&
		[ -L "$drop/20260606_E_CANCEL.txt" ] && rm "$drop/20260606_E_CANCEL.txt" || return 1
	mkfifo "$drop/20260607_E_CANCEL.txt" && left_alone 20260607_E_CANCEL.txt folder.kind && rm "$drop/20260607_E_CANCEL.txt" || return 1
	ln "$work/secret" "$drop/20260608_E_CANCEL.txt" && left_alone 20260608_E_CANCEL.txt folder.kind &&
		[ -f "$drop/20260608_E_CANCEL.txt" ] && rm "$drop/20260608_E_CANCEL.txt" || return 1
	mkdir "$drop/20260609_E_CANCEL.txt" && put "$samples/market_20260601_E_CANCEL.gb18030.txt" "$drop" 20260601_E_CANCEL.txt &&
		until_true done_with "$drop/done" 20260601_E_CANCEL.txt && [ -d "$drop/20260609_E_CANCEL.txt" ] && rmdir "$drop/20260609_E_CANCEL.txt"
}
foreign_owners() {
	[ "$(id -u)" = 0 ] || return 0
	cp "$base" "$work/foreign" && chown 65534 "$work/foreign" && mv "$work/foreign" "$drop/20260610_E_PB_BASEINFO.txt" &&
		until_true done_with "$drop/failed" 20260610_E_PB_BASEINFO.txt && left_alone 20260610_E_PB_BASEINFO.txt folder.owner || return 1
	cp "$base" "$work/agreed" && chown 4711 "$work/agreed" && mv "$work/agreed" "$drop/20260611_E_PB_BASEINFO.txt" &&
		until_true done_with "$drop/done" 20260611_E_PB_BASEINFO.txt
}
huge_files() {
	truncate -s 2000001 "$work/huge" && mv "$work/huge" "$drop/20260612_E_PB_BASEINFO.txt" &&
		until_true done_with "$drop/failed" 20260612_E_PB_BASEINFO.txt && left_alone 20260612_E_PB_BASEINFO.txt folder.size
}
unreadable_names() {
	local name=$'\xd5\xc5.txt'
	put "$base" "$drop" "$name" && until_true test -f "$drop/failed/%D5%C5%2E%74%78%74" && [ ! -e "$drop/$name" ] &&
		left_alone %D5%C5%2E%74%78%74 folder.name
}
wrong_bytes() {
	head -c 4096 /dev/urandom >"$work/noise"
	put "$work/noise" "$drop" 20260613_E_PB_BASEINFO.txt && until_true done_with "$drop/failed" 20260613_E_PB_BASEINFO.txt
}
# Two parts without a day, and the last with it: only that one says that the day is whole (test_store_coverage has what follows).
parts_of_a_day() {
	local all=$samples/market_20260601_E_GT_CANCEL.utf8.txt part
	for part in 1 2; do
		sed "s/2026-05-31 23:10:05/2026-05-31 23:1$part:05/" "$all" >"$work/part" && put "$work/part" "$work/parts" E_GT_CANCEL_part$part.txt &&
			until_true done_with "$work/parts/done" E_GT_CANCEL_part$part.txt &&
			receipt_is "$work/parts/done/E_GT_CANCEL_part$part.txt" '.outcome == "taken" and .receipt.accepted == 1 and .delivery == null' || return 1
	done
	put "$all" "$work/parts" 20260602_E_GT_CANCEL.txt && until_true done_with "$work/parts/done" 20260602_E_GT_CANCEL.txt &&
		receipt_is "$work/parts/done/20260602_E_GT_CANCEL.txt" '.outcome == "taken" and .delivery == "2026-06-02"'
}
writable_by_all() {
	chmod o+w "$drop" && touch "$drop/.touched" && until_true status_of main '.code == "folder.open"' || return 1
	put "$base" "$drop" 20260614_E_PB_BASEINFO.txt
	chmod o-w "$drop" && touch "$drop/.touched" && until_true done_with "$drop/done" 20260614_E_PB_BASEINFO.txt
}

# -- when it is whole --

marks() {
	local in=$work/marked
	cp "$base" "$in/20260701_E_PB_BASEINFO.txt" && until_true status_of marked '.incomplete == 1' &&
		[ -f "$in/20260701_E_PB_BASEINFO.txt" ] && : >"$in/20260701_E_PB_BASEINFO.txt.flag" &&
		until_true test -f "$in/done/20260701_E_PB_BASEINFO.txt" && until_true test ! -e "$in/20260701_E_PB_BASEINFO.txt.flag"
}
digests_in_marks() {
	local in=$work/marked sum
	sum=$(sha256sum <"$base" | cut -d' ' -f1)
	cp "$base" "$in/20260702_E_PB_BASEINFO.txt" && echo "$sum" >"$in/.f" && mv "$in/.f" "$in/20260702_E_PB_BASEINFO.txt.flag" &&
		until_true test -f "$in/done/20260702_E_PB_BASEINFO.txt" || return 1
	cp "$base" "$in/20260703_E_PB_BASEINFO.txt" && echo "${sum//[0-4]/5}" >"$in/.f" && mv "$in/.f" "$in/20260703_E_PB_BASEINFO.txt.flag" &&
		until_true test -s "$in/failed/20260703_E_PB_BASEINFO.txt.receipt.json" &&
		receipt_is "$in/failed/20260703_E_PB_BASEINFO.txt" '.problem.code == "folder.digest"'
}

# -- a day's set --

sets() {
	local in=$work/daily
	put "$samples/market_20260602_E_PB_OPERATOR.utf8.txt" "$in" 20260602_E_PB_OPERATOR.txt &&
		until_true status_of daily '.awaiting == 1' &&
		printf '# 对账\n20260602_E_PB_OPERATOR.txt\t1\tfull\n20260602_E_PB_BASEINFO.txt\t1\n' >"$work/t" &&
		put "$work/t" "$in" 20260602_TOTALS.txt && until_true test -f "$in/done/20260602_E_PB_OPERATOR.txt" &&
		receipt_is "$in/done/20260602_E_PB_OPERATOR.txt" '.total == 1' && [ -f "$in/20260602_TOTALS.txt" ] &&
		put "$samples/market_20260602_E_PB_BASEINFO.utf8.txt" "$in" 20260602_E_PB_BASEINFO.txt &&
		until_true test -f "$in/done/20260602_TOTALS.txt" &&
		receipt_is "$in/done/20260602_TOTALS.txt" '.outcome == "agreed" and (.files | length) == 2'
}
sets_that_differ() {
	local in=$work/daily
	printf '20260604_E_PB_BASEINFO.txt,2\n20260604_E_CANCEL.txt,0\n' >"$work/t"
	put "$base" "$in" 20260604_E_PB_OPERATOR.txt && put "$base" "$in" 20260604_E_PB_BASEINFO.txt &&
		until_true status_of daily '.awaiting == 2' && put "$work/t" "$in" 20260604_TOTALS.txt &&
		: >"$in/20260604_E_CANCEL.txt" && until_true test -f "$in/failed/20260604_TOTALS.txt" &&
		receipt_is "$in/failed/20260604_TOTALS.txt" '.outcome == "failed" and [.files[].state] == ["failed", "agreed"]' &&
		receipt_is "$in/failed/20260604_E_PB_BASEINFO.txt" '.problem.code == "delivery.total"' &&
		receipt_is "$in/done/20260604_E_CANCEL.txt" '.receipt.received == 0' &&
		receipt_is "$in/failed/20260604_E_PB_OPERATOR.txt" '.problem.code == "folder.unlisted"'
}
bad_totals() {
	local in=$work/daily
	printf 'a.txt\t1\nb.txt\tmany\n' >"$work/t" && put "$work/t" "$in" 20260605_TOTALS.txt &&
		until_true test -f "$in/failed/20260605_TOTALS.txt" &&
		receipt_is "$in/failed/20260605_TOTALS.txt" '.problem.code == "folder.totals" and .problem.errors[0].line == 2'
}

# -- one way --

one_way() {
	local in=$work/gate out=$work/receipts
	put "$base" "$in" 20260801_E_PB_BASEINFO.txt && until_true test -s "$out/done/20260801_E_PB_BASEINFO.txt.receipt.json" &&
		receipt_is "$out/done/20260801_E_PB_BASEINFO.txt" '.outcome == "taken"' && [ -f "$in/20260801_E_PB_BASEINFO.txt" ] &&
		[ ! -e "$out/done/20260801_E_PB_BASEINFO.txt" ] && [ "$(ls -A "$in" | wc -l)" = 1 ]
}

# -- restarts --

# Killed in the middle of a long file: a worker has some of it, and is held there.
killed_in_the_middle() {
	local name=20260620_E_PB_BASEINFO.txt workers
	workers=$(pgrep -P "$bidui_pid") && kill -STOP $workers && put "$work/long" "$work/big" "$name" &&
		until_true workers_are_busy && kill -9 "$bidui_pid" && { wait "$bidui_pid" || true; } 2>/dev/null
	kill -9 $workers 2>/dev/null
	bidui_pid=
	[ -f "$work/big/$name" ] && [ ! -e "$work/big/done/$name" ] || return 1
	start_gateway && patience=600 until_true test -f "$work/big/done/$name" &&
		receipt_is "$work/big/done/$name" '.receipt.accepted == 1200 and .receipt.rejected == 0' && subjects_are_whole
}
# Somebody writes on while a worker has it: nothing of that reading is taken, and the whole is read again.
changed_while_read() {
	local name=20260622_E_PB_BASEINFO.txt workers
	workers=$(pgrep -P "$bidui_pid") && kill -STOP $workers && put "$work/long" "$work/big" "$name" && until_true workers_are_busy &&
		head -n 3 "$work/made-more" >>"$work/big/$name"
	kill -CONT $workers
	until_true test -f "$work/big/done/$name" && receipt_is "$work/big/done/$name" '.outcome == "taken" and .receipt.received == 1203' &&
		grep -q '"event":"folder.changed"' "$work/biduid.log"
}
workers_are_busy() {
	ask GET /metrics >/dev/null && grep -qE '^bidui_workers_busy [1-9]' "$work/body"
}
subjects_are_whole() {
	ask GET /v1/status >/dev/null && jq -e '[.feeds[] | select(.feed == "e_pb_baseinfo") | .messages] | length > 0' "$work/body"
}
killed_before_it_is_moved() {
	local name=20260621_E_PB_BASEINFO.txt good
	# Where it should go is no folder: it is committed, and stays.
	mv "$work/big/done" "$work/big/.done" && : >"$work/big/done" && put "$base" "$work/big" "$name" &&
		until_true status_of big '.code == "folder.move"'
	good=$?
	rm "$work/big/done" && mv "$work/big/.done" "$work/big/done"
	[ "$good" = 0 ] && kill -9 "$bidui_pid" && { wait "$bidui_pid" || true; } 2>/dev/null
	bidui_pid=
	[ -f "$work/big/$name" ] && start_gateway && until_true test -f "$work/big/done/$name" &&
		receipt_is "$work/big/done/$name" '.outcome == "repeat" and .receipt.accepted == 1'
}
one_way_once() {
	[ "$(figure taken gate)" = 0 ] && until_true eval '[ "$(figure repeat gate)" = 1 ]' && [ -f "$work/gate/20260801_E_PB_BASEINFO.txt" ]
}
to_another_file_system() {
	put "$base" "$work/far" 20260901_E_PB_BASEINFO.txt && until_true test -f "$mounted/done/20260901_E_PB_BASEINFO.txt" &&
		cmp "$base" "$mounted/done/20260901_E_PB_BASEINFO.txt" && [ ! -e "$work/far/20260901_E_PB_BASEINFO.txt" ] &&
		[ -s "$mounted/done/20260901_E_PB_BASEINFO.txt.receipt.json" ]
}
full_disk() {
	local name=20260902_E_PB_BASEINFO.txt
	head -c 2000000 /dev/zero >"$mounted/filler" 2>/dev/null
	put "$base" "$work/far" "$name" && until_true status_of far '.code == "disk.full"' && [ -f "$work/far/$name" ] &&
		rm "$mounted/filler" && until_true test -f "$mounted/done/$name" && receipt_is "$mounted/done/$name" '.outcome == "repeat"'
}
reloads() {
	mkdir "$work/later" && sed -i "s#<!-- more -->#<folder name=\"later\" path=\"later\" complete=\"rename\"/>#" "$work/sources.xml" &&
		kill -HUP "$bidui_pid" && put "$samples/market_20260603_E_BASEINFO.utf8.txt" "$work/later" 20260603_E_BASEINFO.txt &&
		until_true reloaded
}
# Where the kernel fences the gateway, what lies outside takes a restart.
reloaded() {
	grep -q 'config.restart' "$work/biduid.log" || test -f "$work/later/done/20260603_E_BASEINFO.txt"
}
receipts_name_nobody() {
	find "$drop" "$work/marked" "$work/daily" "$work/receipts" -name '*.receipt.*' -exec cat {} + >>"$work/said"
	[ "$(grep -c '"outcome"' "$work/said")" -gt 20 ] && stop_gateway
}

make_keys
mkdir -p "$drop" "$work/marked" "$work/daily" "$work/gate" "$work/receipts" "$work/big" "$work/parts" "$work/far"
write_settings 0 0
if [ "$(id -u)" = 0 ] && mkdir "$work/disk" && mount -t tmpfs -o size=1m,mode=755 tmpfs "$work/disk" 2>/dev/null; then
	mounted=$work/disk
	far='<folder name="far" path="far" complete="rename" done="disk/done" failed="disk/failed"/>'
fi
cat >"$work/sources.xml" <<END
<?xml version="1.0" encoding="UTF-8"?>
<sources>
 <source name="market">
  <folder name="main" path="drop" complete="rename" owner="4711" max-bytes="2000000"/>
  <folder name="marked" path="marked" complete="done-file" done-suffix=".flag"/>
  <folder name="daily" path="daily" complete="rename" totals="{date}_TOTALS"/>
  <folder name="gate" path="gate" complete="rename" one-way="true" receipts="receipts"/>
  <folder name="parts" path="parts" complete="rename">
   <file pattern="E_GT_CANCEL_part*.txt" feed="e_gt_cancel"/>
   <file pattern="{date}_E_GT_CANCEL.txt" feed="e_gt_cancel"/>
  </folder>
  <folder name="big" path="big" complete="rename">
   <file pattern="{date}_E_PB_BASEINFO.txt" feed="e_pb_baseinfo"/>
  </folder>
  $far
  <!-- more -->
 </source>
</sources>
END
[ -z "$mounted" ] || mkdir -p "$mounted/done" "$mounted/failed"
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
start_or_bail
check 'a file is taken, and put away with its receipts' taken
check 'the text is for a clerk, and has nobody in it' readable_by_a_clerk
check 'a compressed one' compressed
check 'the same bytes again are not taken twice' same_again
check 'but of another day they are another delivery' same_of_another_day
check 'bad rows are named by row' bad_rows
check 'nothing but bad rows: failed' nothing_but_bad_rows
check 'rejects are kept as those of a push' on_the_trail
check 'what is of no feed stays, and is not named' not_of_a_feed
check 'links, pipes, hard links and folders are not read' links_and_pipes
check 'nor files of a stranger' foreign_owners
check 'nor what is too long' huge_files
check 'nor under a name that nobody can read' unreadable_names
check 'noise is refused' wrong_bytes
check 'nor anything while everybody may write there' writable_by_all
check 'with marks: whole when the mark is there' marks
check 'a mark may state the digest' digests_in_marks
check 'a set of a day, in any order, agrees with its totals' sets
check 'or does not, and each file says why' sets_that_differ
check 'totals of another form are refused with the line' bad_totals
check 'one way: the file stays, the receipt lies elsewhere' one_way
"$build/tests/gen/bidui_gen" --people 1200 --businesses 1200 --seed 9 --out "$work/made" && cp "$work/made/market_E_PB_BASEINFO.utf8.txt" "$work/long" &&
	tail -n 3 "$work/long" >"$work/made-more" && rm -rf "$work/made"
check 'several files of one day: it is whole with the last of them alone' parts_of_a_day
check 'killed in the middle of a file: taken whole, once' killed_in_the_middle
check 'one way: over a restart the same file is not taken again' one_way_once
check 'killed before it was moved: moved, and not taken again' killed_before_it_is_moved
check 'a file that is changed while it is read is read again' changed_while_read
if [ -n "$mounted" ]; then
	check 'done/ on another file system' to_another_file_system
	check 'no room for a receipt: tried until there is, and taken once' full_disk
fi
check 'a reload brings a folder, or says that it takes a restart' reloads
check 'the gateway ends in order, and no receipt names anybody' receipts_name_nobody
echo "1..$count"
