noinst_LIBRARIES += libbd_config.a
libbd_config_a_SOURCES = \
	gateway/config/diags.c gateway/config/diags.h \
	gateway/config/dictionary.c gateway/config/dictionary.h \
	gateway/config/xml.c gateway/config/xml.h
libbd_config_a_CPPFLAGS = $(AM_CPPFLAGS)
