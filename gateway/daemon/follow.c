#include "daemon/follow.h"

#include "answer/decide.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/try.h"
#include "daemon/again.h"
#include "daemon/loop.h"
#include "daemon/owed.h"
#include "store/cases.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define NS_PER_MS UINT64_C(1000000)
/* Without news: how soon a new day is noticed. */
#define LOOK_MS 10000
/* What could not be told or looked at is tried again after this. */
#define RETRY_MS 1000
/* News of one turn of the loop that enters them; checks of one look. */
#define NEWS_MAX 64
#define CHECKS_MAX 256

struct bd_follow {
	struct bd_daemon *daemon;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	bool is_woken, is_stopping; /* under lock */
	struct bd_setup *setup;     /* under lock */
	/* the thread's own */
	struct bd_store_reader *reader;
	struct bd_setup *using; /* a reference, of this round */
	struct bd_arena arena;  /* of one list */
	struct bd_arena one;    /* of one case that is looked at */
	int32_t day;            /* of the last look at all */
	bool has_told;          /* that something failed */
};

static bool is_stopping(struct bd_follow *follow)
{
	bool is_so;

	uv_mutex_lock(&follow->lock);
	is_so = follow->is_stopping;
	uv_mutex_unlock(&follow->lock);
	return is_so;
}

/* Told once, until it goes well again. */
static void hear(struct bd_follow *follow, enum bd_code code, const struct bd_diag *diag)
{
	if (code != BD_OK && !follow->has_told) {
		bd_log_diag(BD_LOG_ERROR, "follow", "obligations", diag);
	}
	follow->has_told = code != BD_OK;
}

/* -- what others do for it, waited for -- */

struct errand {
	struct bd_follow *follow;
	bool is_done; /* under the follow's lock */
};

static void errand_done(struct errand *errand)
{
	struct bd_follow *follow = errand->follow;

	uv_mutex_lock(&follow->lock);
	errand->is_done = true;
	uv_cond_broadcast(&follow->wake);
	uv_mutex_unlock(&follow->lock);
}

static void errand_wait(struct errand *errand)
{
	struct bd_follow *follow = errand->follow;

	uv_mutex_lock(&follow->lock);
	while (!errand->is_done) {
		uv_cond_wait(&follow->wake, &follow->lock);
	}
	uv_mutex_unlock(&follow->lock);
}

/* A change of the ledger, by the writer. */
struct change {
	struct errand errand;
	struct bd_write write;
	enum bd_code (*run)(struct change *change, struct bd_store *store, struct bd_diag *diag);
	uint64_t number; /* of the last news that were told; the snapshot of a look */
	uint8_t (*ids)[BD_OWED_ID_BYTES];
	size_t count;
	struct bd_owed_act *act;
	struct bd_arena *arena;
};

static void on_written(struct bd_letter *letter)
{
	errand_done(&CONTAINER(struct change, write.letter, letter)->errand);
}

static enum bd_code work(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	struct change *change = CONTAINER(struct change, write, write);

	return change->run(change, store, diag);
}

static enum bd_code have_written(
	struct bd_follow *follow, struct change *change, struct bd_diag *diag)
{
	change->errand = (struct errand){ follow, false };
	change->write = (struct bd_write){ .letter = { .deliver = on_written }, .work = work };
	bd_writer_post(follow->daemon->writer, &change->write);
	errand_wait(&change->errand);
	return change->write.code == BD_OK
		       ? BD_OK
		       : bd_fail(diag, change->write.code, "%s", change->write.diag.detail);
}

static enum bd_code run_told(struct change *change, struct bd_store *store, struct bd_diag *diag)
{
	return bd_owed_told(store, change->number, diag);
}

static enum bd_code run_looked(struct change *change, struct bd_store *store, struct bd_diag *diag)
{
	return bd_owed_looked(store, change->ids, change->count, change->number, diag);
}

static enum bd_code run_act(struct change *change, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_owed_act *acts[] = { change->act };

	return bd_owed_do(store, acts, 1, change->arena, diag);
}

/* -- news into the trail -- */

struct telling {
	struct errand errand;
	struct bd_letter letter;
	struct bd_loop *loop;
	const struct bd_owed_news *news;
	size_t count;
	enum bd_code code;
	struct bd_diag diag;
};

