BASE_TESTS = tests/unit/test_merkle tests/unit/test_sign
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
BASE_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_merkle_SOURCES = tests/unit/test_merkle.c
tests_unit_test_merkle_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c
tests_unit_test_sign_LDADD = $(BASE_TEST_LIBS)
