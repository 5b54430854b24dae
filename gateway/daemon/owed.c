#include "daemon/owed.h"

#include "answer/element.h"
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/access.h"
#include "daemon/asker.h"

#include <string.h>

/* -- names -- */

void bd_owed_receipt_text(
	char out[BD_TRAIL_ID_TEXT_BYTES], const uint8_t receipt[BD_OWED_RECEIPT_BYTES])
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ (const char *)receipt, BD_OWED_RECEIPT_BYTES });
	struct bd_trail_id id = bd_trail_id_unpack(&reader);

	bd_trail_id_write(out, &id);
}

void bd_owed_id_text(char out[BD_OBLIGATION_ID_TEXT_BYTES], const uint8_t id[BD_OWED_ID_BYTES])
{
	char receipt[BD_TRAIL_ID_TEXT_BYTES];

	bd_owed_receipt_text(receipt, id);
	bd_obligation_id_write(out, receipt,
		(uint16_t)(id[BD_OWED_RECEIPT_BYTES] << 8 | id[BD_OWED_RECEIPT_BYTES + 1]));
}

bool bd_owed_id_read(uint8_t id[BD_OWED_ID_BYTES], struct bd_bytes text)
{
	struct bd_buf bytes = { (char *)id, 0, BD_OWED_ID_BYTES, BD_OWED_ID_BYTES };
	struct bd_trail_id receipt;
	struct bd_bytes receipt_text;
	uint16_t number;

	return bd_obligation_id_read(&receipt_text, &number, text) &&
	       bd_trail_id_read(&receipt, receipt_text) &&
	       bd_trail_id_pack(&bytes, &receipt) == BD_OK &&
	       bd_buf_add_u16(&bytes, number) == BD_OK;
}

const char *bd_owed_state_name(const struct bd_owed *owed, int32_t today)
{
	static const char *const names[] = { [BD_OWED_OPEN] = "open",
		[BD_OWED_EXTENDED] = "extended",
		[BD_OWED_MET] = "met",
		[BD_OWED_LAPSED] = "lapsed",
		[BD_OWED_SUPERSEDED] = "superseded" };

	return bd_owed_is_overdue(owed, today) ? "overdue" : names[owed->state];
}

const char *bd_owed_step_name(enum bd_owed_step step)
{
	static const char *const names[] = { [BD_OWED_STEP_MADE] = "made",
		[BD_OWED_STEP_EXTENDED] = "extended",
		[BD_OWED_STEP_MET] = "met",
		[BD_OWED_STEP_LAPSED] = "lapsed",
		[BD_OWED_STEP_SUPERSEDED] = "superseded" };

	return step >= BD_OWED_STEP_MADE && step <= BD_OWED_STEP_SUPERSEDED ? names[step]
									    : "unknown";
}

/* -- what it is called in its matter -- */

struct terms {
	const char *title_zh, *title_en, *label_zh, *label_en;
};

static void find_label(
	struct terms *terms, const struct bd_matter *matter, const struct bd_owed_thing *thing)
{
	for (size_t i = 0; i < matter->material_count && !thing->is_element; i++) {
		if (bd_bytes_is(thing->id, matter->materials[i].id)) {
			terms->label_zh = matter->materials[i].label_zh;
			terms->label_en = matter->materials[i].label_en;
		}
	}
	for (size_t i = 0; i < matter->element_count && thing->is_element; i++) {
		if (bd_bytes_is(thing->id, matter->elements[i].id)) {
			terms->label_zh = matter->elements[i].label_zh;
			terms->label_en = matter->elements[i].label_en;
		}
	}
}

/* Texts of ours, or the ids in room. */
static struct terms find_terms(
	const struct bd_setup *setup, const struct bd_owed *owed, char (*room)[256])
{
	const struct bd_matter *matter =
		bd_matter_version(setup->matters, setup->matter_count, owed->matter, owed->version);
	struct terms terms = { room[0], room[0], room[1], room[1] };
	const struct bd_bytes ids[] = { owed->matter, owed->thing.id };

	for (size_t i = 0; i < 2; i++) {
		size_t len = ids[i].len < sizeof(room[i]) ? ids[i].len : sizeof(room[i]) - 1;

		memcpy(room[i], ids[i].len > 0 ? ids[i].ptr : "", len);
		room[i][len] = '\0';
	}
	if (matter != NULL) {
		terms.title_zh = matter->title_zh;
		terms.title_en = matter->title_en;
		find_label(&terms, matter, &owed->thing);
	}
	return terms;
}

/* -- parts -- */

static void write_day(struct bd_json_writer *w, const char *key, int32_t day)
{
	char text[11];

	bd_day_format(text, day);
	bd_jw_text(w, key, text);
}

/* Working days from tomorrow to the due day; null where the calendar lacks a year between. */
static void write_days_left(struct bd_json_writer *w, const struct bd_owed *owed,
	const struct bd_calendar *calendar, int32_t today)
{
	int64_t days = 0;

	if (bd_workday_count(&days, calendar, today, owed->due, NULL) == BD_OK) {
		bd_jw_i64(w, "days_left", days);
	} else {
		bd_jw_null(w, "days_left");
	}
}

static void write_notice(
	struct bd_json_writer *w, const struct bd_owed *owed, const struct terms *terms)
{
	static const char *const keys[] = { "notice_zh", "notice_en" };