static enum bd_code enter(
	struct bd_audit *audit, const struct bd_owed_news *one, struct bd_diag *diag)
{
	static const uint8_t none[BD_OWED_RECEIPT_BYTES];
	char id[BD_OBLIGATION_ID_TEXT_BYTES], receipt[BD_TRAIL_ID_TEXT_BYTES] = "", due[11];
	struct bd_trail_event event = { .caller = { .client = one->owed.sender },
		.status = bd_bytes_of(bd_owed_step_name(one->step)),
		.source = one->source,
		.message = one->version };

	bd_owed_id_text(id, one->owed.id);
	event.obligation = bd_bytes_of(id);
	bd_day_format(due, one->due);
	event.due = bd_bytes_of(due);
	if (memcmp(one->receipt, none, sizeof(none)) != 0) {
		bd_owed_receipt_text(receipt, one->receipt);
		event.of = bd_bytes_of(receipt);
	}
	return bd_audit_event(audit, BD_TRAIL_OBLIGATION, &event, bd_audit_time(audit), diag);
}

/* On the loop's thread. */
static void on_telling(struct bd_letter *letter)
{
	struct telling *telling = CONTAINER(struct telling, letter, letter);
	struct bd_audit *audit = &telling->loop->audit;
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < telling->count && code == BD_OK; i++) {
		code = enter(audit, &telling->news[i], &telling->diag);
	}
	telling->code = code == BD_OK ? bd_audit_flush(audit, &telling->diag) : code;
	errand_done(&telling->errand);
}

static enum bd_code read_news(const struct bd_owed_news **news, size_t *count,
	struct bd_follow *follow, struct bd_diag *diag)
{
	enum bd_code code;

	bd_arena_clear(&follow->arena);
	BD_TRY(bd_store_begin(follow->reader, diag));
	code = bd_owed_news(news, count, follow->reader, NEWS_MAX, &follow->arena, diag);
	bd_store_end(follow->reader);
	return code;
}

/* Entered first, forgotten then: a crash between tells them twice, never not at all. */
static enum bd_code tell_news(struct bd_follow *follow, struct bd_diag *diag)
{
	size_t count = NEWS_MAX;

	while (count == NEWS_MAX) {
		struct telling telling = { .errand = { follow, false },
			.letter = { .deliver = on_telling },
			.loop = &follow->daemon->loops[0] };
		struct change told = { .run = run_told };

		BD_TRY(read_news(&telling.news, &count, follow, diag));
		if (count == 0) {
			return BD_OK;
		}
		telling.count = count;
		bd_mailbox_post(&telling.loop->mailbox, &telling.letter);
		errand_wait(&telling.errand);
		if (telling.code != BD_OK) {
			return bd_fail(diag, telling.code, "the trail");
		}
		told.number = telling.news[count - 1].number;
		BD_TRY(have_written(follow, &told, diag));
	}
	return BD_OK;
}

/* -- a check of the agency, looked at again -- */

static const struct bd_finding *find_accepted(
	const struct bd_compared *compared, const struct bd_owed *owed)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];

		if (bd_bytes_is(owed->thing.id, finding->element->id) &&
			bd_bytes_is(owed->thing.pointer, finding->subject->pointer)) {
			return bd_finding_is_accepted(finding) ? finding : NULL;
		}
	}
	return NULL;
}

/* What is owed and its case, in one snapshot; *is_there false: nothing is to be looked at. */
static enum bd_code read_owed(struct bd_owed *owed, struct bd_case_record *record, bool *is_there,
	struct bd_follow *follow, const uint8_t id[BD_OWED_ID_BYTES], struct bd_diag *diag)
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ (const char *)id, BD_OWED_RECEIPT_BYTES });
	struct bd_trail_id receipt = bd_trail_id_unpack(&reader);
	enum bd_code code;

	*is_there = false;
	BD_TRY(bd_store_begin(follow->reader, diag));
	code = bd_owed_find(owed, follow->reader, id, &follow->one, diag);
	if (code == BD_OK && owed->thing.is_element && bd_owed_is_owed(owed->state)) {
		*is_there =
			bd_case_read(record, follow->reader, &receipt, &follow->one, diag) == BD_OK;
	}
	bd_store_end(follow->reader);
	return code == BD_OBLIGATION_UNKNOWN || code == BD_STORE_DAMAGED ? BD_OK : code;
}

