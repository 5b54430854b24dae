noinst_LIBRARIES += libbd_base.a
libbd_base_a_SOURCES = \
	gateway/base/arena.c gateway/base/arena.h \
	gateway/base/bytes.c gateway/base/bytes.h \
	gateway/base/clock.c gateway/base/clock.h \
	gateway/base/code.c gateway/base/code.h gateway/base/codes.def \
	gateway/base/diag.c gateway/base/diag.h \
	gateway/base/digest.c gateway/base/digest.h \
	gateway/base/limits.h
libbd_base_a_CPPFLAGS = $(AM_CPPFLAGS)
