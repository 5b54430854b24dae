HTTP_TESTS = tests/unit/test_http_budget tests/unit/test_http_client \
	tests/unit/test_http_leave tests/unit/test_http_server tests/unit/test_http_turns \
	tests/unit/test_tls tests/unit/test_tls_hostile
check_PROGRAMS += $(HTTP_TESTS)
TESTS += $(HTTP_TESTS)
EXTRA_DIST += tests/hostile/http tests/hostile/tls
HTTP_TEST_LIBS = libbd_http.a libbd_base.a $(SSL_LIBS) $(CRYPTO_LIBS) $(UV_LIBS) $(HTTP_PARSER_LIBS) \
	-lunistring -lpthread $(CMOCKA_LIBS)
tests_unit_test_http_server_SOURCES = tests/unit/test_http_server.c tests/unit/http_server.c tests/unit/http_server.h
tests_unit_test_http_server_LDADD = $(HTTP_TEST_LIBS)
tests_unit_test_http_budget_SOURCES = tests/unit/test_http_budget.c tests/unit/http_server.c tests/unit/http_server.h \
	tests/unit/tls_keys.c tests/unit/tls_keys.h
tests_unit_test_http_budget_LDADD = $(HTTP_TEST_LIBS)
tests_unit_test_http_leave_SOURCES = tests/unit/test_http_leave.c tests/unit/http_server.c tests/unit/http_server.h \
	tests/unit/tls_keys.c tests/unit/tls_keys.h
tests_unit_test_http_leave_LDADD = $(HTTP_TEST_LIBS)
tests_unit_test_http_turns_SOURCES = tests/unit/test_http_turns.c tests/unit/http_server.c tests/unit/http_server.h \
	tests/unit/tls_keys.c tests/unit/tls_keys.h
tests_unit_test_http_turns_LDADD = $(HTTP_TEST_LIBS)
tests_unit_test_http_client_SOURCES = tests/unit/test_http_client.c tests/unit/http_server.c tests/unit/http_server.h \
	tests/unit/tls_keys.c tests/unit/tls_keys.h
tests_unit_test_http_client_LDADD = $(HTTP_TEST_LIBS) $(CURL_LIBS)
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c tests/unit/http_server.c tests/unit/http_server.h
tests_unit_test_tls_LDADD = $(HTTP_TEST_LIBS)
tests_unit_test_tls_hostile_SOURCES = tests/unit/test_tls_hostile.c tests/unit/http_server.c tests/unit/http_server.h \
	tests/unit/tls_keys.c tests/unit/tls_keys.h
tests_unit_test_tls_hostile_LDADD = $(HTTP_TEST_LIBS)
