noinst_LIBRARIES += libbd_config.a
libbd_config_a_SOURCES = \
	gateway/config/accounts.c gateway/config/accounts.h \
	gateway/config/adapter.c gateway/config/adapter.h \
	gateway/config/calendar.c gateway/config/calendar.h \
	gateway/config/catalogue.c \
	gateway/config/codes.c gateway/config/compiler.h \
	gateway/config/diags.c gateway/config/diags.h \
	gateway/config/dictionary.c gateway/config/dictionary.h \
	gateway/config/envelope.c \
	gateway/config/feed.c gateway/config/section.c \
	gateway/config/file.c gateway/config/file.h \
	gateway/config/lines.c gateway/config/lines.h \
	gateway/config/master_key.c gateway/config/master_key.h \
	gateway/config/paths.c \
	gateway/config/requests.c gateway/config/requests.h \
	gateway/config/roles.c gateway/config/roles.h \
	gateway/config/senders.c \
	gateway/config/settings.c gateway/config/settings.h \
	gateway/config/sources.c gateway/config/sources.h gateway/config/sources_database.c gateway/config/sources_endpoint.c gateway/config/sources_expect.c gateway/config/sources_folder.c gateway/config/sources_parts.h \
	gateway/config/xml.c gateway/config/xml.h
libbd_config_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_config_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
# Reads matters for the answer layer; apart, because it fills another layer's plain data.
libbd_config_a_SOURCES += \
	gateway/config/approved.c gateway/config/approved.h \
	gateway/config/grants.c gateway/config/grants.h gateway/config/grants_rest.c \
	gateway/config/matter.c gateway/config/matter.h \
	gateway/config/matter_check.c \
	gateway/config/matter_element.c gateway/config/matter_parts.h
