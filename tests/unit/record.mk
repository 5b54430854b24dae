RECORD_TESTS = tests/unit/test_dictionary tests/unit/test_record_pack \
	tests/unit/test_rules_compare tests/unit/test_rules_identifier \
	tests/unit/test_rules_predicate tests/unit/test_rules_text tests/unit/test_rules_value
check_PROGRAMS += $(RECORD_TESTS)
TESTS += $(RECORD_TESTS)
EXTRA_DIST += tests/record
RECORD_TEST_LIBS = libbd_record.a libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
RECORD_TEST_SUPPORT = tests/unit/id_kinds.h tests/unit/record_support.h tests/unit/rows.h
tests_unit_test_dictionary_SOURCES = tests/unit/test_dictionary.c $(RECORD_TEST_SUPPORT)
tests_unit_test_dictionary_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_record_pack_SOURCES = tests/unit/test_record_pack.c $(RECORD_TEST_SUPPORT)
tests_unit_test_record_pack_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_rules_compare_SOURCES = tests/unit/test_rules_compare.c $(RECORD_TEST_SUPPORT)
tests_unit_test_rules_compare_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_rules_predicate_SOURCES = tests/unit/test_rules_predicate.c $(RECORD_TEST_SUPPORT)
tests_unit_test_rules_predicate_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_rules_identifier_SOURCES = tests/unit/test_rules_identifier.c $(RECORD_TEST_SUPPORT)
tests_unit_test_rules_identifier_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_rules_text_SOURCES = tests/unit/test_rules_text.c $(RECORD_TEST_SUPPORT)
tests_unit_test_rules_text_LDADD = $(RECORD_TEST_LIBS)
tests_unit_test_rules_value_SOURCES = tests/unit/test_rules_value.c $(RECORD_TEST_SUPPORT)
tests_unit_test_rules_value_LDADD = $(RECORD_TEST_LIBS)
