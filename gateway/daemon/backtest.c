#include "daemon/backtest.h"

#include "answer/decide.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/told.h"

#include <string.h>

/* A case, and what it comes to twice. */
#define ARENA_MAX_BYTES ((size_t)4 * BD_REQUEST_ARENA_MAX_BYTES)
/* Lines that are handed on together; and how long any of them waits at the most. */
#define LINES_BYTES 32768
#define PROGRESS_MS 500
#define DECISION_COUNT (BD_DECISION_RESUBMIT + 1)

struct run {
	const struct bd_backtest *backtest;
	struct bd_backtest_sink *sink;
	struct bd_diag *diag;
	struct bd_arena arena;
	struct bd_buf lines;
	bool is_stopped;
	int64_t told_ms; /* when it was last said how far it has come */
	/* cases of the matter: all of them, and what became of those that were looked at */
	uint64_t total, done, same, flipped, refused, erased, expired, unreproducible;
	uint64_t flips[DECISION_COUNT][DECISION_COUNT];
	uint64_t unreadable; /* erased or damaged: of which matter they were nobody can tell */
};

/* -- lines -- */

static void flush(struct run *run)
{
	if (run->lines.len > 0) {
		run->is_stopped = !run->sink->write(run->sink, bd_buf_bytes(&run->lines));
		bd_buf_clear(&run->lines);
	}
}

static void begin_line(struct bd_json_writer *w, struct run *run, const char *type)
{
	bd_jw_init(w, &run->lines);
	bd_jw_object(w, NULL);
	bd_jw_text(w, "type", type);
}

static enum bd_code end_line(struct bd_json_writer *w, struct run *run)
{
	bd_jw_object_end(w);
	BD_TRY(w->code);
	BD_TRY(bd_buf_add_byte(&run->lines, '\n'));
	if (run->lines.len >= LINES_BYTES) {
		flush(run);
	}
	return BD_OK;
}

static enum bd_code tell_progress(struct run *run)
{
	struct bd_json_writer w;

	run->told_ms = bd_clock_monotonic_ms();
	begin_line(&w, run, "progress");
	bd_jw_u64(&w, "done", run->done);
	bd_jw_u64(&w, "total", run->total);
	bd_jw_u64(&w, "flipped", run->flipped);
	BD_TRY(end_line(&w, run));
	flush(run);
	return BD_OK;
}

/* -- a decision that would be another -- */

static void write_head(struct bd_json_writer *w, const struct bd_case_record *record)
{
	char receipt[BD_TRAIL_ID_TEXT_BYTES], on[11];

	bd_trail_id_write(receipt, &record->receipt);
	bd_day_format(on, record->on);
	bd_jw_bytes(w, "case", record->number);
	bd_jw_text(w, "receipt", receipt);
	bd_jw_time(w, "at", record->at_ms);
	bd_jw_text(w, "on", on);
	bd_jw_bytes(w, "version", record->version);
	bd_jw_bytes(w, "was", record->decision);
}

static void write_finding(struct bd_json_writer *w, const char *key,
	const struct bd_finding *finding, struct bd_arena *arena)
{
	struct bd_trail_element told;

	if (finding == NULL || bd_told_element(&told, finding, arena) != BD_OK) {
		bd_jw_null(w, key);
		return;
	}
	bd_jw_object(w, key);
	bd_jw_bytes(w, "code", told.code);
	bd_jw_words(w, "flags", told.flags);
	bd_jw_bytes(w, "reason", told.reason);
	bd_jw_bool(w, "accepted", bd_finding_is_accepted(finding));
	bd_jw_object_end(w);
}

static const struct bd_finding *find_like(
	const struct bd_compared *compared, const struct bd_finding *like)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *one = &compared->findings[i];

		if (strcmp(one->element->id, like->element->id) == 0 &&
			strcmp(one->subject->pointer, like->subject->pointer) == 0) {
			return one;
		}
	}
	return NULL;
}

/* What counts for the decision: what was found, and what the version makes of it. */
static bool counts_same(const struct bd_finding *a, const struct bd_finding *b)
{
	return a != NULL && b != NULL && a->code == b->code && a->flags == b->flags &&
	       strcmp(a->reason, b->reason) == 0 &&
	       bd_finding_is_accepted(a) == bd_finding_is_accepted(b) &&
	       bd_finding_is_ground(a) == bd_finding_is_ground(b) &&
	       a->element->is_core == b->element->is_core;
}

static void write_difference(struct bd_json_writer *w, const struct bd_finding *was,
	const struct bd_finding *is, struct bd_arena *arena)
{
	const struct bd_finding *known = is != NULL ? is : was;

	if (counts_same(was, is)) {
		return;
	}
	bd_jw_object(w, NULL);
	bd_jw_text(w, "element", known->element->id);
	bd_jw_text(w, "label_zh", known->element->label_zh);
	bd_jw_text(w, "label_en", known->element->label_en);
	bd_jw_text(w, "subject", known->subject->pointer);
	write_finding(w, "was", was, arena);
	write_finding(w, "is", is, arena);
	bd_jw_object_end(w);
}

