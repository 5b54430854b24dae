#!/usr/bin/env bash
# service.sh - the unit of systemd is well formed and leaves little open. TAP.
set -u
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
# Exposure as `systemd-analyze security` counts it: 0 nothing is left to take, 10 nothing was taken.
most=2.0

echo 1..2
version=$(systemd-analyze --version 2>/dev/null | awk 'NR == 1 { print $2 }')
if [ "${version:-0}" -lt 252 ]; then
	echo 'ok 1 - the unit leaves little open # SKIP systemd-analyze 252 is not here'
	echo 'ok 2 - the unit is well formed # SKIP systemd-analyze 252 is not here'
	exit 0
fi
failed=0
cp "$build/gateway/daemon/biduid.service" "$work/biduid.service"
got=$(systemd-analyze security --no-pager --offline=true "$work/biduid.service" 2>&1 |
	sed -n 's/.*Overall exposure level for biduid.service: \([0-9.]*\).*/\1/p')
if [ -n "$got" ] && awk -v got="$got" -v most="$most" 'BEGIN { exit !(got <= most) }'; then
	echo "ok 1 - the unit leaves little open: $got of at most $most"
else
	failed=1
	echo "not ok 1 - the unit leaves little open: '$got' of at most $most"
fi
# Where it is not installed neither its program nor its manual is in its place.
sed "s#^ExecStart=[^ ]*#ExecStart=$build/biduid#; /^Documentation=/d" "$build/gateway/daemon/biduid.service" >"$work/biduid.service"
said=$(systemd-analyze verify --man=no "$work/biduid.service" 2>&1 | grep -F biduid.service)
if [ -z "$said" ]; then
	echo 'ok 2 - the unit is well formed'
else
	failed=1
	echo 'not ok 2 - the unit is well formed'
	printf '%s\n' "$said" | sed 's/^/# /'
fi
exit $failed
