FUZZERS += tests/fuzz/fuzz_json
REPLAYS += tests/fuzz/replay_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_json_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/replay.c
tests_fuzz_replay_json_LDADD = $(tests_fuzz_fuzz_json_LDADD)
