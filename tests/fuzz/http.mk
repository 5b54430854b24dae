FUZZERS += tests/fuzz/fuzz_http
REPLAYS += tests/fuzz/replay_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c
tests_fuzz_fuzz_http_LDADD = libbd_http.a libbd_base.a $(HTTP_PARSER_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UV_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_http_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/replay.c
tests_fuzz_replay_http_LDADD = $(tests_fuzz_fuzz_http_LDADD)
