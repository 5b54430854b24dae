/* test_load_read.c - files of an initial load read by real workers: what they hold, what is wrong
 * with them, and files that are none, that end too early, or change while they are read. What is
 * read is known by its own digest, whatever stood there before.
 */
#include "daemon/load_parts.h"

#include "base/limits.h"
#include "base/sanitized.h"
#include "config/adapter.h"
#include "config_support.h"
#include "intake/image.h"
#include "store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 64

static struct bd_buf image;
static struct bd_arena arena;
static struct bd_bytes tax, line; /* a message, and the same in one line */
static struct bd_bytes table;     /* of rows, of the market authority */
static struct bd_plan const *plans[2];
static const struct bd_dictionary *dict;

/* -- reads of one file that go wrong -- */

static struct {
	int fd; /* -1 = all is well */
	size_t most;
	int interrupted;         /* so many times */
	ssize_t fails_after;     /* so many bytes; -1 = never */
	void (*changes)(int fd); /* after the first bytes */
	struct bd_sha256 *sha;   /* of all that was given */
	size_t given;
} fault = { .fd = -1 };

ssize_t __real_read(int fd, void *out, size_t len);
ssize_t __wrap_read(int fd, void *out, size_t len);
ssize_t __wrap_read(int fd, void *out, size_t len)
{
	if (fd != fault.fd) {
		return __real_read(fd, out, len);
	}
	if (fault.interrupted > 0) {
		fault.interrupted--;
		errno = EINTR;
		return -1;
	}
	if (fault.fails_after >= 0 && (size_t)fault.fails_after <= fault.given) {
		errno = EIO;
		return -1;
	}
	ssize_t got = __real_read(fd, out, len < fault.most ? len : fault.most);
	if (got > 0) {
		assert_int_equal(
			bd_sha256_update(fault.sha, (struct bd_bytes){ out, (size_t)got }), BD_OK);
		fault.given += (size_t)got;
		if (fault.changes != NULL) {
			fault.changes(fd);
			fault.changes = NULL;
		}
	}
	return got;
}

/* -- a load -- */

struct fixture {
	struct box box;
	struct bd_settings settings;
	struct bd_setup setup;
	struct bd_load_order order;
	struct bd_load_file files[FILES_MAX];
	struct bd_loading loadings[FILES_MAX];
	struct bd_load load;
	char worker[4096], folder[64];
};

static void open_load(struct fixture *fixture, const char *worker)
{
	const char *build = getenv("top_builddir");

	memset(fixture, 0, sizeof(*fixture));
	box_open(&fixture->box, NULL, 0);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/bidui-load-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->worker, sizeof(fixture->worker), "%s/%s", build != NULL ? build : ".",
		worker);
	fixture->settings.worker_path = fixture->worker;
	fixture->settings.message_time_max_ms = 50000;
	fixture->settings.confinement = BD_CONFINEMENT_BEST_EFFORT;
	fixture->setup.settings = &fixture->settings;
	fixture->setup.dict = dict;
	fixture->setup.image = bd_buf_bytes(&image);
	fixture->order.files = fixture->files;
	fixture->load = (struct bd_load){ .order = &fixture->order,
		.setup = &fixture->setup,
		.store = fixture->box.store,
		.files = fixture->loadings };
	pthread_mutex_init(&fixture->load.lock, NULL);
	pthread_cond_init(&fixture->load.ended, NULL);
}

static struct bd_load_file *add_open(struct fixture *fixture, int fd, bool is_lines)
{
	size_t i = fixture->order.count++;
	struct bd_load_file *file = &fixture->files[i];

	assert_true(i < FILES_MAX);
	*file = (struct bd_load_file){ .path = "a file",
		.fd = fd,
		.source = "tax",
		.feed = "gt3",
		.delivery = { .day = INT32_MIN },
		.is_lines = is_lines };
	fixture->loadings[i] = (struct bd_loading){
		.file = file, .plan = plans[1], .feed = bd_plan_feed(plans[1], "gt3")
	};
	bd_arena_init(&fixture->loadings[i].arena, 1 << 24);
	assert_non_null(fixture->loadings[i].feed);
	return file;
}

