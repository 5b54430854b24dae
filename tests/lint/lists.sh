#!/bin/sh
# lists.sh - what is there is run: a test that a list of the build has lost fails nowhere. TAP: one test a kind;
# every file that is in no list is named.
top=${srcdir:-.}
cd "$top" || exit 99
count=0 failed=0

# missing NAME PATTERN FILES...: those that no fragment of the build names, by the pattern for the name.
missing() {
	name=$1 suffix=$2
	shift 2
	count=$((count + 1))
	offences=$(for file in "$@"; do
		case $file in tests/e2e/lib.sh | tests/e2e/demo.sh) continue ;; esac
		word=${file%"$suffix"}
		cat tests/*.mk tests/*/*.mk | sed 's/#.*//' | tr ' \t\\' '\n\n\n' | grep -qxF "$word" || echo "$file"
	done)
	if [ -z "$offences" ]; then
		echo "ok $count - $name"
	else
		failed=1
		echo "not ok $count - $name"
		printf '%s\n' "$offences" | sed 's/^/# /'
	fi
}

echo 1..4
missing 'every script of tests/e2e is run' '' tests/e2e/*.sh
missing 'every lint is run' '' tests/lint/*.sh
missing 'every unit test is run' .c tests/unit/test_*.c
missing 'every fuzz target is built' .c tests/fuzz/fuzz_*.c
exit $failed
