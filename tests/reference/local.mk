check_PROGRAMS += tests/reference/answer_cases
tests_reference_answer_cases_SOURCES = tests/reference/answer_cases.c
tests_reference_answer_cases_LDADD = libbd_config.a libbd_answer.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(CRYPTO_LIBS) -lunistring
TESTS += tests/reference/reference.sh
EXTRA_DIST += tests/reference
