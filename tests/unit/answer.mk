check_PROGRAMS += tests/unit/test_answer_rules
TESTS += tests/unit/test_answer_rules
EXTRA_DIST += tests/answer
tests_unit_test_answer_rules_SOURCES = tests/unit/test_answer_rules.c tests/unit/config_support.h
tests_unit_test_answer_rules_LDADD = libbd_config.a libbd_answer.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
