FUZZERS += tests/fuzz/fuzz_intake
REPLAYS += tests/fuzz/replay_intake
tests_fuzz_fuzz_intake_SOURCES = tests/fuzz/fuzz_intake.c
tests_fuzz_fuzz_intake_LDADD = libbd_config.a libbd_intake.a libbd_record.a libbd_base.a $(XML_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_intake_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_intake_SOURCES = tests/fuzz/fuzz_intake.c tests/fuzz/replay.c
tests_fuzz_replay_intake_LDADD = $(tests_fuzz_fuzz_intake_LDADD)
