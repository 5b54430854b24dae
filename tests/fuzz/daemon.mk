# Fuzz targets of the layer daemon, as in base.mk.
FUZZERS += tests/fuzz/fuzz_frame
REPLAYS += tests/fuzz/replay_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c gateway/daemon/frame.c
tests_fuzz_fuzz_frame_LDADD = libbd_record.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_frame_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_frame_SOURCES = tests/fuzz/fuzz_frame.c tests/fuzz/replay.c gateway/daemon/frame.c
tests_fuzz_replay_frame_LDADD = $(tests_fuzz_fuzz_frame_LDADD)
FUZZERS += tests/fuzz/fuzz_call
REPLAYS += tests/fuzz/replay_call
tests_fuzz_fuzz_call_SOURCES = tests/fuzz/fuzz_call.c gateway/daemon/call.c gateway/daemon/cursor.c gateway/daemon/language.c
tests_fuzz_fuzz_call_LDADD = libbd_record.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_call_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_call_SOURCES = $(tests_fuzz_fuzz_call_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_call_LDADD = $(tests_fuzz_fuzz_call_LDADD)
FUZZERS += tests/fuzz/fuzz_totals
REPLAYS += tests/fuzz/replay_totals
tests_fuzz_fuzz_totals_SOURCES = tests/fuzz/fuzz_totals.c gateway/daemon/totals.c
tests_fuzz_fuzz_totals_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_totals_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_totals_SOURCES = $(tests_fuzz_fuzz_totals_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_totals_LDADD = $(tests_fuzz_fuzz_totals_LDADD)
FUZZERS += tests/fuzz/fuzz_signature
REPLAYS += tests/fuzz/replay_signature
tests_fuzz_fuzz_signature_SOURCES = tests/fuzz/fuzz_signature.c gateway/daemon/signature.c
tests_fuzz_fuzz_signature_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_signature_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_signature_SOURCES = $(tests_fuzz_fuzz_signature_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_signature_LDADD = $(tests_fuzz_fuzz_signature_LDADD)
FUZZERS += tests/fuzz/fuzz_caller
REPLAYS += tests/fuzz/replay_caller
tests_fuzz_fuzz_caller_SOURCES = tests/fuzz/fuzz_caller.c gateway/daemon/login_header.c gateway/daemon/platform.c
tests_fuzz_fuzz_caller_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_caller_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_caller_SOURCES = $(tests_fuzz_fuzz_caller_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_caller_LDADD = $(tests_fuzz_fuzz_caller_LDADD)
FUZZERS += tests/fuzz/fuzz_database
REPLAYS += tests/fuzz/replay_database
tests_fuzz_fuzz_database_SOURCES = tests/fuzz/fuzz_database.c gateway/daemon/database_talk.c
tests_fuzz_fuzz_database_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_database_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_database_SOURCES = $(tests_fuzz_fuzz_database_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_database_LDADD = $(tests_fuzz_fuzz_database_LDADD)
FUZZERS += tests/fuzz/fuzz_file_list
REPLAYS += tests/fuzz/replay_file_list
tests_fuzz_fuzz_file_list_SOURCES = tests/fuzz/fuzz_file_list.c gateway/daemon/file_list.c
tests_fuzz_fuzz_file_list_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_file_list_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_file_list_SOURCES = $(tests_fuzz_fuzz_file_list_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_file_list_LDADD = $(tests_fuzz_fuzz_file_list_LDADD)
FUZZERS += tests/fuzz/fuzz_forms
REPLAYS += tests/fuzz/replay_forms
BODY_SOURCES = gateway/daemon/body.c gateway/daemon/body_change.c gateway/daemon/body_obligation.c gateway/daemon/body_upload.c
tests_fuzz_fuzz_forms_SOURCES = tests/fuzz/fuzz_forms.c $(BODY_SOURCES)
tests_fuzz_fuzz_forms_LDADD = libbd_trail.a libbd_answer.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_forms_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_forms_SOURCES = $(tests_fuzz_fuzz_forms_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_forms_LDADD = $(tests_fuzz_fuzz_forms_LDADD)
