# Who is speaking, how often, and who may change things.
SENDERS_TESTS = tests/unit/test_access
check_PROGRAMS += $(SENDERS_TESTS)
TESTS += $(SENDERS_TESTS)
SENDERS_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_access_SOURCES = tests/unit/test_access.c gateway/daemon/access.c
tests_unit_test_access_LDADD = $(SENDERS_TEST_LIBS)
