INTAKE_FUZZ_LIBS = libbd_config.a libbd_intake.a libbd_record.a libbd_base.a $(XML_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread

FUZZERS += tests/fuzz/fuzz_intake
REPLAYS += tests/fuzz/replay_intake
tests_fuzz_fuzz_intake_SOURCES = tests/fuzz/fuzz_intake.c
tests_fuzz_fuzz_intake_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_intake_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_intake_SOURCES = $(tests_fuzz_fuzz_intake_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_intake_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_decode_xml
REPLAYS += tests/fuzz/replay_decode_xml
tests_fuzz_fuzz_decode_xml_SOURCES = tests/fuzz/fuzz_decode_xml.c \
	tests/fuzz/fuzz_decode.h tests/unit/decode_support.h
tests_fuzz_fuzz_decode_xml_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_decode_xml_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_decode_xml_SOURCES = $(tests_fuzz_fuzz_decode_xml_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_decode_xml_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_decode_json
REPLAYS += tests/fuzz/replay_decode_json
tests_fuzz_fuzz_decode_json_SOURCES = tests/fuzz/fuzz_decode_json.c \
	tests/fuzz/fuzz_decode.h tests/unit/decode_support.h
tests_fuzz_fuzz_decode_json_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_decode_json_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_decode_json_SOURCES = $(tests_fuzz_fuzz_decode_json_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_decode_json_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_decode_delimited
REPLAYS += tests/fuzz/replay_decode_delimited
tests_fuzz_fuzz_decode_delimited_SOURCES = tests/fuzz/fuzz_decode_delimited.c \
	tests/fuzz/fuzz_decode.h tests/unit/decode_support.h
tests_fuzz_fuzz_decode_delimited_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_decode_delimited_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_decode_delimited_SOURCES = $(tests_fuzz_fuzz_decode_delimited_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_decode_delimited_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_decode_csv
REPLAYS += tests/fuzz/replay_decode_csv
tests_fuzz_fuzz_decode_csv_SOURCES = tests/fuzz/fuzz_decode_csv.c \
	tests/fuzz/fuzz_decode.h tests/unit/decode_support.h
tests_fuzz_fuzz_decode_csv_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_decode_csv_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_decode_csv_SOURCES = $(tests_fuzz_fuzz_decode_csv_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_decode_csv_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_decode_fixed
REPLAYS += tests/fuzz/replay_decode_fixed
tests_fuzz_fuzz_decode_fixed_SOURCES = tests/fuzz/fuzz_decode_fixed.c \
	tests/fuzz/fuzz_decode.h tests/unit/decode_support.h
tests_fuzz_fuzz_decode_fixed_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_decode_fixed_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_decode_fixed_SOURCES = $(tests_fuzz_fuzz_decode_fixed_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_decode_fixed_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_inflate
REPLAYS += tests/fuzz/replay_inflate
tests_fuzz_fuzz_inflate_SOURCES = tests/fuzz/fuzz_inflate.c
tests_fuzz_fuzz_inflate_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_inflate_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_inflate_SOURCES = $(tests_fuzz_fuzz_inflate_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_inflate_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_image
REPLAYS += tests/fuzz/replay_image
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c
tests_fuzz_fuzz_image_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_image_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_image_SOURCES = $(tests_fuzz_fuzz_image_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_image_LDADD = $(INTAKE_FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_sealed
REPLAYS += tests/fuzz/replay_sealed
tests_fuzz_fuzz_sealed_SOURCES = tests/fuzz/fuzz_sealed.c
tests_fuzz_fuzz_sealed_LDADD = $(INTAKE_FUZZ_LIBS)
tests_fuzz_fuzz_sealed_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_sealed_SOURCES = $(tests_fuzz_fuzz_sealed_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_sealed_LDADD = $(INTAKE_FUZZ_LIBS)
