#!/usr/bin/env bash
# reference.sh - the engine and the reference evaluator, written apart from it, come to the same. TAP.
set -u
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
count=0

check() { # NAME WHAT OPTION...
	local name=$1 verdict=ok
	shift
	count=$((count + 1))
	python3 "$top/tests/reference/reference.py" "$@" --top "$top" --driver "$build/tests/reference/answer_cases" ||
		verdict='not ok'
	echo "$verdict $count - $name"
}

check 'comparators and conditions come to what tests/record says' tables
check 'every written case of every matter' written
check '3,000 invented cases of every matter' invented --cases 3000 --jobs "$(nproc 2>/dev/null || echo 2)"
check 'a rule forgotten on one side is noticed' faults --cases 3000
echo "1..$count"
