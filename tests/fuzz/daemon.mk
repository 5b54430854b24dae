# Fuzz targets of the layer daemon, as in base.mk.
FUZZERS += tests/fuzz/fuzz_frame
REPLAYS += tests/fuzz/replay_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c gateway/daemon/frame.c
tests_fuzz_fuzz_frame_LDADD = libbd_record.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_frame_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_frame_SOURCES = tests/fuzz/fuzz_frame.c tests/fuzz/replay.c gateway/daemon/frame.c
tests_fuzz_replay_frame_LDADD = $(tests_fuzz_fuzz_frame_LDADD)
