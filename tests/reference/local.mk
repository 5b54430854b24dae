check_PROGRAMS += tests/reference/answer_cases
tests_reference_answer_cases_SOURCES = tests/reference/answer_cases.c
tests_reference_answer_cases_LDADD = libbd_config.a libbd_answer.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(CRYPTO_LIBS) -lunistring
TESTS += tests/reference/reference.sh
# By name: objects are built in a folder of this name, and a folder would be taken with them.
EXTRA_DIST += tests/reference/case.py tests/reference/decide.py tests/reference/evaluate.py tests/reference/generate.py \
	tests/reference/language.py tests/reference/mutate.py tests/reference/reference.py tests/reference/reference.sh \
	tests/reference/tables.py tests/reference/values.py
