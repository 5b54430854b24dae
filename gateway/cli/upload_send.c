#include "base/clock.h"
#include "cli/upload_parts.h"

#include <inttypes.h>

/* While the gateway seals a part and waits for the disk, the next is read, digested and on its way:
 * those are about as long, so a third would wait for the same processor and disk, and take more of
 * what the gateway holds of one sender at once (BD_UPLOAD_SENDER_RUNNING_MAX), who may push several
 * files. */
#define SENDERS 2
/* A part is answered as soon as it is on the disk. When nothing moves for so long, whatever is
 * between us has lost it. */
#define PART_IDLE_MS 60000

/* A thread. */
struct sender {
	struct bd_cli_uploading *uploading;
	struct bd_cli_connection *connection;
	struct bd_buf part;
	pthread_t thread;
};

/* 0 = there is none left to send. */
static uint32_t take_part(struct bd_cli_uploading *uploading)
{
	uint32_t part = 0;

	pthread_mutex_lock(&uploading->lock);
	while (uploading->next <= uploading->parts && uploading->here[uploading->next - 1] != 0) {
		uploading->next++;
	}
	if (uploading->result == BD_CLI_OK && uploading->next <= uploading->parts) {
		part = uploading->next++;
	}
	pthread_mutex_unlock(&uploading->lock);
	return part;
}

static bool send_part(struct sender *sender, uint32_t part)
{
	struct bd_cli_uploading *uploading = sender->uploading;
	size_t len = (size_t)bd_cli_upload_part_len(uploading, part);
	char path[128], digest[64];
	const struct bd_cli_request request = { .method = "PUT",
		.path = path,
		.content_type = "application/octet-stream",
		.content_digest = digest,
		.text = { sender->part.ptr, len },
		.idle_ms = PART_IDLE_MS };
	struct bd_cli_answer answer;
	enum bd_cli_exit result;

	if (!bd_cli_upload_read(uploading, sender->part.ptr, len,
		    (uint64_t)(part - 1) * uploading->part_bytes) ||
		!bd_cli_upload_digest(digest, uploading, request.text)) {
		return false;
	}
	snprintf(path, sizeof(path), "/v1/uploads/%s/parts/%u", uploading->id, part);
	result = bd_cli_upload_ask(&answer, uploading, sender->connection, &request, 204);
	bd_buf_release(&answer.body);
	return result == BD_CLI_OK;
}

static void note_sent(struct bd_cli_uploading *uploading, uint32_t part)
{
	pthread_mutex_lock(&uploading->lock);
	uploading->bytes_here += bd_cli_upload_part_len(uploading, part);
	if (uploading->result == BD_CLI_OK) {
		bd_cli_progress_show(
			&uploading->progress, uploading->bytes_here, bd_clock_monotonic_ms());
	}
	pthread_mutex_unlock(&uploading->lock);
}

static void *send_parts(void *state)
{
	struct sender *sender = state;
	uint32_t part;

	while ((part = take_part(sender->uploading)) != 0 && send_part(sender, part)) {
		note_sent(sender->uploading, part);
	}
	return NULL;
}

static bool open_part(struct sender *sender)
{
	uint64_t size = bd_cli_upload_part_len(sender->uploading, 1);

	bd_buf_init(&sender->part, (size_t)size);
	return bd_buf_reserve(&sender->part, (size_t)size) == BD_OK;
}

static void close_part(struct sender *sender)
{
	bd_buf_wipe(&sender->part);
}

/* Beside the thread that calls. Each request of an account costs the gateway a derivation of its
 * key, which is longer than all the rest: a second thread would gain nothing. */
static bool start(struct sender *sender)
{
	const struct bd_cli_options *options = sender->uploading->options;

	return options->account == NULL && open_part(sender) &&
	       bd_cli_connection_new(&sender->connection, options, true) == BD_CLI_OK &&
	       pthread_create(&sender->thread, NULL, send_parts, sender) == 0;
}

static void send_all(struct bd_cli_uploading *uploading)
{
	struct sender senders[SENDERS] = { { .connection = uploading->connection } };
	size_t count = 1;

	for (size_t i = 0; i < SENDERS; i++) {
		senders[i].uploading = uploading;
	}
	if (!open_part(&senders[0])) {
		bd_cli_upload_fail(
			uploading, bd_cli_say(uploading->options, "内存不足", "out of memory"));
	}
	/* Where no other can be started, one goes on alone. */
	while (count < SENDERS && start(&senders[count])) {
		count++;
	}
	send_parts(&senders[0]);
	for (size_t i = 1; i < count; i++) {
		pthread_join(senders[i].thread, NULL);
	}
	for (size_t i = 0; i < SENDERS; i++) {
		close_part(&senders[i]);
		if (i > 0) {
			bd_cli_connection_free(senders[i].connection);
		}
	}
}

enum bd_cli_exit bd_cli_upload_send(struct bd_cli_uploading *uploading)
{
	if (uploading->bytes_here > 0) {
		fprintf(stderr,
			bd_cli_say(uploading->options, "bidui: 接续上传：已有 %" PRIu64 " 字节\n",
				"bidui: going on: %" PRIu64 " bytes are there\n"),
			uploading->bytes_here);
	}
	bd_cli_progress_begin(&uploading->progress, uploading->options, true,
		(int64_t)uploading->file->opened.st_size, bd_clock_monotonic_ms());
	uploading->next = 1;
	send_all(uploading);
	bd_cli_progress_end(&uploading->progress, bd_clock_monotonic_ms());
	return uploading->result;
}
