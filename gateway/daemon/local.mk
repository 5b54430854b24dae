pkglibexec_PROGRAMS += bidui-worker
bidui_worker_SOURCES = \
	gateway/daemon/frame.c gateway/daemon/frame.h \
	gateway/daemon/worker_main.c
bidui_worker_CPPFLAGS = $(AM_CPPFLAGS)
bidui_worker_LDADD = libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring
