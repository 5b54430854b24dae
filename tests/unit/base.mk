BASE_TESTS = tests/unit/test_bytes tests/unit/test_charset tests/unit/test_clock \
	tests/unit/test_digest tests/unit/test_json tests/unit/test_merkle tests/unit/test_shares tests/unit/test_sign \
	tests/unit/test_text tests/unit/test_workday
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
EXTRA_DIST += tests/base
BASE_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_bytes_SOURCES = tests/unit/test_bytes.c
tests_unit_test_bytes_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_charset_SOURCES = tests/unit/test_charset.c tests/unit/rows.h
tests_unit_test_charset_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_clock_SOURCES = tests/unit/test_clock.c tests/unit/rows.h
tests_unit_test_clock_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c
tests_unit_test_digest_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/rows.h
tests_unit_test_json_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_merkle_SOURCES = tests/unit/test_merkle.c tests/unit/merkle_support.h
tests_unit_test_merkle_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c
tests_unit_test_sign_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_text_SOURCES = tests/unit/test_text.c tests/unit/rows.h
tests_unit_test_text_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_workday_SOURCES = tests/unit/test_workday.c
tests_unit_test_workday_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_shares_SOURCES = tests/unit/test_shares.c
tests_unit_test_shares_LDADD = $(BASE_TEST_LIBS)
