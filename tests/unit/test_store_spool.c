/* test_store_spool.c - long messages: the same store as a short one gives, whoever ends the process
 * where; nothing of a message that is not complete; nobody sees half of a subject.
 */
#include "base/limits.h"
#include "store_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

enum { PEOPLE = 2500, ROWS = 3 };

static const struct bd_cover covers[] = {
	{ .source = "market", .feed = "daily", .section = "s", .entity = 1, .cycle = "daily" },
	{ .source = "market", .feed = "full", .section = "s", .entity = 1, .cycle = "monthly" },
};
static const char *const sections[] = { "s" };

/* -- a long message -- */

struct message {
	struct bd_buf records; /* each sized and packed */
	struct said said;      /* its entry and rejects */
	const struct bd_identifier *subject;
	struct bd_arena arena;
};

static void add(struct message *message, const struct bd_record *record)
{
	struct bd_record numbered = *record;
	struct bd_buf packed;

	numbered.index = message->said.entry.received++;
	message->said.entry.accepted++;
	message->said.entry.record_count++;
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_record_pack(&packed, &numbered), BD_OK);
	assert_int_equal(bd_buf_add_sized(&message->records, bd_buf_bytes(&packed)), BD_OK);
	bd_buf_release(&packed);
}

static struct bd_identifier person(struct message *message, unsigned number)
{
	char text[32];

	snprintf(text, sizeof(text), "P%06u", number * 7919u % 1000003u);
	return id_of(ID_PERSON, bd_arena_text(&message->arena, bd_bytes_of(text)));
}

static void add_row(struct message *message, unsigned number, unsigned row, const char *word)
{
	struct bd_identifier subject[2] = { person(message, number), person(message, number) };
	struct bd_value values[4];
	struct fact fact;
	char key[16], filler[256];

	subject[1].kind = ID_DEPT_PERSON;
	subject[1].issuer = bd_bytes_of("dept:key");
	snprintf(key, sizeof(key), "row %u", row);
	memset(filler, 'f', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	fact_of(&fact, subject, 2, "s", 1, 5, word);
	for (uint16_t i = 0; i < 4; i++) {
		values[i] = (struct bd_value){ (uint16_t)(i + 1), 0,
			bd_bytes_of(i == 0 ? word : filler), { "", 0 } };
	}
	fact.record.row_key = bd_bytes_of(key);
	fact.record.values = values;
	fact.record.value_count = number % 50 == 0 ? 1 : 4;
	add(message, &fact.record);
}

/* The rows of one person stand far from each other; some of the message's own subject, some that
 * are longer than a block, some refused. */
static void make_message(struct message *message, const char *feed, const char *word)
{
	static char large[200001];
	const struct bd_reject_row refused = {
		.entity = 1, .has_key = true, .key = bd_bytes_of("row 9")
	};
	struct fact fact;

	memset(message, 0, sizeof(*message));
	bd_arena_init(&message->arena, 1 << 26);
	bd_buf_init(&message->records, 1 << 27);
	said_open(&message->said, "market", feed);
	memset(large, 'L', sizeof(large) - 1);
	for (unsigned row = 0; row < ROWS; row++) {
		for (unsigned number = 0; number < PEOPLE; number++) {
			add_row(message, number, row, word);
		}
		for (unsigned number = 0; number < 3; number++) {
			struct bd_identifier id = person(message, number);

			fact_of(&fact, &id, 1, "s", 1, 5, large);
			fact.record.row_key = bd_bytes_of("large");
			add(message, &fact.record);
		}
		fact_of(&fact, NULL, 0, "s", 1, 5, word);
		fact.record.is_message_subject = true;
		fact.record.row_key = bd_bytes_of(row == 0   ? "own 0"
						  : row == 1 ? "own 1"
							     : "own 2");
		add(message, &fact.record);
	}
	for (unsigned number = 0; number < 40; number++) {
		const struct bd_identifier id = person(message, number * 3 + PEOPLE - 60);
		struct bd_reject_row row = refused;
		struct bd_reject reject = { .section = "s",
			.rows = &row,
			.row_count = 1,
			.order_kind = BD_ORDER_TIME,
			.order = { 10, 6 } };

		row.subject = &id;
		row.subject_count = 1;
		said_refuse(&message->said, &reject);
	}
	message->subject = bd_arena_alloc(&message->arena, 1, sizeof(*message->subject));
	*(struct bd_identifier *)message->subject = id_of(ID_PERSON, "the message's own");
	message->said.entry.subject = message->subject;
	message->said.entry.subject_count = 1;
	message->said.entry.idempotency_key = bd_bytes_of("once");
	memset(message->said.entry.body_sha256, word[0], sizeof(message->said.entry.body_sha256));
	message->said.entry.delivery = (struct bd_delivery){ .day = 20000,
		.has_total = true,
		.total = message->said.entry.received,
		.is_baseline = true };
}

static void drop_message(struct message *message)
{
	bd_buf_release(&message->records);
	said_close(&message->said);
	bd_arena_release(&message->arena);
}

static enum bd_code fill_spool(struct box *box, struct message *message)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&message->records));
	struct bd_spool *spool = NULL;
	enum bd_code code = bd_spool_new(&spool, box->store, &box->diag);

	while (code == BD_OK && reader.rest.len > 0) {
		code = bd_spool_add(spool, bd_read_sized(&reader), &box->diag);
	}
	message->said.entry.spool = spool;
	message->said.entry.received_ms = STORE_NOW_MS;
	message->said.entry.rejects = bd_buf_bytes(&message->said.rejects);
	return code;
}

