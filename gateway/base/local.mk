noinst_LIBRARIES += libbd_base.a
libbd_base_a_SOURCES = \
	gateway/base/address.c gateway/base/address.h \
	gateway/base/arena.c gateway/base/arena.h \
	gateway/base/breaker.c gateway/base/breaker.h \
	gateway/base/bytes.c gateway/base/bytes.h \
	gateway/base/charset.c gateway/base/charset.h gateway/base/charset_table.inc \
	gateway/base/clock.c gateway/base/clock.h \
	gateway/base/code.c gateway/base/code.h gateway/base/codes.def \
	gateway/base/diag.c gateway/base/diag.h \
	gateway/base/digest_scrypt.c gateway/base/digest_scrypt.h \
	gateway/base/digest.c gateway/base/digest.h \
	gateway/base/digest_sm3.c gateway/base/digest_sm3.h \
	gateway/base/file_pattern.c gateway/base/file_pattern.h \
	gateway/base/form.c gateway/base/form.h gateway/base/form_compute.c gateway/base/form_parts.h gateway/base/form_write.c \
	gateway/base/fronts.c gateway/base/fronts.h \
	gateway/base/json.c gateway/base/json.h gateway/base/json_tree.c \
	gateway/base/json_write.c gateway/base/json_plain.h gateway/base/json_write.h \
	gateway/base/keys.c gateway/base/keys.h \
	gateway/base/limits.h \
	gateway/base/list.c gateway/base/list.h \
	gateway/base/locked.c gateway/base/locked.h \
	gateway/base/page_cache.c gateway/base/page_cache.h \
	gateway/base/log.c gateway/base/log.h \
	gateway/base/merkle.c gateway/base/merkle.h \
	gateway/base/sanitized.h \
	gateway/base/shares.c gateway/base/shares.h \
	gateway/base/sign.c gateway/base/sign.h \
	gateway/base/sm4_blocks.c gateway/base/sm4_blocks.h \
	gateway/base/tags.c gateway/base/tags.h \
	gateway/base/thread.c gateway/base/thread.h \
	gateway/base/silence.c gateway/base/silence.h \
	gateway/base/siphash.c gateway/base/siphash.h \
	gateway/base/text.c gateway/base/text.h \
	gateway/base/trail_id.c gateway/base/trail_id.h \
	gateway/base/try.h \
	gateway/base/workday.c gateway/base/workday.h
libbd_base_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_base_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
EXTRA_DIST += gateway/base/charset_table.py