/* The case decided again, by its own version and as of now. *finding NULL: it is owed as before, or
 * nobody can tell any more: of a version that is not configured it stays for people. */
static enum bd_code look(const struct bd_finding **finding, struct bd_follow *follow,
	const uint8_t id[BD_OWED_ID_BYTES], struct bd_diag *diag)
{
	struct bd_case_record record;
	struct bd_compared compared;
	struct bd_owed owed;
	/* Nobody is told: what an agency owes is checked by itself. */
	struct bd_again again = { .asker = &bd_asker_itself,
		.setup = follow->using,
		.reader = follow->reader,
		.record = &record,
		.when = BD_AGAIN_NOW,
		.now_ms = bd_clock_wall_ms() };
	bool is_there = false;

	*finding = NULL;
	BD_TRY(read_owed(&owed, &record, &is_there, follow, id, diag));
	again.matter = is_there
			       ? bd_matter_version(follow->using->matters,
					 follow->using->matter_count, record.matter, record.version)
			       : NULL;
	if (again.matter != NULL &&
		bd_again_decide(NULL, &compared, &again, &follow->one, diag) == BD_OK) {
		*finding = find_accepted(&compared, &owed);
	}
	return BD_OK;
}

static enum bd_code settle(struct bd_follow *follow, const uint8_t id[BD_OWED_ID_BYTES],
	const struct bd_finding *finding, struct bd_diag *diag)
{
	struct bd_owed_act act = { .change = { .step = BD_OWED_STEP_MET,
					   .at_ms = bd_clock_wall_ms(),
					   .source = bd_bytes_of(
						   finding->source != NULL ? finding->source : ""),
					   .version = finding->version },
		.is_news = true };
	struct change change = { .run = run_act, .act = &act, .arena = &follow->one };

	memcpy(act.id, id, sizeof(act.id));
	/* Closed meanwhile by somebody else: nothing is left to be done. */
	return have_written(follow, &change, diag);
}

static enum bd_code look_again(
	struct bd_follow *follow, const uint8_t id[BD_OWED_ID_BYTES], struct bd_diag *diag)
{
	const struct bd_finding *finding = NULL;
	struct bd_diag why = { .code = BD_OK };
	enum bd_code code;

	bd_arena_clear(&follow->one);
	code = look(&finding, follow, id, &why);
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", why.detail);
	}
	return finding != NULL ? settle(follow, id, finding, diag) : BD_OK;
}

static enum bd_code look_at_changed(struct bd_follow *follow, struct bd_diag *diag)
{
	uint8_t ids[CHECKS_MAX][BD_OWED_ID_BYTES];
	struct change looked = { .run = run_looked, .ids = ids, .count = CHECKS_MAX };

	while (looked.count == CHECKS_MAX && !is_stopping(follow)) {
		enum bd_code code = bd_store_begin(follow->reader, diag);

		BD_TRY(code);
		code = bd_owed_again(
			ids, &looked.count, CHECKS_MAX, &looked.number, follow->reader, diag);
		bd_store_end(follow->reader);
		for (size_t i = 0; i < looked.count && code == BD_OK; i++) {
			code = look_again(follow, ids[i], diag);
		}
		if (code == BD_OK && looked.count > 0) {
			code = have_written(follow, &looked, diag);
		}
		BD_TRY(code);
	}
	return BD_OK;
}

/* Every check that is open, page by page. */
static enum bd_code look_at_all(struct bd_follow *follow, struct bd_diag *diag)
{
	const uint32_t owed = 1u << BD_OWED_OPEN | 1u << BD_OWED_EXTENDED;
	struct bd_owed_query query = { .due_from = INT32_MIN,
		.due_until = INT32_MAX,
		.states = owed,
		.late_states = owed,
		.parties = 1u << BD_OWED_BY_AGENCY,
		.max = CHECKS_MAX };
	struct bd_owed_page page = { .has_more = true };

	while (page.has_more && !is_stopping(follow)) {
		enum bd_code code;

		bd_arena_clear(&follow->arena);
		BD_TRY(bd_store_begin(follow->reader, diag));
		code = bd_owed_list(&page, follow->reader, &query, &follow->arena, diag);
		bd_store_end(follow->reader);
		for (size_t i = 0; code == BD_OK && i < page.count; i++) {
			code = look_again(follow, page.items[i].id, diag);
		}
		BD_TRY(code);
		query.is_after = true;
		query.after_due = page.next_due;
		memcpy(query.after_id, page.next_id, sizeof(query.after_id));
	}
	return BD_OK;
}

