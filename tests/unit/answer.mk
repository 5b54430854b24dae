ANSWER_TESTS = \
	tests/unit/test_answer_cases \
	tests/unit/test_approved \
	tests/unit/test_answer_rules \
	tests/unit/test_decide \
	tests/unit/test_grants
ANSWER_TEST_LIBS = libbd_config.a libbd_answer.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)

check_PROGRAMS += $(ANSWER_TESTS)
TESTS += $(ANSWER_TESTS)
EXTRA_DIST += tests/answer
tests_unit_test_answer_cases_SOURCES = tests/unit/test_answer_cases.c tests/unit/answer_support.h \
	tests/unit/config_support.h
tests_unit_test_answer_cases_LDADD = $(ANSWER_TEST_LIBS)
tests_unit_test_answer_rules_SOURCES = tests/unit/test_answer_rules.c tests/unit/config_support.h
tests_unit_test_answer_rules_LDADD = $(ANSWER_TEST_LIBS)
tests_unit_test_decide_SOURCES = tests/unit/test_decide.c tests/unit/decide_support.h \
	tests/unit/answer_support.h tests/unit/config_support.h
tests_unit_test_decide_LDADD = $(ANSWER_TEST_LIBS)
tests_unit_test_grants_SOURCES = tests/unit/test_grants.c tests/unit/answer_support.h tests/unit/config_support.h
tests_unit_test_grants_LDADD = $(ANSWER_TEST_LIBS)
tests_unit_test_approved_SOURCES = tests/unit/test_approved.c tests/unit/answer_support.h tests/unit/config_support.h
tests_unit_test_approved_LDADD = $(ANSWER_TEST_LIBS)
