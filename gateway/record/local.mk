noinst_LIBRARIES += libbd_record.a
libbd_record_a_SOURCES = \
	gateway/record/dictionary.c gateway/record/dictionary.h \
	gateway/record/held.h \
	gateway/record/pack.c gateway/record/pack.h \
	gateway/record/likeness.h \
	gateway/record/record.h \
	gateway/record/record_text.c gateway/record/record_text.h \
	gateway/record/reject.c gateway/record/reject.h \
	gateway/record/rules_address.c gateway/record/rules_address.h \
	gateway/record/rules_address_read.c gateway/record/rules_address_read.h \
	gateway/record/rules_compare.c gateway/record/rules_compare.h \
	gateway/record/rules_decimal.c gateway/record/rules_decimal.h \
	gateway/record/rules_identifier.c gateway/record/rules_identifier.h \
	gateway/record/rules_moment.c gateway/record/rules_moment.h \
	gateway/record/rules_number.c gateway/record/rules_number.h \
	gateway/record/rules_number_org.c gateway/record/rules_number_person.c \
	gateway/record/rules_point.c gateway/record/rules_point.h \
	gateway/record/rules_predicate.c gateway/record/rules_predicate.h \
	gateway/record/rules_set.c gateway/record/rules_set.h \
	gateway/record/rules_text.c gateway/record/rules_text.h \
	gateway/record/rules_value.c gateway/record/rules_value.h
libbd_record_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_record_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