static struct bd_load_file *add(struct fixture *fixture, struct bd_bytes bytes, bool is_lines)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%zu", fixture->folder, fixture->order.count);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return add_open(fixture, fd, is_lines);
}

/* Rows of the market's table in the place of messages. */
static struct bd_load_file *as_rows(struct fixture *fixture, struct bd_load_file *file)
{
	struct bd_loading *at = &fixture->loadings[file - fixture->files];

	file->source = "market";
	file->feed = "e_pb_baseinfo";
	at->plan = plans[0];
	at->feed = bd_plan_feed(plans[0], file->feed);
	assert_non_null(at->feed);
	return file;
}

static struct bd_loading *loading_of(struct fixture *fixture, const struct bd_load_file *file)
{
	return &fixture->loadings[file - fixture->files];
}

/* No worker and no file may be left. */
static void close_load(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->order.count; i++) {
		struct bd_loading *at = &fixture->loadings[i];

		bd_sha256_free(at->sha);
		if (at->spool != NULL) {
			bd_spool_free(at->spool);
		}
		bd_bulk_free(at->bulk);
		bd_buf_release(&at->rejects);
		bd_arena_release(&at->arena);
		free(at->file->refused);
		if (at->file->fd >= 0) {
			close(at->file->fd);
		}
	}
	pthread_cond_destroy(&fixture->load.ended);
	pthread_mutex_destroy(&fixture->load.lock);
#ifndef BD_IS_SANITIZED /* whose symbolizer is a child as well, and stays */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
#endif
	remove_store(fixture->folder);
	box_close(&fixture->box);
}

static void set_fault(const struct bd_load_file *file)
{
	memset(&fault, 0, sizeof(fault));
	fault.fd = file->fd;
	fault.most = SIZE_MAX;
	fault.fails_after = -1;
	assert_int_equal(bd_sha256_new(&fault.sha), BD_OK);
}

/* Its digest and its key are those of the bytes that were given. */
static void assert_known_by_what_was_read(struct fixture *fixture, const struct bd_load_file *file)
{
	const struct bd_loading *at = loading_of(fixture, file);
	uint8_t digest[BD_DIGEST_BYTES];
	char key[BD_LOAD_KEY_BYTES];

	assert_int_equal(bd_sha256_final(fault.sha, digest), BD_OK);
	assert_memory_equal(at->sha256, digest, sizeof(digest));
	assert_int_equal(at->read, fault.given);
	if (!file->is_lines) {
		assert_int_equal(bd_load_key(key, file, 0, digest), BD_OK);
		assert_string_equal(at->key, key);
	}
}

static void clear_fault(void)
{
	bd_sha256_free(fault.sha);
	fault.sha = NULL;
	fault.fd = -1;
}

/* Several texts, one after the other. */
static struct bd_bytes joined(const struct bd_bytes *texts, size_t count)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		len += texts[i].len;
	}
	char *all = bd_arena_alloc(&arena, 1, len + 1);
	assert_non_null(all);
	for (size_t i = 0; i < count; at += texts[i++].len) {
		memcpy(all + at, texts[i].ptr, texts[i].len);
	}
	return (struct bd_bytes){ all, len };
}

#define JOIN(...)                                                                                  \
	joined((const struct bd_bytes[]){ __VA_ARGS__ },                                           \
		sizeof((const struct bd_bytes[]){ __VA_ARGS__ }) / sizeof(struct bd_bytes))
#define TEXT(text) bd_bytes_of(text)

/* -- what is in order -- */

static void test_a_message(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, tax, false);
	set_fault(file);
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 3);
	assert_int_equal(file->accepted, 3);
	assert_int_equal(file->rejected, 0);
	assert_true(loading_of(&fixture, file)->result.records >= 3);
	assert_non_null(loading_of(&fixture, file)->spool);
	assert_known_by_what_was_read(&fixture, file);
	clear_fault();
	close_load(&fixture);
}

