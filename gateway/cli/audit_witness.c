/* audit_witness.c - bidui audit witness: a second party's look at the trail, from a machine of its
 * own.
 *
 * The newest head is fetched with a proof that it continues the last one in the witness's file,
 * both are checked, and only then is it countersigned, written behind the others, synced, and given
 * back to the gateway. A head that does not continue the last is the alarm that this is for:
 * nothing is countersigned, nothing written. Meant to be run by a timer. */
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/audit.h"
#include "cli/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX_BYTES 16777216

struct witnessing {
	const struct bd_cli_options *options;
	struct bd_cli_options asker; /* of the gateway: --key is the signer's */
	const char *path;
	int fd;
	struct bd_sign_key *key; /* the witness's own */
	struct bd_trail_keys keys;
	struct bd_trail_head last, head; /* last: of the file; size 0 and number 0 = none */
	struct bd_bytes last_body;       /* empty = none */
	struct bd_trail_signed fetched;
	struct bd_arena arena;
};

static enum bd_cli_exit tell(
	const struct witnessing *witnessing, const struct bd_diag *diag, enum bd_cli_exit result)
{
	bd_cli_tell(witnessing->options, diag, witnessing->path);
	return result;
}

/* -- what the witness holds -- */

static enum bd_cli_exit read_own_key(struct witnessing *witnessing)
{
	const struct bd_cli_options *options = witnessing->options;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;
	struct stat status;
	struct bd_buf pem;

	if (options->witness_key == NULL) {
		bd_cli_notice(options, "请用 --witness-key 给出见证人自己的私钥文件",
			"give the witness's own private key file with --witness-key");
		return BD_CLI_USAGE;
	}
	if (stat(options->witness_key, &status) == 0 &&
		(status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		bd_cli_notice(options, "见证人的私钥可被他人读取：请 chmod 600",
			"others can read the witness's private key: chmod 600");
		return BD_CLI_CONFIGURATION;
	}
	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	if (bd_cli_read_file(&pem, options, options->witness_key)) {
		result = bd_sign_key_private(&witnessing->key, bd_buf_bytes(&pem), &diag) == BD_OK
				 ? BD_CLI_OK
				 : tell(witnessing, &diag, BD_CLI_CONFIGURATION);
	}
	bd_buf_wipe(&pem);
	return result;
}

/* The last whole line; a torn one, of a run that was killed, is an error that a person looks at. */
static struct bd_bytes last_line(struct bd_bytes text)
{
	size_t begin;

	while (text.len > 0 && strchr("\r\n", text.ptr[text.len - 1]) != NULL) {
		text.len--;
	}
	for (begin = text.len; begin > 0 && text.ptr[begin - 1] != '\n'; begin--) {
	}
	return (struct bd_bytes){ text.ptr + begin, text.len - begin };
}

/* All of the file is as it was countersigned, and its last head is what is continued. */
static enum bd_cli_exit take_file(struct witnessing *witnessing, struct bd_bytes text)
{
	struct bd_sign_key *own[1] = { witnessing->key };
	const struct bd_trail_keys own_keys = { own, 1 };
	struct bd_trail_seen seen = { NULL, 0, 0 };
	struct bd_trail_witnessed witnessed;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_trail_seen_read(&seen, text, &witnessing->keys, &own_keys, &diag);

	bd_trail_seen_free(&seen);
	code = code == BD_OK ? bd_trail_witness_take(
				       &witnessed, last_line(text), &witnessing->arena, &diag)
			     : code;
	code = code == BD_OK ? bd_trail_witness_check(&witnessing->last, &witnessed,
				       &witnessing->keys, &own_keys, &diag)
			     : code;
	if (code != BD_OK) {
		return tell(witnessing, &diag,
			code == BD_TRAIL_DAMAGED ? BD_CLI_NEGATIVE : BD_CLI_CONFIGURATION);
	}
	witnessing->last_body = witnessed.head.body;
	return BD_CLI_OK;
}

static enum bd_cli_exit open_file(struct witnessing *witnessing)
{
	enum bd_cli_exit result = BD_CLI_OK;
	struct bd_buf text;
	struct stat status;