static enum bd_code push_long(struct box *box, struct message *message)
{
	struct bd_entry *entries[] = { &message->said.entry };

	assert_int_equal(fill_spool(box, message), BD_OK);
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	bd_spool_free(message->said.entry.spool);
	message->said.entry.spool = NULL;
	return message->said.entry.code;
}

static size_t files_of(const struct box *box)
{
	const struct dirent *entry;
	char path[128];
	size_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/spool", box->folder);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		count += entry->d_name[0] != '.';
	}
	closedir(folder);
	return count;
}

/* -- what an uninterrupted one gives -- */

struct expectation {
	struct bd_buf before, after;
	struct bd_message receipt;
	int parts;
};

static struct bd_message receipt_of(struct box *box, uint64_t message)
{
	struct bd_message receipt;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_message(&receipt, box->reader, message, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return receipt;
}

/* Something is there before, so that not all of the message is new. */
static void say_before(struct box *box)
{
	struct message message;

	memset(&message, 0, sizeof(message));
	bd_arena_init(&message.arena, 1 << 24);
	bd_buf_init(&message.records, 1 << 24);
	said_open(&message.said, "market", "daily");
	for (unsigned number = 0; number < 700; number++) {
		add_row(&message, number, number % 2, number % 3 == 0 ? "word" : "other");
	}
	message.said.entry.records = bd_buf_bytes(&message.records);
	message.said.records = message.records;
	assert_int_equal(box_push(box, &message.said), BD_OK);
	bd_buf_release(&message.said.rejects);
	bd_buf_release(&message.records);
	bd_arena_release(&message.arena);
}

static void same_dump(struct box *box, const struct bd_buf *expected)
{
	struct bd_buf dump = box_dump(box);

	assert_int_equal(dump.len, expected->len);
	assert_memory_equal(dump.ptr, expected->ptr, dump.len);
	bd_buf_release(&dump);
}

static void same_receipt(const struct bd_message *a, const struct bd_message *b)
{
	assert_int_equal(a->message, b->message);
	assert_int_equal(a->received, b->received);
	assert_int_equal(a->accepted, b->accepted);
	assert_int_equal(a->unchanged, b->unchanged);
	assert_int_equal(a->rejected, b->rejected);
}

static struct expectation expected;
static struct message message;

static int set_up(void **state)
{
	struct box box;

	(void)state;
	make_message(&message, "daily", "word");
	assert_true(message.records.len > 5 * (size_t)BD_SPOOL_RUN_BYTES);
	box_open(&box, covers, 2);
	say_before(&box);
	expected.before = box_dump(&box);
	assert_int_equal(push_long(&box, &message), BD_OK);
	expected.after = box_dump(&box);
	assert_true(expected.after.len > expected.before.len * 3);
	expected.receipt = receipt_of(&box, message.said.entry.message);
	assert_int_equal(expected.receipt.unchanged, message.said.entry.unchanged);
	/* A third of 700 was there as it is; the large rows come three times. */
	assert_int_equal(expected.receipt.unchanged, 234 + 6);
	box_close(&box);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bd_buf_release(&expected.before);
	bd_buf_release(&expected.after);
	drop_message(&message);
	return 0;
}

/* -- in parts -- */

struct stop {
	struct bd_store_hook hook;
	const char *point;
	int left; /* times it is passed before */
	int signal;
	int parts; /* committed */
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct stop *stop = (struct stop *)hook;