/* Numbers are those of the file: blank lines count, and are nothing else. */
static void test_lines(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture,
		JOIN(line, TEXT("\n\n \t\r\n"), line, TEXT("\r\n<junk>\n"), line, TEXT("\nno\n"),
			line),
		true);
	set_fault(file);
	fault.most = 7;
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 4 * 3);
	assert_int_equal(file->refused_count, 2);
	assert_int_equal(file->refused_shown, 2);
	/* As they were done with. */
	size_t first = file->refused[0].line < file->refused[1].line ? 0 : 1;
	assert_int_equal(file->refused[first].line, 5);
	assert_int_equal(file->refused[first].code, BD_MESSAGE_TRUNCATED);
	assert_int_equal(file->refused[1 - first].line, 7);
	assert_int_equal(file->refused[1 - first].code, BD_XML_SYNTAX);
	assert_known_by_what_was_read(&fixture, file);
	clear_fault();
	close_load(&fixture);
}

/* Whoever reads goes on to the next file: also behind files that hold nothing, of which each was
 * done with before a worker had said anything. */
static void test_files_behind_empty_ones(void **state)
{
	struct fixture fixture;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	(void)state;
	open_load(&fixture, "bidui-worker");
	for (long i = 0; i < (cores < 24 ? cores : 24) + 1; i++) {
		add(&fixture, i % 2 == 0 ? TEXT("") : TEXT("\n \r\n"), true);
	}
	struct bd_load_file *whole = add(&fixture, tax, false), *last = add(&fixture, line, true);
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(whole->received, 3);
	assert_int_equal(whole->accepted, 3);
	assert_int_equal(last->received, 3);
	assert_int_equal(fixture.files[0].received, 0);
	assert_int_equal(fixture.files[0].refused_count, 0);
	close_load(&fixture);
}

static void test_an_empty_file_alone(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, TEXT(""), true);
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 0);
	close_load(&fixture);
}

/* What was stored before is not read again. */
static void test_repeats_are_passed_over(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *before = add(&fixture, tax, false), *after = add(&fixture, tax, false);
	before->is_repeat = true;
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(loading_of(&fixture, before)->read, 0);
	assert_null(loading_of(&fixture, before)->spool);
	assert_int_equal(after->received, 3);
	close_load(&fixture);
}

/* -- what is not -- */

static void test_a_message_cut_anywhere(void **state)
{
	struct fixture fixture;
	size_t step = tax.len / (FILES_MAX - 1) + 1;
	(void)state;
	open_load(&fixture, "bidui-worker");
	/* What is behind the last tag is white. */
	while (tax.ptr[tax.len - 1] != '>') {
		tax.len--;
	}
	for (size_t len = 0; len < tax.len; len += step) {
		add(&fixture, (struct bd_bytes){ tax.ptr, len }, false);
	}
	struct bd_load_file *whole = add(&fixture, tax, false);
	assert_false(bd_load_read(&fixture.load));
	assert_int_equal(fixture.load.diag.code, BD_OK);
	assert_int_equal(fixture.files[0].diag.code, BD_MESSAGE_EMPTY);
	for (size_t i = 1; i + 1 < fixture.order.count; i++) {
		assert_int_not_equal(fixture.files[i].diag.code, BD_OK);
		assert_int_equal(fixture.files[i].received, 0);
	}
	/* It is not to blame. */
	assert_int_equal(whole->diag.code, BD_OK);
	assert_int_equal(whole->received, 3);
	close_load(&fixture);
}

/* The rows before it are taken, and it is told; that rows are missing behind it a control total
 * tells. */
static void test_a_table_cut_in_a_row(void **state)
{
	struct fixture fixture;
	size_t len = table.len - 1;
	(void)state;
	while (len > 0 && table.ptr[len - 1] != '\n') {
		len--;
	}
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *whole = as_rows(&fixture, add(&fixture, table, false));
	struct bd_load_file *cut =
		as_rows(&fixture, add(&fixture, (struct bd_bytes){ table.ptr, len + 6 }, false));
	assert_true(bd_load_read(&fixture.load));
	assert_true(whole->received > 1);
	assert_int_equal(cut->received, whole->received);
	assert_int_equal(cut->accepted, whole->accepted - 1);
	assert_int_equal(cut->rejected, whole->rejected + 1);
	assert_true(loading_of(&fixture, cut)->rejects.len > 0);
	close_load(&fixture);
}

