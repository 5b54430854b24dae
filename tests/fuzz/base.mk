# Fuzz targets of the layer base; those of other layers stand as here, in a file a layer.
BASE_FUZZ_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring -lpthread
FUZZERS += tests/fuzz/fuzz_charset tests/fuzz/fuzz_json tests/fuzz/fuzz_merkle tests/fuzz/fuzz_sign
REPLAYS += tests/fuzz/replay_charset tests/fuzz/replay_json tests/fuzz/replay_merkle tests/fuzz/replay_sign
tests_fuzz_fuzz_charset_SOURCES = tests/fuzz/fuzz_charset.c
tests_fuzz_fuzz_charset_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_charset_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_charset_SOURCES = tests/fuzz/fuzz_charset.c tests/fuzz/replay.c
tests_fuzz_replay_charset_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_json_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/replay.c
tests_fuzz_replay_json_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_merkle_SOURCES = tests/fuzz/fuzz_merkle.c tests/unit/merkle_support.h
tests_fuzz_fuzz_merkle_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_merkle_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_merkle_SOURCES = $(tests_fuzz_fuzz_merkle_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_merkle_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_sign_SOURCES = tests/fuzz/fuzz_sign.c
tests_fuzz_fuzz_sign_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_sign_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_sign_SOURCES = tests/fuzz/fuzz_sign.c tests/fuzz/replay.c
tests_fuzz_replay_sign_LDADD = $(BASE_FUZZ_LIBS)
FUZZERS += tests/fuzz/fuzz_shares
REPLAYS += tests/fuzz/replay_shares
tests_fuzz_fuzz_shares_SOURCES = tests/fuzz/fuzz_shares.c
tests_fuzz_fuzz_shares_LDADD = $(BASE_FUZZ_LIBS)
tests_fuzz_fuzz_shares_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_replay_shares_SOURCES = $(tests_fuzz_fuzz_shares_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_shares_LDADD = $(tests_fuzz_fuzz_shares_LDADD)
