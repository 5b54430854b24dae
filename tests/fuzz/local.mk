# Each target is built twice: fuzz_NAME with libFuzzer (make fuzz-targets, clang), and replay_NAME, a
# test that runs the kept inputs of corpus/NAME.
FUZZERS =
REPLAYS =
include tests/fuzz/base.mk
include tests/fuzz/record.mk
include tests/fuzz/intake.mk
include tests/fuzz/store.mk
include tests/fuzz/trail.mk
include tests/fuzz/answer.mk
include tests/fuzz/http.mk
include tests/fuzz/config.mk
include tests/fuzz/daemon.mk
EXTRA_PROGRAMS += $(FUZZERS)
check_PROGRAMS += $(REPLAYS)
TESTS += $(REPLAYS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.sh
.PHONY: fuzz-targets
fuzz-targets: $(FUZZERS)