static void test_control_totals(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *wrong = add(&fixture, line, true), *right = add(&fixture, tax, false);
	wrong->delivery.has_total = right->delivery.has_total = true;
	wrong->delivery.total = 4;
	right->delivery.total = 3;
	assert_false(bd_load_read(&fixture.load));
	assert_int_equal(wrong->diag.code, BD_DELIVERY_TOTAL);
	assert_int_equal(right->diag.code, BD_OK);
	close_load(&fixture);
}

/* A folder, what may not be read, and what is not open: none is taken for an empty one. */
static void test_what_is_no_file(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	for (int is_lines = 0; is_lines < 2; is_lines++) {
		add_open(&fixture, open(fixture.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			is_lines);
		add_open(&fixture, open("/dev/null", O_WRONLY | O_CLOEXEC), is_lines);
		add_open(&fixture, -1, is_lines);
	}
	struct bd_load_file *good = add(&fixture, tax, false);
	assert_false(bd_load_read(&fixture.load));
	for (size_t i = 0; i + 1 < fixture.order.count; i++) {
		assert_int_equal(fixture.files[i].diag.code, BD_IO);
	}
	assert_int_equal(good->diag.code, BD_OK);
	assert_int_equal(good->received, 3);
	close_load(&fixture);
}

static void test_reads_that_fail(void **state)
{
	(void)state;
	for (int is_lines = 0; is_lines < 2; is_lines++) {
		struct bd_bytes bytes = is_lines ? JOIN(line, TEXT("\n"), line) : tax;
		for (ssize_t after = 0; after <= (ssize_t)bytes.len;
			after += (ssize_t)bytes.len / 2) {
			struct fixture fixture;
			open_load(&fixture, "bidui-worker");
			struct bd_load_file *file = add(&fixture, bytes, is_lines);
			set_fault(file);
			fault.most = 100;
			fault.fails_after = after;
			assert_false(bd_load_read(&fixture.load));
			assert_int_equal(file->diag.code, BD_IO);
			clear_fault();
			close_load(&fixture);
		}
	}
}

static void test_reads_that_are_interrupted(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, tax, false);
	set_fault(file);
	fault.most = 1;
	fault.interrupted = 20;
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 3);
	assert_known_by_what_was_read(&fixture, file);
	clear_fault();
	close_load(&fixture);
}

/* -- files that change while they are read -- */

static void cut_short(int fd)
{
	assert_int_equal(ftruncate(fd, 40), 0);
}

static void grow(int fd)
{
	off_t at = lseek(fd, 0, SEEK_CUR);

	lseek(fd, 0, SEEK_END);
	assert_int_equal(write(fd, line.ptr, line.len), line.len);
	lseek(fd, at, SEEK_SET);
}

/* What was read already is another by now. */
static void change_behind(int fd)
{
	assert_int_equal(pwrite(fd, "<x", 2, 0), 2);
}

static void test_a_file_that_shrinks(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, tax, false);
	set_fault(file);
	fault.most = 30;
	fault.changes = cut_short;
	assert_false(bd_load_read(&fixture.load));
	assert_int_equal(file->diag.code, BD_MESSAGE_TRUNCATED);
	clear_fault();
	close_load(&fixture);
}

static void test_a_file_that_grows(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, JOIN(line, TEXT("\n")), true);
	set_fault(file);
	fault.most = 30;
	fault.changes = grow;
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 6);
	assert_known_by_what_was_read(&fixture, file);
	clear_fault();
	close_load(&fixture);
	/* Two messages are none. */
	open_load(&fixture, "bidui-worker");
	file = add(&fixture, tax, false);
	set_fault(file);
	fault.most = 30;
	fault.changes = grow;
	assert_false(bd_load_read(&fixture.load));
	assert_int_not_equal(file->diag.code, BD_OK);
	clear_fault();
	close_load(&fixture);
}

static void test_a_file_that_changes_behind_us(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "bidui-worker");
	struct bd_load_file *file = add(&fixture, tax, false);
	set_fault(file);
	fault.most = 30;
	fault.changes = change_behind;
	/* By what it was known before it was read. */
	memset(loading_of(&fixture, file)->sha256, 1, BD_DIGEST_BYTES);
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->received, 3);
	assert_known_by_what_was_read(&fixture, file);
	clear_fault();
	close_load(&fixture);
}

/* -- limits -- */

