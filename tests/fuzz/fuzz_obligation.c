/* fuzz_obligation.c - any bytes as an obligation of the ledger, or as news of one: refused, or read
 * and written to the same bytes.
 */
#include "store/obligations_form.h"

#include <stdlib.h>

#define OUT_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void check_entry(struct bd_bytes input, struct bd_buf *out)
{
	struct bd_owed_parts parts;
	struct bd_owed owed;

	if (bd_owed_unpack(&owed, &parts, input) != BD_OK) {
		return;
	}
	must(parts.clear.len + parts.sealed.len == input.len);
	must(bd_owed_pack(out, &owed, NULL, NULL, parts.sealed) == BD_OK);
	must(bd_bytes_equal(bd_buf_bytes(out), input));
}

static void check_news(struct bd_bytes input, struct bd_buf *out)
{
	uint8_t id[BD_OWED_ID_BYTES] = { 0 };
	struct bd_owed_news news = { .number = 0 };
	struct bd_owed_change change = { .material = { NULL, 0 } };

	if (!bd_owed_news_read(&news, id, input)) {
		return;
	}
	change.step = news.step;
	change.at_ms = news.at_ms;
	change.due = news.due;
	memcpy(change.receipt, news.receipt, sizeof(change.receipt));
	change.source = news.source;
	change.version = news.version;
	bd_buf_clear(out);
	must(bd_owed_news_pack(out, id, &change) == BD_OK);
	must(bd_bytes_equal(bd_buf_bytes(out), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes input = { (const char *)data, size };
	struct bd_buf out;

	bd_buf_init(&out, OUT_BYTES);
	check_entry(input, &out);
	check_news(input, &out);
	bd_buf_release(&out);
	return 0;
}