/* Where the version that decided is configured no more, only what the new one does not accept. */
static void write_elements(struct bd_json_writer *w, const struct bd_compared *was,
	const struct bd_compared *is, struct bd_arena *arena)
{
	bd_jw_array(w, "elements");
	for (size_t i = 0; was != NULL && i < was->finding_count; i++) {
		write_difference(w, &was->findings[i], find_like(is, &was->findings[i]), arena);
	}
	for (size_t i = 0; i < is->finding_count; i++) {
		const struct bd_finding *one = &is->findings[i];

		if (was != NULL ? find_like(was, one) == NULL : !bd_finding_is_accepted(one)) {
			write_difference(w, NULL, one, arena);
		}
	}
	bd_jw_array_end(w);
}

static enum bd_code tell_flip(struct run *run, const struct bd_case_record *record,
	const struct bd_compared *was, const struct bd_compared *is)
{
	struct bd_json_writer w;

	begin_line(&w, run, "flip");
	write_head(&w, record);
	bd_jw_text(&w, "is", bd_decision_term(is->outcome->decision)->name);
	write_elements(&w, was, is, &run->arena);
	return end_line(&w, run);
}

/* The question of the case is none for the new version. */
static enum bd_code tell_refused(
	struct run *run, const struct bd_case_record *record, const struct bd_diag *why)
{
	const struct bd_code_info *info = bd_code_info(why->code);
	struct bd_json_writer w;

	begin_line(&w, run, "refused");
	write_head(&w, record);
	bd_jw_text(&w, "code", info->text);
	bd_jw_text(&w, "zh", info->zh);
	bd_jw_text(&w, "en", info->en);
	bd_jw_text(&w, "pointer", why->path);
	return end_line(&w, run);
}

static enum bd_code tell_unreproducible(
	struct run *run, const struct bd_case_record *record, const char *code)
{
	struct bd_json_writer w;

	begin_line(&w, run, "unreproducible");
	write_head(&w, record);
	bd_jw_text(&w, "code", code);
	return end_line(&w, run);
}

/* -- one case -- */

static enum bd_code decide(struct bd_compared *compared, struct run *run,
	const struct bd_case_record *record, const struct bd_matter *matter, struct bd_diag *diag)
{
	const struct bd_again again = { .setup = run->backtest->setup,
		.reader = run->backtest->reader,
		.record = record,
		.when = BD_AGAIN_THEN,
		.matter = matter,
		.asker = &run->backtest->asker,
		.needs = BD_DISCLOSE_CODES };

	return bd_again_decide(NULL, compared, &again, &run->arena, diag);
}

static enum bd_code count_failure(
	struct run *run, const struct bd_case_record *record, const struct bd_diag *why)
{
	switch ((int)why->code) {
	case BD_CASE_ERASED:
		run->erased++;
		return BD_OK;
	case BD_HISTORY_EXPIRED:
		run->expired++;
		return BD_OK;
	case BD_CASE_CUT:
	case BD_HISTORY_UNKNOWN:
	case BD_STORE_DAMAGED:
		run->unreproducible++;
		return tell_unreproducible(run, record, bd_code_info(why->code)->text);
	default:
		break;
	}
	if (bd_code_info(why->code)->status >= 500) {
		return bd_fail(run->diag, why->code, "%s", why->detail);
	}
	run->refused++;
	return tell_refused(run, record, why);
}

static enum bd_decision decision_of(struct bd_bytes name)
{
	int decision = BD_DECISION_PASS;

	while (decision < BD_DECISION_RESUBMIT &&
		!bd_bytes_is(name, bd_decision_term((enum bd_decision)decision)->name)) {
		decision++;
	}
	return (enum bd_decision)decision;
}

/* Another decision is the new version's doing only where the version that decided comes to the same
 * as then. */
static enum bd_code take_other(
	struct run *run, const struct bd_case_record *record, const struct bd_compared *is)
{
	struct bd_diag why = { .code = BD_OK };
	struct bd_compared was;
	enum bd_code code = decide(&was, run, record, NULL, &why);

	if (code != BD_OK && code != BD_MATTER_VERSION) {
		why.code = code;
		return count_failure(run, record, &why);
	}
	if (code == BD_OK &&
		!bd_bytes_is(record->decision, bd_decision_term(was.outcome->decision)->name)) {
		run->unreproducible++;
		return tell_unreproducible(run, record, "differs");
	}
	run->flipped++;
	run->flips[decision_of(record->decision)][is->outcome->decision]++;
	return tell_flip(run, record, code == BD_OK ? &was : NULL, is);
}

