# Who is speaking, how often, and who may change things.
SENDERS_TESTS = tests/unit/test_access \
	tests/unit/test_approval \
	tests/unit/test_logins \
	tests/unit/test_nonces \
	tests/unit/test_quota \
	tests/unit/test_signature \
	tests/unit/test_siphash
check_PROGRAMS += $(SENDERS_TESTS)
TESTS += $(SENDERS_TESTS)
SENDERS_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)
tests_unit_test_access_SOURCES = tests/unit/test_access.c gateway/daemon/access.c
tests_unit_test_access_LDADD = $(SENDERS_TEST_LIBS)
tests_unit_test_nonces_SOURCES = tests/unit/test_nonces.c gateway/daemon/nonces.c
tests_unit_test_nonces_LDADD = $(SENDERS_TEST_LIBS)
tests_unit_test_signature_SOURCES = tests/unit/test_signature.c gateway/daemon/signature.c
tests_unit_test_signature_LDADD = $(SENDERS_TEST_LIBS)
tests_unit_test_quota_SOURCES = tests/unit/test_quota.c gateway/daemon/quota.c
tests_unit_test_quota_LDADD = $(SENDERS_TEST_LIBS)
tests_unit_test_siphash_SOURCES = tests/unit/test_siphash.c
tests_unit_test_siphash_LDADD = $(SENDERS_TEST_LIBS)
tests_unit_test_logins_SOURCES = tests/unit/test_logins.c gateway/daemon/logins.c gateway/daemon/mailbox.c
tests_unit_test_logins_LDADD = $(SENDERS_TEST_LIBS) $(UV_LIBS)
tests_unit_test_approval_SOURCES = tests/unit/test_approval.c gateway/daemon/approval.c
tests_unit_test_approval_LDADD = $(SENDERS_TEST_LIBS)
