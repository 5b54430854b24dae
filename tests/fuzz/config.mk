# Fuzz targets of the layer config, as in base.mk. Settings, senders, adapters and the dictionary are files of ours.
FUZZERS += tests/fuzz/fuzz_matter
REPLAYS += tests/fuzz/replay_matter
tests_fuzz_fuzz_matter_SOURCES = tests/fuzz/fuzz_matter.c
tests_fuzz_fuzz_matter_LDADD = libbd_config.a libbd_intake.a libbd_record.a libbd_base.a $(XML_LIBS) $(ZLIB_LIBS) \
	$(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_matter_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_matter_SOURCES = $(tests_fuzz_fuzz_matter_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_matter_LDADD = $(tests_fuzz_fuzz_matter_LDADD)
