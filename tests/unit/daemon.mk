check_PROGRAMS += tests/unit/test_language
TESTS += tests/unit/test_language
tests_unit_test_language_SOURCES = tests/unit/test_language.c gateway/daemon/language.c
tests_unit_test_language_LDADD = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