static void test_more_refused_lines_than_are_shown(void **state)
{
	struct fixture fixture;
	const size_t count = BD_LOAD_REFUSED_MAX + 3;
	(void)state;
	open_load(&fixture, "bidui-worker");
	char *all = bd_arena_alloc(&arena, 1, 2 * count);
	for (size_t i = 0; i < count; i++) {
		memcpy(all + 2 * i, "x\n", 2);
	}
	struct bd_load_file *file = add(&fixture, (struct bd_bytes){ all, 2 * count }, true);
	assert_true(bd_load_read(&fixture.load));
	assert_int_equal(file->refused_count, count);
	assert_int_equal(file->refused_shown, BD_LOAD_REFUSED_MAX);
	assert_int_equal(file->received, 0);
	close_load(&fixture);
}

static void test_a_line_without_end(void **state)
{
	struct fixture fixture;
	size_t len = BD_LOAD_LINE_MAX_BYTES + (1 << 20);
	(void)state;
	open_load(&fixture, "bidui-worker");
	char *all = malloc(len);
	assert_non_null(all);
	memset(all, 'x', len);
	struct bd_load_file *file = add(&fixture, (struct bd_bytes){ all, len }, true);
	assert_false(bd_load_read(&fixture.load));
	assert_int_equal(file->diag.code, BD_LIMIT_BYTES);
	free(all);
	close_load(&fixture);
}

/* Of what is of no file the load itself has the reason; nothing was read. */
static void test_no_worker(void **state)
{
	struct fixture fixture;
	(void)state;
	open_load(&fixture, "no-such-worker");
	for (int is_lines = 0; is_lines < 2; is_lines++) {
		add(&fixture, is_lines ? line : tax, is_lines);
	}
	assert_false(bd_load_read(&fixture.load));
	assert_int_not_equal(fixture.load.diag.code, BD_OK);
	assert_int_equal(fixture.files[0].received, 0);
	close_load(&fixture);
}

/* -- what all of them need -- */

static struct bd_bytes read_sample(const char *path)
{
	FILE *file = fopen(source_path(&arena, path), "rbe");
	char *bytes = bd_arena_alloc(&arena, 1, 1 << 20);

	assert_true(file != NULL && bytes != NULL);
	size_t len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return (struct bd_bytes){ bytes, len };
}

static int set_up(void **state)
{
	const char *const names[] = { "adapters/market", "adapters/tax" };
	struct bd_diags diags = { .count = 0 };

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	bd_arena_init(&arena, ARENA_MAX * 2);
	dict = read_dictionary(&arena);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(bd_config_adapter(&plans[i], source_path(&arena, names[i]),
					 source_path(&arena, "schemas"), dict, &arena, &diags),
			BD_OK);
	}
	bd_buf_init(&image, ARENA_MAX);
	assert_int_equal(bd_image_write(&image, dict, plans, 2), BD_OK);
	tax = read_sample("adapters/tax/samples/tax_gt3_response.xml");
	table = read_sample("adapters/market/samples/market_20260601_E_PB_BASEINFO.gb18030.txt");
	table = JOIN(table, table, table);
	line = bd_arena_copy(&arena, tax);
	for (size_t i = 0; i < line.len; i++) {
		char *at = (char *)(uintptr_t)line.ptr + i;

		*at = *at == '\n' || *at == '\r' ? ' ' : *at;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bd_buf_release(&image);
	bd_arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_files_behind_empty_ones),
		cmocka_unit_test(test_an_empty_file_alone),
		cmocka_unit_test(test_repeats_are_passed_over),
		cmocka_unit_test(test_a_message_cut_anywhere),
		cmocka_unit_test(test_a_table_cut_in_a_row),
		cmocka_unit_test(test_control_totals),
		cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_reads_that_fail),
		cmocka_unit_test(test_reads_that_are_interrupted),
		cmocka_unit_test(test_a_file_that_shrinks),
		cmocka_unit_test(test_a_file_that_grows),
		cmocka_unit_test(test_a_file_that_changes_behind_us),
		cmocka_unit_test(test_more_refused_lines_than_are_shown),
		cmocka_unit_test(test_a_line_without_end),
		cmocka_unit_test(test_no_worker),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
