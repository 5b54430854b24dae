TRAIL_TESTS = tests/unit/test_trail tests/unit/test_trail_faults tests/unit/test_trail_mutations \
	tests/unit/test_trail_receipt tests/unit/test_witness
check_PROGRAMS += $(TRAIL_TESTS)
TESTS += $(TRAIL_TESTS)
TRAIL_TEST_LIBS = libbd_trail.a libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)
tests_unit_test_trail_SOURCES = tests/unit/test_trail.c tests/unit/page_cache_support.h tests/unit/trail_support.h
tests_unit_test_trail_LDADD = $(TRAIL_TEST_LIBS)
tests_unit_test_trail_faults_SOURCES = tests/unit/test_trail_faults.c tests/unit/trail_support.h
tests_unit_test_trail_faults_LDADD = $(TRAIL_TEST_LIBS)
tests_unit_test_trail_faults_LDFLAGS = -Wl,--wrap=pwrite,--wrap=pread,--wrap=fallocate,--wrap=fdatasync,--wrap=fsync,--wrap=ftruncate
tests_unit_test_trail_mutations_SOURCES = tests/unit/test_trail_mutations.c \
	tests/unit/trail_support.h
tests_unit_test_trail_mutations_LDADD = $(TRAIL_TEST_LIBS)
tests_unit_test_trail_receipt_SOURCES = tests/unit/test_trail_receipt.c
tests_unit_test_trail_receipt_LDADD = $(TRAIL_TEST_LIBS)
tests_unit_test_witness_SOURCES = tests/unit/test_witness.c tests/unit/trail_support.h
tests_unit_test_witness_LDADD = $(TRAIL_TEST_LIBS)
