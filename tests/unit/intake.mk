INTAKE_TEST_LIBS = libbd_config.a libbd_intake.a libbd_record.a libbd_base.a $(XML_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_samples
TESTS += tests/unit/test_samples
tests_unit_test_samples_SOURCES = tests/unit/test_samples.c tests/unit/intake_support.h \
	tests/unit/config_support.h
tests_unit_test_samples_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_map
TESTS += tests/unit/test_map
tests_unit_test_map_SOURCES = tests/unit/test_map.c tests/unit/intake_cases.h \
	tests/unit/intake_support.h tests/unit/config_support.h
tests_unit_test_map_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_hostile
TESTS += tests/unit/test_hostile
tests_unit_test_hostile_SOURCES = tests/unit/test_hostile.c tests/unit/intake_cases.h \
	tests/unit/intake_support.h tests/unit/config_support.h
tests_unit_test_hostile_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_intake
TESTS += tests/unit/test_intake
tests_unit_test_intake_SOURCES = tests/unit/test_intake.c tests/unit/intake_support.h \
	tests/unit/config_support.h
tests_unit_test_intake_LDADD = $(INTAKE_TEST_LIBS)
tests_unit_test_intake_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

check_PROGRAMS += tests/unit/test_decode_csv
TESTS += tests/unit/test_decode_csv
tests_unit_test_decode_csv_SOURCES = tests/unit/test_decode_csv.c tests/unit/decode_check.h \
	tests/unit/decode_support.h
tests_unit_test_decode_csv_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_decode_delimited
TESTS += tests/unit/test_decode_delimited
tests_unit_test_decode_delimited_SOURCES = tests/unit/test_decode_delimited.c \
	tests/unit/decode_check.h tests/unit/decode_support.h
tests_unit_test_decode_delimited_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_decode_fixed
TESTS += tests/unit/test_decode_fixed
tests_unit_test_decode_fixed_SOURCES = tests/unit/test_decode_fixed.c tests/unit/decode_check.h \
	tests/unit/decode_support.h
tests_unit_test_decode_fixed_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_decode_json
TESTS += tests/unit/test_decode_json
tests_unit_test_decode_json_SOURCES = tests/unit/test_decode_json.c tests/unit/decode_check.h \
	tests/unit/decode_support.h
tests_unit_test_decode_json_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_decode_xml
TESTS += tests/unit/test_decode_xml
tests_unit_test_decode_xml_SOURCES = tests/unit/test_decode_xml.c tests/unit/decode_check.h \
	tests/unit/decode_support.h
tests_unit_test_decode_xml_LDADD = $(INTAKE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_inflate
TESTS += tests/unit/test_inflate
tests_unit_test_inflate_SOURCES = tests/unit/test_inflate.c
tests_unit_test_inflate_LDADD = $(INTAKE_TEST_LIBS)

EXTRA_DIST += tests/hostile/intake

check_PROGRAMS += tests/unit/test_row_key
TESTS += tests/unit/test_row_key
tests_unit_test_row_key_SOURCES = tests/unit/test_row_key.c tests/unit/intake_support.h \
	tests/unit/config_support.h
tests_unit_test_row_key_LDADD = $(INTAKE_TEST_LIBS)
check_PROGRAMS += tests/unit/test_hostile_many
TESTS += tests/unit/test_hostile_many
tests_unit_test_hostile_many_SOURCES = tests/unit/test_hostile_many.c tests/unit/intake_support.h
tests_unit_test_hostile_many_LDADD = $(INTAKE_TEST_LIBS)