	stop->parts += strcmp(point, "long.committed") == 0 || strcmp(point, "long.finished") == 0;
	if (stop->point != NULL && strcmp(point, stop->point) == 0 && stop->left-- == 0) {
		kill(getpid(), stop->signal);
	}
}

#define PART_BYTES 400000

/* A store with the rows of before, whose long messages go in small parts. */
static void open_parts(struct box *box, struct stop *stop)
{
	*stop = (struct stop){ { on_reach, PART_BYTES }, NULL, 0, SIGKILL, 0 };
	box_open(box, covers, 2);
	say_before(box);
	box_stop(box);
	box->settings.hook = &stop->hook;
	box_start(box);
}

static void many_parts_give_the_same_as_one(void **state)
{
	struct stop stop;
	struct box box;

	(void)state;
	open_parts(&box, &stop);
	assert_int_equal(push_long(&box, &message), BD_OK);
	assert_true(stop.parts > 8);
	expected.parts = stop.parts;
	same_dump(&box, &expected.after);
	same_receipt(&expected.receipt, &(struct bd_message){ .message = message.said.entry.message,
						.received = message.said.entry.received,
						.accepted = message.said.entry.accepted,
						.unchanged = message.said.entry.unchanged,
						.rejected = message.said.entry.rejected });
	assert_int_equal(files_of(&box), 0);
	/* A second time changes nothing, and is the same message. */
	assert_int_equal(push_long(&box, &message), BD_OK);
	assert_true(message.said.entry.is_repeat);
	assert_int_equal(message.said.entry.message, expected.receipt.message);
	message.said.entry.idempotency_key = bd_bytes_of("twice");
	assert_int_equal(push_long(&box, &message), BD_OK);
	assert_false(message.said.entry.is_repeat);
	assert_int_equal(message.said.entry.unchanged, message.said.entry.accepted);
	same_dump(&box, &expected.after);
	message.said.entry.idempotency_key = bd_bytes_of("once");
	box_close(&box);
}

/* Where there is no second processor the writer makes all nodes himself. */
static void one_processor_gives_the_same(void **state)
{
	cpu_set_t all, one;
	struct box box;
	int first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(first, &all)) {
		first++;
	}
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	box_open(&box, covers, 2);
	say_before(&box);
	assert_int_equal(push_long(&box, &message), BD_OK);
	same_dump(&box, &expected.after);
	assert_int_equal(message.said.entry.unchanged, expected.receipt.unchanged);
	box_close(&box);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* A short message with the same content gives the same: the two ways into the store agree. */
static void long_and_short_give_the_same(void **state)
{
	struct bd_entry *entries[] = { &message.said.entry };
	struct box box;

	(void)state;
	box_open(&box, covers, 2);
	say_before(&box);
	message.said.entry.records = bd_buf_bytes(&message.records);
	message.said.entry.rejects = bd_buf_bytes(&message.said.rejects);
	assert_int_equal(bd_store_commit(box.store, entries, 1, &box.diag), BD_OK);
	assert_int_equal(message.said.entry.code, BD_OK);
	assert_int_equal(message.said.entry.unchanged, expected.receipt.unchanged);
	same_dump(&box, &expected.after);
	message.said.entry.records = (struct bd_bytes){ "", 0 };
	box_close(&box);
}

/* Reads all people; each has all rows of the message, or none. */
static size_t count_complete(struct box *box)
{
	size_t complete = 0;

	for (unsigned number = 0; number < PEOPLE; number += 13) {
		const struct bd_identifier id = person(&message, number);
		const struct bd_held *held = box_find(box, &id, 1);
		size_t rows = 0;

		for (size_t i = 0; i < held->statement_count; i++) {
			rows += held->statements[i].received_ms == STORE_NOW_MS &&
				held->statements[i].version > 1;
		}
		/* Rows that were there as they are keep their version. */
		assert_true(rows == 0 || rows >= ROWS - 1);
		complete += rows > 0;
	}
	return complete;
}

/* The long message is the next thing to be done. */
static void take_in_parts(struct box *box, struct stop *stop)
{
	open_parts(box, stop);
	assert_int_equal(fill_spool(box, &message), BD_OK);
	assert_int_equal(bd_store_take(box->store, &message.said.entry, &box->diag), BD_OK);
}

static void nobody_sees_half_of_a_subject(void **state)
{
	struct bd_entry *done = NULL;
	size_t steps = 0, before = 0, seen = 0;
	struct stop stop;
	struct box box;

	(void)state;
	take_in_parts(&box, &stop);
	while (done == NULL) {
		assert_true(bd_store_has_work(box.store));
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
		seen = count_complete(&box);
		assert_true(seen >= before);
		before = seen;
		steps++;
	}
	assert_true(steps > 10);
	assert_true(seen > 150);
	assert_ptr_equal(done, &message.said.entry);
	assert_false(bd_store_has_work(box.store));
	bd_spool_free(message.said.entry.spool);
	same_dump(&box, &expected.after);
	box_close(&box);
}

static void short_messages_go_between(void **state)
{
	const struct bd_identifier id = person(&message, 5);
	struct bd_entry *done = NULL;
	struct stop stop;
	struct box box;
	struct fact fact;
	int64_t order = 100;

	(void)state;
	take_in_parts(&box, &stop);
	while (done == NULL) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
		fact_of(&fact, &id, 1, "s", 1, order++, "newer");
		fact.record.row_key = bd_bytes_of("row 1");
		box_say(&box, "market", &fact.record);
	}
	bd_spool_free(message.said.entry.spool);
	assert_int_equal(message.said.entry.code, BD_OK);
	for (size_t i = 0, found = 0; i < 1; i++) {
		const struct bd_held *held = box_find(&box, &id, 1);

		for (size_t s = 0; s < held->statement_count; s++) {
			found += bd_bytes_is(held->statements[s].values[0].value.text, "newer");
		}
		assert_int_equal(found, 1);
	}
	box_close(&box);
}

