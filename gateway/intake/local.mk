noinst_LIBRARIES += libbd_intake.a
libbd_intake_a_SOURCES = \
	gateway/intake/decode.c gateway/intake/decode.h \
	gateway/intake/decode_csv.c gateway/intake/decode_delimited.c gateway/intake/decode_fixed.c \
	gateway/intake/decode_json.c \
	gateway/intake/decode_rows.c gateway/intake/decode_rows.h \
	gateway/intake/decode_xml.c gateway/intake/decode_xml_parser.c gateway/intake/decode_xml_parser.h \
	gateway/intake/draft.h gateway/intake/events.h \
	gateway/intake/image.c gateway/intake/image.h \
	gateway/intake/inflate.c gateway/intake/inflate.h \
	gateway/intake/intake.c gateway/intake/intake.h \
	gateway/intake/map.c gateway/intake/map.h \
	gateway/intake/map_end.c \
	gateway/intake/map_path.c gateway/intake/map_path.h \
	gateway/intake/map_record.c gateway/intake/map_state.h gateway/intake/map_value.c \
	gateway/intake/normalize.c gateway/intake/normalize.h gateway/intake/normalize_parts.h \
	gateway/intake/normalize_identifier.c gateway/intake/normalize_reject.c gateway/intake/normalize_value.c \
	gateway/intake/plan.c gateway/intake/plan.h \
	gateway/intake/sealed.c gateway/intake/sealed.h \
	gateway/intake/signed_text.c gateway/intake/signed_text.h \
	gateway/intake/tally.c gateway/intake/tally.h
libbd_intake_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_intake_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