static enum bd_code look_each_day(struct bd_follow *follow, struct bd_diag *diag)
{
	int32_t today = bd_day_at(bd_clock_wall_ms());

	if (today == follow->day) {
		return BD_OK;
	}
	BD_TRY(look_at_all(follow, diag));
	follow->day = today;
	return BD_OK;
}

/* -- the thread -- */

/* False when it is to stop. */
static bool wait_for_news(struct bd_follow *follow, uint64_t wait_ms)
{
	bool goes_on;

	uv_mutex_lock(&follow->lock);
	if (!follow->is_woken && !follow->is_stopping) {
		uv_cond_timedwait(&follow->wake, &follow->lock, wait_ms * NS_PER_MS);
	}
	goes_on = !follow->is_stopping;
	follow->is_woken = false;
	bd_setup_unref(follow->using);
	follow->using = bd_setup_ref(follow->setup);
	uv_mutex_unlock(&follow->lock);
	return goes_on;
}

static void run(void *state)
{
	struct bd_follow *follow = state;
	enum bd_code code = BD_OK;

	bd_thread_begin("follow", BD_THREAD_HAS_TIME);
	while (wait_for_news(follow, code == BD_OK ? LOOK_MS : RETRY_MS)) {
		struct bd_diag diag = { .code = BD_OK };

		code = look_at_changed(follow, &diag);
		code = code == BD_OK ? look_each_day(follow, &diag) : code;
		code = code == BD_OK ? tell_news(follow, &diag) : code;
		hear(follow, code, &diag);
	}
}

static void wake_up(void *state)
{
	struct bd_follow *follow = state;

	uv_mutex_lock(&follow->lock);
	follow->is_woken = true;
	uv_cond_broadcast(&follow->wake);
	uv_mutex_unlock(&follow->lock);
}

static void follow_free(struct bd_follow *follow)
{
	if (follow->reader != NULL) {
		bd_store_reader_free(follow->reader);
	}
	bd_arena_release(&follow->arena);
	bd_arena_release(&follow->one);
	bd_setup_unref(follow->using);
	bd_setup_unref(follow->setup);
	uv_cond_destroy(&follow->wake);
	uv_mutex_destroy(&follow->lock);
	free(follow);
}

enum bd_code bd_follow_start(
	struct bd_follow **out, struct bd_daemon *daemon, struct bd_setup *setup)
{
	struct bd_follow *follow = calloc(1, sizeof(*follow));

	if (follow == NULL) {
		return BD_NO_MEMORY;
	}
	if (uv_mutex_init(&follow->lock) != 0) {
		free(follow);
		return BD_NO_MEMORY;
	}
	if (uv_cond_init(&follow->wake) != 0) {
		uv_mutex_destroy(&follow->lock);
		free(follow);
		return BD_NO_MEMORY;
	}
	follow->daemon = daemon;
	follow->setup = bd_setup_ref(setup);
	follow->is_woken = true;
	bd_arena_init(&follow->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_arena_init(&follow->one, BD_REQUEST_ARENA_MAX_BYTES);
	if (bd_store_reader_new(&follow->reader, daemon->store, NULL) != BD_OK ||
		uv_thread_create(&follow->thread, run, follow) != 0) {
		follow_free(follow);
		return BD_NO_MEMORY;
	}
	bd_writer_on_news(daemon->writer, wake_up, follow);
	*out = follow;
	return BD_OK;
}

void bd_follow_reload(struct bd_follow *follow, struct bd_setup *setup)
{
	struct bd_setup *old;

	uv_mutex_lock(&follow->lock);
	old = follow->setup;
	follow->setup = bd_setup_ref(setup);
	uv_mutex_unlock(&follow->lock);
	bd_setup_unref(old);
}

void bd_follow_stop(struct bd_follow *follow)
{
	if (follow == NULL) {
		return;
	}
	bd_writer_on_news(follow->daemon->writer, NULL, NULL);
	uv_mutex_lock(&follow->lock);
	follow->is_stopping = true;
	uv_cond_broadcast(&follow->wake);
	uv_mutex_unlock(&follow->lock);
	uv_thread_join(&follow->thread);
	follow_free(follow);
}
