# Fuzz targets of the layer answer, as in base.mk.
FUZZERS += tests/fuzz/fuzz_question
REPLAYS += tests/fuzz/replay_question
tests_fuzz_fuzz_question_SOURCES = tests/fuzz/fuzz_question.c
tests_fuzz_fuzz_question_LDADD = libbd_answer.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a $(XML_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_question_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_question_SOURCES = $(tests_fuzz_fuzz_question_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_question_LDADD = $(tests_fuzz_fuzz_question_LDADD)
