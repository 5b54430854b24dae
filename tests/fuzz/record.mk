# Fuzz targets of the layer record, as in base.mk.
RECORD_FUZZ_LIBS = libbd_record.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
FUZZERS += tests/fuzz/fuzz_compare tests/fuzz/fuzz_pack tests/fuzz/fuzz_rules
REPLAYS += tests/fuzz/replay_compare tests/fuzz/replay_pack tests/fuzz/replay_rules
tests_fuzz_fuzz_compare_SOURCES = tests/fuzz/fuzz_compare.c
tests_fuzz_fuzz_compare_LDADD = $(RECORD_FUZZ_LIBS)
tests_fuzz_fuzz_compare_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_compare_SOURCES = tests/fuzz/fuzz_compare.c tests/fuzz/replay.c
tests_fuzz_replay_compare_LDADD = $(RECORD_FUZZ_LIBS)
tests_fuzz_fuzz_pack_SOURCES = tests/fuzz/fuzz_pack.c
tests_fuzz_fuzz_pack_LDADD = $(RECORD_FUZZ_LIBS)
tests_fuzz_fuzz_pack_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_pack_SOURCES = tests/fuzz/fuzz_pack.c tests/fuzz/replay.c
tests_fuzz_replay_pack_LDADD = $(RECORD_FUZZ_LIBS)
tests_fuzz_fuzz_rules_SOURCES = tests/fuzz/fuzz_rules.c tests/unit/id_kinds.h
tests_fuzz_fuzz_rules_LDADD = $(RECORD_FUZZ_LIBS)
tests_fuzz_fuzz_rules_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_rules_SOURCES = tests/fuzz/fuzz_rules.c tests/fuzz/replay.c tests/unit/id_kinds.h
tests_fuzz_replay_rules_LDADD = $(RECORD_FUZZ_LIBS)