/* -- refused -- */

/* What short messages say between the parts, of those to whom the long one has not come yet, is
 * what it finds. */
static void what_comes_between_stays(void **state)
{
	enum { EACH = 50 };
	struct bd_entry *done = NULL;
	struct stop stop;
	struct box box;
	struct fact fact;
	unsigned said = 0;
	int64_t order = 100;

	(void)state;
	take_in_parts(&box, &stop);
	while (done == NULL) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
		for (unsigned end = said + EACH; said < end && done == NULL; said++) {
			const struct bd_identifier id = person(&message, said % PEOPLE);

			fact_of(&fact, &id, 1, "s", 1, order++, "newer");
			fact.record.row_key = bd_bytes_of("row of its own");
			box_say(&box, "market", &fact.record);
		}
	}
	bd_spool_free(message.said.entry.spool);
	assert_int_equal(message.said.entry.code, BD_OK);
	assert_true(said >= 4 * EACH);
	for (unsigned number = 0; number < said && number < PEOPLE; number++) {
		const struct bd_identifier id = person(&message, number);
		const struct bd_held *held = box_find(&box, &id, 1);
		size_t newer = 0, rows = 0;

		for (size_t i = 0; i < held->statement_count; i++) {
			bool is_newer =
				bd_bytes_is(held->statements[i].values[0].value.text, "newer");

			newer += is_newer;
			rows += !is_newer;
		}
		assert_int_equal(newer, 1);
		assert_true(rows >= ROWS - 1);
	}
	box_close(&box);
}

static void a_refused_message_leaves_nothing(void **state)
{
	struct bd_entry *entry = &message.said.entry;
	struct stop stop;
	struct box box;

	(void)state;
	open_parts(&box, &stop);
	entry->is_atomic = true;
	assert_int_equal(push_long(&box, &message), BD_MESSAGE_ATOMIC);
	entry->is_atomic = false;
	entry->delivery.total++;
	assert_int_equal(push_long(&box, &message), BD_DELIVERY_TOTAL);
	entry->delivery.total--;
	entry->record_count++;
	assert_int_equal(push_long(&box, &message), BD_WORKER_DIED);
	entry->record_count--;
	/* The sender went away: nobody commits it. */
	assert_int_equal(fill_spool(&box, &message), BD_OK);
	assert_int_equal(files_of(&box), 1);
	bd_spool_free(entry->spool);
	entry->spool = NULL;
	assert_int_equal(files_of(&box), 0);
	same_dump(&box, &expected.before);
	/* And its number is the next one's. */
	assert_int_equal(push_long(&box, &message), BD_OK);
	assert_int_equal(entry->message, expected.receipt.message);
	box_close(&box);
}

