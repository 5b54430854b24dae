# Fuzz targets of the layer store, as in base.mk.
STORE_FUZZ_LIBS = libbd_store.a libbd_record.a libbd_base.a $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring \
	-lpthread

FUZZERS += tests/fuzz/fuzz_node
REPLAYS += tests/fuzz/replay_node
tests_fuzz_fuzz_node_SOURCES = tests/fuzz/fuzz_node.c
tests_fuzz_fuzz_node_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_node_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_node_SOURCES = $(tests_fuzz_fuzz_node_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_node_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_coverage
REPLAYS += tests/fuzz/replay_coverage
tests_fuzz_fuzz_coverage_SOURCES = tests/fuzz/fuzz_coverage.c
tests_fuzz_fuzz_coverage_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_coverage_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_coverage_SOURCES = $(tests_fuzz_fuzz_coverage_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_coverage_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_journal
REPLAYS += tests/fuzz/replay_journal
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c
tests_fuzz_fuzz_journal_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_journal_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_journal_SOURCES = $(tests_fuzz_fuzz_journal_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_journal_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_obligation
REPLAYS += tests/fuzz/replay_obligation
tests_fuzz_fuzz_obligation_SOURCES = tests/fuzz/fuzz_obligation.c
tests_fuzz_fuzz_obligation_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_obligation_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_obligation_SOURCES = $(tests_fuzz_fuzz_obligation_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_obligation_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_spool
REPLAYS += tests/fuzz/replay_spool
tests_fuzz_fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c
tests_fuzz_fuzz_spool_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_spool_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_spool_SOURCES = $(tests_fuzz_fuzz_spool_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_spool_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_case
REPLAYS += tests/fuzz/replay_case
tests_fuzz_fuzz_case_SOURCES = tests/fuzz/fuzz_case.c
tests_fuzz_fuzz_case_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_case_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_case_SOURCES = $(tests_fuzz_fuzz_case_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_case_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_case_head
REPLAYS += tests/fuzz/replay_case_head
tests_fuzz_fuzz_case_head_SOURCES = tests/fuzz/fuzz_case_head.c
tests_fuzz_fuzz_case_head_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_case_head_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_case_head_SOURCES = $(tests_fuzz_fuzz_case_head_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_case_head_LDADD = $(STORE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_case_block
REPLAYS += tests/fuzz/replay_case_block
tests_fuzz_fuzz_case_block_SOURCES = tests/fuzz/fuzz_case_block.c
tests_fuzz_fuzz_case_block_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_case_block_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_case_block_SOURCES = $(tests_fuzz_fuzz_case_block_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_case_block_LDADD = $(STORE_FUZZ_LIBS)
FUZZERS += tests/fuzz/fuzz_manifest
REPLAYS += tests/fuzz/replay_manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c
tests_fuzz_fuzz_manifest_LDADD = $(STORE_FUZZ_LIBS)
tests_fuzz_fuzz_manifest_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_manifest_SOURCES = $(tests_fuzz_fuzz_manifest_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_manifest_LDADD = $(tests_fuzz_fuzz_manifest_LDADD)
