/* fuzz_decode_xml.c - any bytes as XML: the same at any cut, and in a parser that has read another
 * document before. A form feed, which no XML has, stands between the two. */
#include "fuzz_decode.h"
#include "intake/intake.h"

static void check_kept(const uint8_t *data, size_t size, const uint8_t *cut)
{
	const struct bd_bytes before = { (const char *)data + 2, (size_t)(cut - data) - 2 };
	const struct bd_bytes after = { (const char *)cut + 1, (size_t)(data + size - cut) - 1 };
	struct bd_decode_settings settings = fuzz_decode_settings(data[0]);
	struct decode_log alone, other, kept;

	decode_log_init(&alone);
	decode_log_init(&other);
	decode_log_init(&kept);
	alone.has_places = kept.has_places = true;
	decode_log_run(&alone, BD_FORMAT_XML, &settings, after, 0);
	settings.parsers = bd_xml_parsers_new();
	decode_log_must(settings.parsers != NULL);
	decode_log_run(&other, BD_FORMAT_XML, &settings, before, 0);
	decode_log_run(&kept, BD_FORMAT_XML, &settings, after, data[1] % 64u);
	if (!fuzz_decode_agree(alone.out.ptr, kept.out.ptr)) {
		fprintf(stderr, "alone: %s\nkept:  %s\n", alone.out.ptr, kept.out.ptr);
		abort();
	}
	bd_xml_parsers_free(settings.parsers);
	bd_buf_release(&alone.out);
	bd_buf_release(&other.out);
	bd_buf_release(&kept.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size > 2 ? memchr(data + 2, '\f', size - 2) : NULL;

	if (cut != NULL) {
		check_kept(data, size, cut);
	}
	return fuzz_decode(BD_FORMAT_XML, data, size);
}