	for (int english = 0; english < 2; english++) {
		struct bd_buf text;
		enum bd_code code;

		bd_buf_init(&text, BD_FIELD_MAX_BYTES);
		code = bd_notice_of(&text, english == 1,
			english == 1 ? terms->title_en : terms->title_zh,
			english == 1 ? terms->label_en : terms->label_zh, owed->due);
		if (code == BD_OK) {
			bd_jw_bytes(w, keys[english], bd_buf_bytes(&text));
		} else if (w->code == BD_OK) {
			w->code = code;
		}
		bd_buf_release(&text);
	}
}

static void write_text(struct bd_json_writer *w, const char *key, struct bd_bytes text)
{
	if (text.len > 0) {
		bd_jw_bytes(w, key, text);
	}
}

static void write_change(
	struct bd_json_writer *w, const struct bd_owed_change *change, bool tells_codes)
{
	static const uint8_t none[BD_DIGEST_BYTES];
	char receipt[BD_TRAIL_ID_TEXT_BYTES], hex[2 * BD_DIGEST_BYTES + 1];

	bd_jw_object(w, NULL);
	bd_jw_text(w, "step", bd_owed_step_name(change->step));
	bd_jw_time(w, "at", change->at_ms);
	write_day(w, "due", change->due);
	if (memcmp(change->receipt, none, sizeof(change->receipt)) != 0) {
		bd_owed_receipt_text(receipt, change->receipt);
		bd_jw_text(w, "receipt", receipt);
	}
	write_text(w, "sender", change->sender);
	write_text(w, "operator", change->operator_name);
	write_text(w, "reason", change->reason);
	write_text(w, "material", change->material);
	if (memcmp(change->digest, none, sizeof(none)) != 0) {
		bd_hex(hex, change->digest, sizeof(change->digest));
		bd_jw_text(w, "digest", hex);
	}
	if (change->handed_ms != 0) {
		bd_jw_time(w, "handed_in", change->handed_ms);
	}
	if (tells_codes && change->source.len > 0) {
		bd_jw_bytes(w, "source", change->source);
		bd_jw_u64(w, "statement", change->version);
	}
	bd_jw_object_end(w);
}

static void write_thing(
	struct bd_json_writer *w, const struct bd_owed *owed, const struct terms *terms)
{
	bd_jw_bytes(w, owed->thing.is_element ? "element" : "material", owed->thing.id);
	if (owed->thing.is_element) {
		bd_jw_bytes(w, "subject", owed->thing.pointer);
	}
	bd_jw_text(w, "zh", terms->label_zh);
	bd_jw_text(w, "en", terms->label_en);
}

static bool may_see_codes(const struct bd_owed *owed, const struct bd_setup *setup,
	const struct bd_sender *sender, int32_t today)
{
	struct bd_asker asker;

	bd_asker_silent(&asker, setup, sender, 0);
	asker.day = today;
	return bd_access_has(sender, BD_SENDER_OPERATOR) ||
	       bd_asker_least(&asker, setup, owed->matter) >= BD_DISCLOSE_CODES;
}

static void write_term(struct bd_json_writer *w, const struct bd_owed *owed,
	const struct bd_setup *setup, int32_t today)
{
	bool is_owed = bd_owed_is_owed(owed->state);

	bd_jw_text(w, "state", bd_owed_state_name(owed, today));
	bd_jw_bool(w, "overdue", bd_owed_is_overdue(owed, today));
	write_day(w, "opened", owed->opened);
	write_day(w, "due", owed->due);
	write_day(w, "first_due", owed->first_due);
	if (is_owed) {
		write_days_left(w, owed, setup->calendar, today);
		bd_jw_u64(w, "extensions_left",
			owed->extensions > owed->extended ? owed->extensions - owed->extended : 0);
		bd_jw_u64(w, "extension_working_days", owed->extension_working_days);
	}
}

void bd_owed_write(struct bd_json_writer *w, const char *key, const struct bd_owed *owed,
	const struct bd_setup *setup, const struct bd_sender *sender, int32_t today,
	bool has_history)
{
	bool tells_codes = may_see_codes(owed, setup, sender, today);
	char id[BD_OBLIGATION_ID_TEXT_BYTES], receipt[BD_TRAIL_ID_TEXT_BYTES], room[2][256];
	struct terms terms = find_terms(setup, owed, room);

	bd_owed_id_text(id, owed->id);
	bd_owed_receipt_text(receipt, owed->id);
	bd_jw_object(w, key);
	bd_jw_text(w, "id", id);
	bd_jw_text(w, "receipt", receipt);
	if (owed->is_erased) {
		bd_jw_bool(w, "erased", true);
	} else {
		bd_jw_bytes(w, "case", owed->case_id);
	}
	bd_jw_bytes(w, "matter", owed->matter);
	bd_jw_bytes(w, "version", owed->version);
	bd_jw_text(w, "title_zh", terms.title_zh);
	bd_jw_text(w, "title_en", terms.title_en);
	bd_jw_text(w, "party", owed->party == BD_OWED_BY_AGENCY ? "agency" : "applicant");
	if (tells_codes || !owed->thing.is_element) {
		write_thing(w, owed, &terms);
	}
	write_term(w, owed, setup, today);
	if (owed->party == BD_OWED_BY_APPLICANT && bd_owed_is_owed(owed->state)) {
		write_notice(w, owed, &terms);
	}
	if (has_history && !owed->is_erased) {
		bd_jw_array(w, "history");
		for (size_t i = 0; i < owed->change_count; i++) {
			write_change(w, &owed->changes[i], tells_codes);
		}
		bd_jw_array_end(w);
	}
	bd_jw_object_end(w);
}
