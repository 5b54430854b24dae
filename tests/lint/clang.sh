#!/usr/bin/env bash
# clang.sh - every C file also passes clang without a warning (the build itself is gcc's).
set -u
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
echo 1..1
flags=$(sed -n 's/^\(XML\|CURL\|SSL\|CRYPTO\|UV\|LMDB\|HTTP_PARSER\|ZLIB\|SECCOMP\|CMOCKA\)_CFLAGS = //p' "$build/Makefile" | tr '\n' ' ')
found=$(cd "$top" && find gateway tests -name '*.c' | sort)
[ -n "$found" ] || { echo 'not ok 1 - no C file found'; exit 1; }
# shellcheck disable=SC2086
if messages=$(cd "$top" && printf '%s\n' $found | xargs -P 2 -n 8 clang -fsyntax-only -std=gnu11 -Wall -Wextra \
	-Werror -D_GNU_SOURCE -DHAVE_CONFIG_H '-DBD_DATA_FOLDER="share"' -I"$build" -I"$build/gateway/base" -Igateway -Itests/unit -Itests/gen $flags 2>&1); then
	echo "ok 1 - clang: $(printf '%s\n' "$found" | wc -l) files without a warning"
else
	printf '%s\n' "$messages" | head -40 | sed 's/^/# /'
	echo 'not ok 1 - clang warns'
	exit 1
fi