	witnessing->fd =
		open(witnessing->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (witnessing->fd < 0 || fstat(witnessing->fd, &status) != 0 ||
		flock(witnessing->fd, LOCK_EX | LOCK_NB) != 0) {
		fprintf(stderr, "bidui: %s: %s\n", witnessing->path, strerror(errno));
		return BD_CLI_USAGE;
	}
	if (status.st_size == 0) {
		return BD_CLI_OK;
	}
	bd_buf_init(&text, BD_CLI_WITNESS_FILE_MAX_BYTES);
	result = bd_cli_read_file(&text, witnessing->options, witnessing->path)
			 ? take_file(witnessing, bd_buf_bytes(&text))
			 : BD_CLI_CONFIGURATION;
	bd_buf_release(&text);
	return result;
}

/* -- what the gateway shows -- */

static bool take_path(struct bd_merkle_path *path, const struct bd_json *list)
{
	path->count = 0;
	if (list == NULL || list->type != BD_JSON_IS_ARRAY || list->count > BD_MERKLE_PATH_MAX) {
		return false;
	}
	for (const struct bd_json *one = list->first; one != NULL; one = one->next) {
		if (!bd_unhex(path->hashes[path->count++].bytes, BD_DIGEST_BYTES, one->text)) {
			return false;
		}
	}
	return true;
}

/* Signed by the key given, of the same trail, and with all that the last one had, in its order. */
static enum bd_code check_continues(
	struct witnessing *witnessing, const struct bd_merkle_path *path, struct bd_diag *diag)
{
	const struct bd_trail_head *last = &witnessing->last, *head = &witnessing->head;
	enum bd_code code = bd_trail_head_check(
		&witnessing->head, &witnessing->fetched, &witnessing->keys, diag);

	if (code != BD_OK || witnessing->last_body.len == 0) {
		return code;
	}
	if (head->instance != last->instance) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "another trail than the one witnessed");
	}
	if (head->number < last->number || head->size < last->size) {
		return bd_fail(diag, BD_TRAIL_TRUNCATED,
			"head %" PRIu64 " was witnessed, head %" PRIu64 " is shown", last->number,
			head->number);
	}
	if (head->number == last->number) {
		return bd_bytes_equal(witnessing->fetched.body, witnessing->last_body)
			       ? BD_OK
			       : bd_fail(diag, BD_TRAIL_DAMAGED,
					 "two heads of number %" PRIu64 ": a split view",
					 head->number);
	}
	code = bd_merkle_check_consistency(path, last->size, &last->root, head->size, &head->root);
	return code == BD_OK ? BD_OK
			     : bd_fail(diag, code == BD_PROOF_WRONG ? BD_TRAIL_DAMAGED : code,
				       "head %" PRIu64 " does not continue head %" PRIu64,
				       head->number, last->number);
}

static enum bd_cli_exit take_answer(
	struct witnessing *witnessing, const struct bd_cli_answer *answer)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_merkle_path path;
	struct bd_json *root = NULL;
	enum bd_code code =
		bd_json_parse_answer(&root, bd_buf_bytes(&answer->body), &witnessing->arena, &diag);

	if (code == BD_OK && !(take_path(&path, bd_json_get(root, "path")) &&
				     bd_trail_signed_read(&witnessing->fetched,
					     bd_json_get(root, "head"), &witnessing->arena))) {
		code = bd_fail(&diag, BD_RECEIPT_FORM, "%s", "");
	}
	code = code == BD_OK ? check_continues(witnessing, &path, &diag) : code;
	return code == BD_OK ? BD_CLI_OK : tell(witnessing, &diag, BD_CLI_NEGATIVE);
}

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static const struct bd_cli_view told = { is_always_good, bd_cli_show_any };

/* An answer with a problem is told as one. */
static enum bd_cli_exit send(struct bd_cli_answer *answer, const struct witnessing *witnessing,
	const struct bd_cli_request *request)
{
	enum bd_cli_exit result;

	bd_buf_init(&answer->body, BD_CLI_ANSWER_MAX_BYTES);
	result = bd_cli_send(answer, &witnessing->asker, request);
	if (result == BD_CLI_OK && answer->status != 200) {
		result = bd_cli_show(witnessing->options, answer, &told);
		result = result == BD_CLI_OK ? BD_CLI_REFUSED : result;
	}
	return result;
}

