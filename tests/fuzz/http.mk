FUZZERS += tests/fuzz/fuzz_http
REPLAYS += tests/fuzz/replay_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c
tests_fuzz_fuzz_http_LDADD = libbd_http.a libbd_base.a $(HTTP_PARSER_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UV_LIBS) -lunistring -lpthread
tests_fuzz_fuzz_http_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/replay.c
tests_fuzz_replay_http_LDADD = $(tests_fuzz_fuzz_http_LDADD)
FUZZERS += tests/fuzz/fuzz_deny
REPLAYS += tests/fuzz/replay_deny
tests_fuzz_fuzz_deny_SOURCES = tests/fuzz/fuzz_deny.c
tests_fuzz_fuzz_deny_LDADD = $(tests_fuzz_fuzz_http_LDADD)
tests_fuzz_fuzz_deny_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_deny_SOURCES = tests/fuzz/fuzz_deny.c tests/fuzz/replay.c
tests_fuzz_replay_deny_LDADD = $(tests_fuzz_fuzz_http_LDADD)
FUZZERS += tests/fuzz/fuzz_peer
REPLAYS += tests/fuzz/replay_peer
tests_fuzz_fuzz_peer_SOURCES = tests/fuzz/fuzz_peer.c
tests_fuzz_fuzz_peer_LDADD = $(tests_fuzz_fuzz_http_LDADD)
tests_fuzz_fuzz_peer_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_peer_SOURCES = $(tests_fuzz_fuzz_peer_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_peer_LDADD = $(tests_fuzz_fuzz_peer_LDADD)
