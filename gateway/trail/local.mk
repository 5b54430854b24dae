noinst_LIBRARIES += libbd_trail.a
libbd_trail_a_SOURCES = \
	gateway/trail/entry.c gateway/trail/entry.h \
	gateway/trail/event.c gateway/trail/event.h \
	gateway/trail/file.c gateway/trail/file.h \
	gateway/trail/find.c \
	gateway/trail/folder.c gateway/trail/folder.h \
	gateway/trail/head.c gateway/trail/head.h \
	gateway/trail/log.c \
	gateway/trail/proof.c gateway/trail/proof.h \
	gateway/trail/receipt.c gateway/trail/receipt.h \
	gateway/trail/recover.c \
	gateway/trail/runs.c gateway/trail/runs.h \
	gateway/trail/segment.c gateway/trail/segment.h \
	gateway/trail/signer.c gateway/trail/stage.c \
	gateway/trail/state.h \
	gateway/trail/trail.c gateway/trail/trail.h \
	gateway/trail/tree.c gateway/trail/tree.h \
	gateway/trail/verify.c gateway/trail/verify.h \
	gateway/trail/witness.c gateway/trail/witness.h
libbd_trail_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_trail_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