static enum bd_code take_case(struct run *run, const struct bd_case_record *record)
{
	struct bd_diag why = { .code = BD_OK };
	struct bd_compared is;
	enum bd_code code = decide(&is, run, record, run->backtest->matter, &why);

	run->done++;
	if (code != BD_OK) {
		why.code = code;
		return count_failure(run, record, &why);
	}
	if (bd_bytes_is(record->decision, bd_decision_term(is.outcome->decision)->name)) {
		run->same++;
		return BD_OK;
	}
	return take_other(run, record, &is);
}

/* -- all of them -- */

typedef enum bd_code take(struct run *run, const struct bd_case_record *record);

static enum bd_code count_case(struct run *run, const struct bd_case_record *record)
{
	(void)record;
	run->total++;
	return BD_OK;
}

static enum bd_code take_next(struct run *run, bool *found, struct bd_case_walk *walk, take *each)
{
	struct bd_case_record record;
	enum bd_code code;

	bd_arena_clear(&run->arena);
	code = bd_case_walk_next(&record, found, walk, &run->arena, run->diag);
	if (code == BD_STORE_DAMAGED) {
		run->unreadable += each == take_case;
		bd_diag_clear(run->diag);
		*found = true;
		return BD_OK;
	}
	return code == BD_OK && *found && bd_bytes_is(record.matter, run->backtest->matter->id)
		       ? each(run, &record)
		       : code;
}

static enum bd_code walk_all(struct run *run, take *each)
{
	const struct bd_backtest *backtest = run->backtest;
	struct bd_case_walk *walk = NULL;
	enum bd_code code = bd_case_walk_open(
		&walk, backtest->store, backtest->since_ms, backtest->until_ms, run->diag);
	bool found = true;

	while (code == BD_OK && found && !run->is_stopped) {
		code = take_next(run, &found, walk, each);
		if (code == BD_OK && each == take_case &&
			bd_clock_monotonic_ms() - run->told_ms >= PROGRESS_MS) {
			code = tell_progress(run);
		}
		run->is_stopped = run->is_stopped || !run->sink->is_wanted(run->sink);
	}
	if (walk != NULL && each == take_case) {
		run->unreadable += bd_case_walk_erased(walk);
	}
	bd_case_walk_close(walk);
	return code;
}

static void write_flips(struct bd_json_writer *w, const struct run *run)
{
	bd_jw_array(w, "flips");
	for (int was = 0; was < DECISION_COUNT; was++) {
		for (int is = 0; is < DECISION_COUNT; is++) {
			if (run->flips[was][is] == 0) {
				continue;
			}
			bd_jw_object(w, NULL);
			bd_jw_text(w, "was", bd_decision_term((enum bd_decision)was)->name);
			bd_jw_text(w, "is", bd_decision_term((enum bd_decision)is)->name);
			bd_jw_u64(w, "count", run->flips[was][is]);
			bd_jw_object_end(w);
		}
	}
	bd_jw_array_end(w);
}

static enum bd_code tell_summary(struct run *run)
{
	const struct bd_backtest *backtest = run->backtest;
	struct bd_json_writer w;

	begin_line(&w, run, "summary");
	bd_jw_text(&w, "matter", backtest->matter->id);
	bd_jw_text(&w, "version", backtest->matter->version);
	bd_jw_time(&w, "since", backtest->since_ms);
	bd_jw_time(&w, "until", backtest->until_ms);
	bd_jw_u64(&w, "cases", run->done);
	bd_jw_u64(&w, "same", run->same);
	bd_jw_u64(&w, "flipped", run->flipped);
	write_flips(&w, run);
	bd_jw_u64(&w, "refused", run->refused);
	bd_jw_u64(&w, "erased", run->erased);
	bd_jw_u64(&w, "expired", run->expired);
	bd_jw_u64(&w, "unreproducible", run->unreproducible);
	bd_jw_u64(&w, "unreadable", run->unreadable);
	BD_TRY(end_line(&w, run));
	flush(run);
	return BD_OK;
}

static enum bd_code run_all(struct run *run)
{
	BD_TRY(walk_all(run, count_case));
	BD_TRY(run->is_stopped ? BD_OK : tell_progress(run));
	BD_TRY(run->is_stopped ? BD_OK : walk_all(run, take_case));
	BD_TRY(run->is_stopped ? BD_OK : tell_progress(run));
	return run->is_stopped ? BD_OK : tell_summary(run);
}

enum bd_code bd_backtest_run(
	const struct bd_backtest *backtest, struct bd_backtest_sink *sink, struct bd_diag *diag)
{
	struct run run = { .backtest = backtest, .sink = sink, .diag = diag };
	enum bd_code code;

	bd_arena_init(&run.arena, ARENA_MAX_BYTES);
	bd_buf_init(&run.lines, BD_ANSWER_MAX_BYTES);
	code = run_all(&run);
	bd_buf_release(&run.lines);
	bd_arena_release(&run.arena);
	return code;
}
