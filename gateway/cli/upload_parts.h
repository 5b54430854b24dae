/* upload_parts.h - what the files of an upload share: upload.c finds or begins one and completes
 * it, upload_file.c reads and digests the file, upload_send.c sends the parts, upload_ask.c asks
 * the gateway until it answers.
 *
 * Layer: cli, private to upload*.c. Two threads send parts at once. They wait together: while the
 * gateway cannot be asked neither asks, and that is said once. The first failure that will not come
 * right is told, ends both, and is what the push ends with.
 */
#ifndef BD_CLI_UPLOAD_PARTS_H
#define BD_CLI_UPLOAD_PARTS_H

#include "base/digest.h"
#include "cli/upload.h"

#include <pthread.h>

struct bd_cli_uploading {
	const struct bd_cli_options *options;
	struct bd_cli_file *file;
	struct bd_cli_connection *connection; /* of the thread that began */
	char digest[64];                      /* "sha-256=:...:" */
	char id[64];
	uint64_t part_bytes;
	uint32_t parts;
	bool is_done; /* stored by an earlier run */
	struct bd_arena arena;

	/* Of all below while there are two threads, and of everything that is said. */
	pthread_mutex_t lock;
	uint8_t *here; /* a byte a part: the gateway had it when it was asked */
	uint32_t next; /* part to be taken, unless it is here */
	uint64_t bytes_here;
	struct bd_cli_progress progress;
	enum bd_cli_exit result; /* of the first failure; BD_CLI_OK = none yet */
	pthread_cond_t ended;    /* there is such a result */
	unsigned pauses;         /* until now */
	int64_t pause_until_ms;  /* monotonic; of the last one */
	unsigned pause_tries;    /* how many had failed on end before it */
};

/* Before the first and after the last of the functions below. */
void bd_cli_upload_talk_begin(struct bd_cli_uploading *uploading);
void bd_cli_upload_talk_end(struct bd_cli_uploading *uploading);
/* Asks by a connection of the calling thread, and again after a pause where that may help. OK: an
 * answer of the status that is wanted (0 = any). Else the result of the upload: what was wrong has
 * been told, or was a failure after the first. The caller releases the answer's body. */
enum bd_cli_exit bd_cli_upload_ask(struct bd_cli_answer *answer, struct bd_cli_uploading *uploading,
	struct bd_cli_connection *connection, const struct bd_cli_request *request, int wanted);
/* The file cannot be sent, and why: told if it is the first failure. The result of the upload. */
enum bd_cli_exit bd_cli_upload_fail(struct bd_cli_uploading *uploading, const char *why);

/* False after bd_cli_upload_fail. */
bool bd_cli_upload_read(struct bd_cli_uploading *uploading, char *out, size_t len, uint64_t at);
bool bd_cli_upload_digest_file(struct bd_cli_uploading *uploading);
bool bd_cli_upload_digest(char out[64], struct bd_cli_uploading *uploading, struct bd_bytes bytes);
uint64_t bd_cli_upload_part_len(const struct bd_cli_uploading *uploading, uint32_t part);

/* Sends the parts that are not here; OK: all are. */
enum bd_cli_exit bd_cli_upload_send(struct bd_cli_uploading *uploading);

#endif
