# Fuzz targets of the layer trail, as in base.mk.
TRAIL_FUZZ_LIBS = libbd_trail.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
FUZZERS += tests/fuzz/fuzz_proof tests/fuzz/fuzz_segment
REPLAYS += tests/fuzz/replay_proof tests/fuzz/replay_segment
tests_fuzz_fuzz_proof_SOURCES = tests/fuzz/fuzz_proof.c
tests_fuzz_fuzz_proof_LDADD = $(TRAIL_FUZZ_LIBS)
tests_fuzz_fuzz_proof_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_proof_SOURCES = tests/fuzz/fuzz_proof.c tests/fuzz/replay.c
tests_fuzz_replay_proof_LDADD = $(TRAIL_FUZZ_LIBS)
tests_fuzz_fuzz_segment_SOURCES = tests/fuzz/fuzz_segment.c
tests_fuzz_fuzz_segment_LDADD = $(TRAIL_FUZZ_LIBS)
tests_fuzz_fuzz_segment_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_segment_SOURCES = tests/fuzz/fuzz_segment.c tests/fuzz/replay.c
tests_fuzz_replay_segment_LDADD = $(TRAIL_FUZZ_LIBS)
FUZZERS += tests/fuzz/fuzz_receipt
REPLAYS += tests/fuzz/replay_receipt
tests_fuzz_fuzz_receipt_SOURCES = tests/fuzz/fuzz_receipt.c
tests_fuzz_fuzz_receipt_LDADD = $(TRAIL_FUZZ_LIBS)
tests_fuzz_fuzz_receipt_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_receipt_SOURCES = tests/fuzz/fuzz_receipt.c tests/fuzz/replay.c
tests_fuzz_replay_receipt_LDADD = $(TRAIL_FUZZ_LIBS)
