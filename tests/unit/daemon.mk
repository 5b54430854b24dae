DAEMON_TESTS = tests/unit/test_cursor tests/unit/test_language
check_PROGRAMS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
DAEMON_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_cursor_SOURCES = tests/unit/test_cursor.c gateway/daemon/cursor.c
tests_unit_test_cursor_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_language_SOURCES = tests/unit/test_language.c gateway/daemon/language.c
tests_unit_test_language_LDADD = $(DAEMON_TEST_LIBS)