static enum bd_cli_exit fetch(struct witnessing *witnessing)
{
	struct bd_cli_request request = { .method = "GET" };
	struct bd_cli_answer answer = { .status = 0 };
	char path[64];
	enum bd_cli_exit result;

	snprintf(path, sizeof(path), "/v1/trail/consistency?from=%" PRIu64,
		witnessing->last_body.len > 0 ? witnessing->last.size : 0);
	request.path = path;
	result = send(&answer, witnessing, &request);
	result = result == BD_CLI_OK ? take_answer(witnessing, &answer) : result;
	bd_buf_release(&answer.body);
	return result;
}

/* -- what is kept, and given back -- */

static bool append(const struct witnessing *witnessing, struct bd_bytes line)
{
	while (line.len > 0) {
		ssize_t len = write(witnessing->fd, line.ptr, line.len);

		if (len < 0 && errno != EINTR) {
			return false;
		}
		line.ptr += len > 0 ? len : 0;
		line.len -= len > 0 ? (size_t)len : 0;
	}
	return fsync(witnessing->fd) == 0;
}

static enum bd_cli_exit give_back(const struct witnessing *witnessing, struct bd_bytes line)
{
	struct bd_cli_request request = { .method = "POST",
		.path = "/v1/trail/witnesses",
		.content_type = "application/json",
		.text = line };
	struct bd_cli_answer answer = { .status = 0 };
	enum bd_cli_exit result = send(&answer, witnessing, &request);

	bd_buf_release(&answer.body);
	return result;
}

static enum bd_cli_exit countersign(const struct witnessing *witnessing)
{
	const struct bd_cli_options *options = witnessing->options;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_OK;
	struct bd_buf line;
	enum bd_code code;

	bd_buf_init(&line, BD_TRAIL_WITNESS_LINE_MAX_BYTES);
	code = bd_trail_witness_write(
		&line, &witnessing->fetched, witnessing->key, bd_clock_wall_ms(), &diag);
	code = code == BD_OK ? bd_buf_add_byte(&line, '\n') : code;
	if (code != BD_OK) {
		result = tell(witnessing, &diag, BD_CLI_NEGATIVE);
	} else if (!append(witnessing, bd_buf_bytes(&line))) {
		fprintf(stderr, "bidui: %s: %s\n", witnessing->path, strerror(errno));
		result = BD_CLI_USAGE;
	} else {
		result = give_back(witnessing, (struct bd_bytes){ line.ptr, line.len - 1 });
	}
	if (result == BD_CLI_OK) {
		printf("%s %" PRIu64 "（%" PRIu64 "）\n",
			bd_cli_say(options, "已见证树头", "witnessed head"),
			witnessing->head.number, witnessing->head.size);
	}
	bd_buf_release(&line);
	return result;
}

enum bd_cli_exit bd_cli_audit_witness(const struct bd_cli_options *options, const char *path)
{
	static struct witnessing witnessing;
	enum bd_cli_exit result;

	witnessing = (struct witnessing){
		.options = options, .asker = *options, .path = path, .fd = -1
	};
	witnessing.asker.key = getenv("BIDUI_KEY");
	bd_arena_init(&witnessing.arena, ARENA_MAX_BYTES);
	result = bd_cli_read_keys(&witnessing.keys, options);
	result = result == BD_CLI_OK ? read_own_key(&witnessing) : result;
	result = result == BD_CLI_OK ? open_file(&witnessing) : result;
	result = result == BD_CLI_OK ? fetch(&witnessing) : result;
	result = result == BD_CLI_OK ? countersign(&witnessing) : result;
	if (witnessing.fd >= 0) {
		close(witnessing.fd);
	}
	bd_sign_key_free(witnessing.key);
	bd_trail_keys_free(&witnessing.keys);
	bd_arena_release(&witnessing.arena);
	return result;
}
