#!/bin/sh
# format.sh - clang-format decides the form of every C file. Skipped where it is missing or too old to read
# our settings.
top=${srcdir:-.}
cd "$top" || exit 99
if ! command -v clang-format >/dev/null 2>&1 ||
	! clang-format --dump-config -style=file gateway/base/bytes.h >/dev/null 2>&1; then
	echo '1..0 # SKIP no clang-format that reads .clang-format'
	exit 0
fi
errors=$(mktemp)
echo 1..1
if find gateway tests -name '*.[ch]' -exec clang-format --dry-run -Werror -style=file {} +  >"$errors" 2>&1; then
	echo 'ok 1 - every file has the form clang-format gives it'
else
	echo 'not ok 1 - every file has the form clang-format gives it'
	head -n 40 "$errors" | sed 's/^/# /'
fi
rm -f "$errors"