/* -- ended by force -- */

/* Pushes in a process of its own, which ends at the point. */
static void push_and_die(struct box *box, struct stop *stop, const char *point, int passed)
{
	int status;
	pid_t child;

	box_stop(box);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		stop->point = point;
		stop->left = passed;
		box_start(box);
		push_long(box, &message);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	box_start(box);
}

/* Goes on in a process of its own, which ends at the point. */
static void work_and_die(struct box *box, struct stop *stop, const char *point, int passed)
{
	int status;
	pid_t child;

	box_stop(box);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct bd_entry *done;

		stop->point = point;
		stop->left = passed;
		box_start(box);
		while (bd_store_has_work(box->store)) {
			bd_store_work(box->store, &done, NULL);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	box_start(box);
}

static void finish(struct box *box)
{
	while (bd_store_has_work(box->store)) {
		struct bd_entry *done;

		assert_int_equal(bd_store_work(box->store, &done, &box->diag), BD_OK);
		assert_null(done);
	}
}

/* The sender's retry: the first receipt when the message was kept, else it is taken now. */
static void retry(struct box *box, bool is_kept)
{
	struct bd_message receipt;

	assert_int_equal(push_long(box, &message), BD_OK);
	assert_int_equal(message.said.entry.is_repeat, is_kept);
	receipt = receipt_of(box, message.said.entry.message);
	same_receipt(&receipt, &expected.receipt);
	same_dump(box, &expected.after);
	assert_int_equal(files_of(box), 0);
}

static void what_is_not_complete_is_gone(void **state)
{
	static const struct {
		const char *point;
		int passed;
	} points[] = { { "spool.run", 0 }, { "spool.run", 4 }, { "spool.finished", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct stop stop;
		struct box box;

		open_parts(&box, &stop);
		push_and_die(&box, &stop, points[i].point, points[i].passed);
		assert_false(bd_store_has_work(box.store));
		assert_int_equal(files_of(&box), 0);
		same_dump(&box, &expected.before);
		retry(&box, false);
		box_close(&box);
	}
}

static void what_is_complete_is_finished(void **state)
{
	static const struct {
		const char *point;
		int passed;
	} points[] = { { "spool.ended", 0 }, { "spool.sealed", 0 }, { "spool.accepted", 0 },
		{ "long.applied", 0 }, { "long.committed", 0 }, { "long.applied", 3 },
		{ "long.committed", 5 }, { "long.finishing", 0 }, { "long.finished", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		bool is_over = strcmp(points[i].point, "long.finished") == 0;
		struct stop stop;
		struct box box;

		open_parts(&box, &stop);
		push_and_die(&box, &stop, points[i].point, points[i].passed);
		assert_int_equal(bd_store_has_work(box.store), !is_over);
		finish(&box);
		/* Parts that were committed are not applied again. */
		if (strcmp(points[i].point, "long.committed") == 0) {
			int left = expected.parts - points[i].passed - 1;

			/* Each store has keys of its own, so where it cuts differs a little;
			 * applied again they would be six more. */
			assert_true(stop.parts >= left - 4 && stop.parts <= left + 4);
		}
		same_dump(&box, &expected.after);
		retry(&box, true);
		box_close(&box);
	}
}

static void however_often_it_is_ended(void **state)
{
	struct stop stop;
	struct box box;

	(void)state;
	open_parts(&box, &stop);
	push_and_die(&box, &stop, "long.committed", 2);
	for (int round = 0; round < 4; round++) {
		work_and_die(&box, &stop, "long.applied", 1);
		work_and_die(&box, &stop, "long.committed", 1);
	}
	work_and_die(&box, &stop, "long.finishing", 0);
	finish(&box);
	same_dump(&box, &expected.after);
	retry(&box, true);
	box_close(&box);
}

/* While it is not finished a retry is told so; another message is taken meanwhile. */
static void a_retry_before_the_end_is_told_to_wait(void **state)
{
	struct bd_entry *done = NULL, *waiting = &message.said.entry;
	const struct bd_identifier id = id_of(ID_PERSON, "somebody");
	struct stop stop;
	struct box box;
	struct fact fact;
	struct said said;

	(void)state;
	open_parts(&box, &stop);
	push_and_die(&box, &stop, "long.committed", 2);
	said_open(&said, "market", "daily");
	said_add(&said, fact_of(&fact, &id, 1, "s", 1, 5, "a"));
	said.entry.idempotency_key = waiting->idempotency_key;
	memcpy(said.entry.body_sha256, waiting->body_sha256, sizeof(said.entry.body_sha256));
	assert_int_equal(box_push(&box, &said), BD_IDEMPOTENCY_RUNNING);
	said.entry.idempotency_key = bd_bytes_of("another");
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_int_equal(said.entry.message, expected.receipt.message + 1);
	said_close(&said);
	/* A long retry waits in line behind it, and gets its receipt. */
	assert_int_equal(fill_spool(&box, &message), BD_OK);
	assert_int_equal(bd_store_take(box.store, waiting, &box.diag), BD_OK);
	while (done == NULL) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
	}
	assert_true(waiting->is_repeat);
	assert_int_equal(waiting->message, expected.receipt.message);
	bd_spool_free(waiting->spool);
	box_close(&box);
}

/* -- snapshots in parts -- */

static void a_long_snapshot_is_resumed_as_well(void **state)
{
	static const int passed[] = { 0, 4, 9 };
	struct bd_buf whole;
	struct message full;
	struct stop stop;
	struct box box;

	(void)state;
	make_message(&full, "full", "word");
	full.said.entry.rejected = 0;
	full.said.entry.received = full.said.entry.delivery.total = full.said.entry.accepted;
	bd_buf_clear(&full.said.rejects);
	full.said.entry.is_snapshot = true;
	full.said.entry.sections = sections;
	full.said.entry.section_count = 1;
	full.said.entry.remove_share_max_percent = 100;
	full.said.entry.order.rank = 10;
	open_parts(&box, &stop);
	assert_int_equal(push_long(&box, &full), BD_OK);
	whole = box_dump(&box);
	box_close(&box);
	assert_true(whole.len > 1000);
	for (size_t i = 0; i < 3; i++) {
		struct message kept = message;

		open_parts(&box, &stop);
		message = full;
		push_and_die(&box, &stop, "long.committed", passed[i]);
		full = message;
		message = kept;
		finish(&box);
		same_dump(&box, &whole);
		/* The rows of the section are counted rightly: nothing is left out of them. */
		full.said.entry.idempotency_key = bd_bytes_of("");
		full.said.entry.remove_share_max_percent = 0;
		assert_int_equal(push_long(&box, &full), BD_OK);
		full.said.entry.idempotency_key = bd_bytes_of("once");
		full.said.entry.remove_share_max_percent = 100;
		box_close(&box);
	}
	bd_buf_release(&whole);
	drop_message(&full);
}

/* -- damage -- */

static void path_of_file(char *path, size_t size, const struct box *box)
{
	const struct dirent *entry;
	char folder[128];
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/spool", box->folder);
	list = opendir(folder);
	assert_non_null(list);
	do {
		entry = readdir(list);
		assert_non_null(entry);
	} while (entry->d_name[0] == '.');
	snprintf(path, size, "%s/%s", folder, entry->d_name);
	closedir(list);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Complete, accepted, and then changed on the disk: nothing of it is applied, the operator can see
 * that, and the sender can send it again. */
static void a_changed_file_is_given_up_as_a_whole(void **state)
{
	/* From the beginning; from the end where negative. */
	static const off_t places[] = { 3, 20, 30, 60, 500000, 3000000, -1, -30, -4000 };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct bd_store_counts counts;
		struct bd_entry *done;
		struct stop stop;
		char path[400];
		struct box box;
		off_t size;
		int fd;

		open_parts(&box, &stop);
		push_and_die(&box, &stop, "spool.accepted", 0);
		box_stop(&box);
		path_of_file(path, sizeof(path), &box);
		fd = open(path, O_RDONLY);
		size = lseek(fd, 0, SEEK_END);
		close(fd);
		flip(path, places[i] >= 0 ? places[i] : size + places[i]);
		box_start(&box);
		while (bd_store_has_work(box.store)) {
			bd_store_work(box.store, &done, &box.diag);
		}
		same_dump(&box, &expected.before);
		assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
		assert_int_equal(bd_store_counts(&counts, box.reader, &box.diag), BD_OK);
		bd_store_end(box.reader);
		assert_int_equal(counts.long_failed, 1);
		assert_int_equal(counts.long_running, 0);
		assert_int_equal(files_of(&box), 1);
		assert_int_equal(push_long(&box, &message), BD_OK);
		assert_false(message.said.entry.is_repeat);
		assert_int_equal(message.said.entry.message, expected.receipt.message + 1);
		same_dump(&box, &expected.after);
		box_close(&box);
	}
}

static void a_file_that_is_gone_is_said(void **state)
{
	struct bd_store_counts counts;
	struct stop stop;
	char path[400];
	struct box box;

	(void)state;
	open_parts(&box, &stop);
	push_and_die(&box, &stop, "long.committed", 1);
	box_stop(&box);
	path_of_file(path, sizeof(path), &box);
	assert_int_equal(unlink(path), 0);
	box_start(&box);
	assert_false(bd_store_has_work(box.store));
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(bd_store_counts(&counts, box.reader, &box.diag), BD_OK);
	bd_store_end(box.reader);
	assert_int_equal(counts.long_failed, 1);
	/* A part of it stands; sent again, all does. */
	assert_int_equal(push_long(&box, &message), BD_OK);
	same_dump(&box, &expected.after);
	box_close(&box);
}

/* -- no room -- */

static void without_room_it_waits_in_the_journal(void **state)
{
	struct stop stop;
	struct box box;

	(void)state;
	open_parts(&box, &stop);
	box_stop(&box);
	box.settings.map_size_bytes = 4 << 20;
	box_start(&box);
	assert_int_equal(push_long(&box, &message), BD_DISK_FULL);
	assert_true(bd_store_has_work(box.store));
	assert_int_equal(files_of(&box), 1);
	box_stop(&box);
	box.settings.map_size_bytes = 1 << 28;
	box_start(&box);
	assert_true(bd_store_has_work(box.store));
	finish(&box);
	same_dump(&box, &expected.after);
	retry(&box, true);
	box_close(&box);
}

/* -- as a journal entry -- */

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ssize_t len;

	assert_true(in >= 0 && out >= 0);
	while ((len = read(in, bytes, sizeof(bytes))) > 0) {
		assert_int_equal(write(out, bytes, (size_t)len), len);
	}
	assert_int_equal(len, 0);
	close(in);
	close(out);
}

/* The file is self-contained: in the folder of a store that has all entries before it, it is the
 * next one, and gives the same. */
static void the_file_is_the_entry(void **state)
{
	struct stop stop, other_stop;
	struct box box, other;
	char from[400], to[400];

	(void)state;
	open_parts(&box, &stop);
	open_parts(&other, &other_stop);
	push_and_die(&box, &stop, "spool.accepted", 0);
	path_of_file(from, sizeof(from), &box);
	box_stop(&other);
	snprintf(to, sizeof(to), "%s/spool%s", other.folder, strrchr(from, '/'));
	copy_file(from, to);
	box_start(&other);
	assert_true(bd_store_has_work(other.store));
	finish(&other);
	same_dump(&other, &expected.after);
	retry(&other, true);
	box_close(&box);
	box_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_parts_give_the_same_as_one),
		cmocka_unit_test(one_processor_gives_the_same),
		cmocka_unit_test(long_and_short_give_the_same),
		cmocka_unit_test(nobody_sees_half_of_a_subject),
		cmocka_unit_test(short_messages_go_between),
		cmocka_unit_test(what_comes_between_stays),
		cmocka_unit_test(a_refused_message_leaves_nothing),
		cmocka_unit_test(what_is_not_complete_is_gone),
		cmocka_unit_test(what_is_complete_is_finished),
		cmocka_unit_test(however_often_it_is_ended),
		cmocka_unit_test(a_retry_before_the_end_is_told_to_wait),
		cmocka_unit_test(a_long_snapshot_is_resumed_as_well),
		cmocka_unit_test(a_changed_file_is_given_up_as_a_whole),
		cmocka_unit_test(a_file_that_is_gone_is_said),
		cmocka_unit_test(without_room_it_waits_in_the_journal),
		cmocka_unit_test(the_file_is_the_entry),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
