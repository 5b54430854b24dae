#!/usr/bin/env bash
# fuzz.sh - runs every fuzz target for its share of some minutes, several at a time, and says what each did.
#
# fuzz.sh BUILD MINUTES JOBS: BUILD has the targets of `make fuzz-targets`. What grows of a corpus stays in
# BUILD/corpus/NAME for the next run; an input that breaks something stays in BUILD/findings/NAME, and the exit is 1.
# On the standard output one line a target: its name, executions, coverage at the beginning and the end, inputs added,
# findings.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LC_ALL=C.UTF-8 srcdir=$top
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# One target, its libFuzzer's words in BUILD/log/NAME. Ended by a finding: what broke is in its folder.
run_target() { # BUILD NAME SECONDS
	local build=$1 name=$2 seconds=$3 code=0
	local log=$build/log/$name findings=$build/findings/$name
	mkdir -p "$build/corpus/$name" "$build/log" "$findings"
	"$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$findings/" "$build/corpus/$name" "$top/tests/fuzz/corpus/$name" >"$log" 2>&1 || code=$?
	report "$name" "$log" "$findings" "$code"
}

# A target that said nothing of its end was not run: that is a finding too.
report() { # NAME LOG FINDINGS EXIT
	local name=$1 log=$2 findings=$3 code=$4 ran added first last found
	ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	added=$(sed -n 's/^stat::new_units_added: *//p' "$log")
	first=$(sed -n 's/^#.*INITED.* cov: \([0-9]*\).*/\1/p' "$log" | head -n 1)
	last=$(sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
	found=$(find "$findings" -type f | wc -l)
	if [ "$found" -eq 0 ] && { [ "$code" -ne 0 ] || [ -z "$ran" ]; }; then
		found=1
	fi
	printf '%-18s %12s %8s -> %-8s %6s %s\n' "$name" "${ran:-?}" "${first:-?}" "${last:-?}" "${added:-?}" \
		"$([ "$found" -eq 0 ] && echo - || echo "$found: $findings, $log")"
	[ "$found" -eq 0 ]
}

if [ "${1-}" = --one ]; then
	shift
	run_target "$@"
	exit
fi
build=$1 minutes=$2 jobs=$3
mapfile -t names < <(cd "$build/tests/fuzz" && for target in fuzz_*; do
	[ -f "$target" ] && [ -x "$target" ] && echo "${target#fuzz_}"
done)
if [ ${#names[@]} -eq 0 ]; then
	echo 'no fuzz target was built' >&2
	exit 1
fi
seconds=$((minutes * 60 * jobs / ${#names[@]}))
printf '%-18s %12s %8s -> %-8s %6s %s\n' '目标 target' 'executions' 'coverage' 'after' 'inputs' 'findings'
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I '{}' bash "${BASH_SOURCE[0]}" --one "$build" '{}' "$((seconds > 0 ? seconds : 1))"
status=$?
if [ "$status" -ne 0 ]; then
	echo "有发现，输入保存在 $build/findings" >&2
	echo "something was found: the inputs are kept in $build/findings" >&2
	exit 1
fi
