noinst_LIBRARIES += libbd_store.a
libbd_store_a_SOURCES = \
	gateway/store/commit.c \
	gateway/store/cover.c gateway/store/coverage.c gateway/store/coverage.h \
	gateway/store/env.h \
	gateway/store/lookup.c \
	gateway/store/node.c gateway/store/node.h \
	gateway/store/report.c \
	gateway/store/seal.c gateway/store/seal.h \
	gateway/store/spool.c gateway/store/spool.h \
	gateway/store/store.c gateway/store/store.h
libbd_store_a_CPPFLAGS = $(AM_CPPFLAGS)
