#include "base/clock.h"
#include "cli/upload_parts.h"

#include <time.h>

/* Pauses between two tries: 1, 2, 4 ... 30 s; so many tries without --resume, about a minute. */
#define PAUSE_MAX_S 30
#define TRIES_MAX 6

void bd_cli_upload_talk_begin(struct bd_cli_uploading *uploading)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&uploading->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&uploading->ended, &attributes);
	pthread_condattr_destroy(&attributes);
}

void bd_cli_upload_talk_end(struct bd_cli_uploading *uploading)
{
	pthread_cond_destroy(&uploading->ended);
	pthread_mutex_destroy(&uploading->lock);
}

/* -- pauses -- */

static bool may_come_right(enum bd_code code, const struct bd_cli_answer *answer)
{
	if (code != BD_OK) {
		return bd_cli_send_exit(code) == BD_CLI_CONNECT;
	}
	/* 408: it came too slowly; on another connection it may not (RFC 9110, 15.5.9). */
	return answer->status == 408 || answer->status == 429 || answer->status == 500 ||
	       answer->status == 502 || answer->status == 503 || answer->status == 504;
}

static unsigned pause_of(unsigned tries)
{
	unsigned seconds = 1;

	for (; tries > 1 && seconds < PAUSE_MAX_S; tries--) {
		seconds *= 2;
	}
	return seconds < PAUSE_MAX_S ? seconds : PAUSE_MAX_S;
}

/* When no pause is on: how many were. False: there is nothing more to be tried. */
static bool may_try(unsigned *pauses, struct bd_cli_uploading *uploading)
{
	bool may;

	pthread_mutex_lock(&uploading->lock);
	while (uploading->result == BD_CLI_OK &&
		bd_clock_monotonic_ms() < uploading->pause_until_ms) {
		const struct timespec until = { .tv_sec = uploading->pause_until_ms / 1000,
			.tv_nsec = uploading->pause_until_ms % 1000 * 1000000 };

		pthread_cond_timedwait(&uploading->ended, &uploading->lock, &until);
	}
	*pauses = uploading->pauses;
	may = uploading->result == BD_CLI_OK;
	pthread_mutex_unlock(&uploading->lock);
	return may;
}

/* A try has failed that was begun after so many pauses. If there was another one since, that was of
 * the same interruption: it was said then, and whoever knew of it first counts for both. */
static void pause_all(struct bd_cli_uploading *uploading, unsigned *tries, unsigned pauses,
	enum bd_code code, const struct bd_diag *diag)
{
	const struct bd_cli_options *options = uploading->options;

	pthread_mutex_lock(&uploading->lock);
	if (uploading->pauses != pauses) {
		*tries = *tries > uploading->pause_tries ? *tries : uploading->pause_tries;
	} else if (uploading->result == BD_CLI_OK) {
		bd_cli_progress_clear(&uploading->progress);
		if (code != BD_OK) {
			bd_cli_send_tell(options, code, diag);
		}
		fprintf(stderr,
			bd_cli_say(options, "bidui: 中断，%u 秒后接续\n",
				"bidui: interrupted, going on in %u s\n"),
			pause_of(*tries));
		uploading->pauses++;
		uploading->pause_tries = *tries;
		uploading->pause_until_ms =
			bd_clock_monotonic_ms() + (int64_t)pause_of(*tries) * 1000;
	}
	pthread_mutex_unlock(&uploading->lock);
}

/* -- failures -- */

static bool is_never_good(const struct bd_json *answer)
{
	(void)answer;
	return false;
}

/* Locked, as the first. */
static void end(struct bd_cli_uploading *uploading, enum bd_cli_exit result)
{
	uploading->result = result;
	pthread_cond_broadcast(&uploading->ended);
}

static enum bd_cli_exit conclude(struct bd_cli_uploading *uploading,
	const struct bd_cli_answer *answer, int wanted, enum bd_code code,
	const struct bd_diag *diag)
{
	/* Of what is no problem, and yet not what was asked for. */
	static const struct bd_cli_view other = { is_never_good, bd_cli_show_any };
	enum bd_cli_exit result;

	if (code == BD_OK && (wanted == 0 || answer->status == wanted)) {
		return BD_CLI_OK;
	}
	pthread_mutex_lock(&uploading->lock);
	if (uploading->result == BD_CLI_OK) {
		bd_cli_progress_clear(&uploading->progress);
		if (code != BD_OK) {
			bd_cli_send_tell(uploading->options, code, diag);
		}
		end(uploading, code != BD_OK ? bd_cli_send_exit(code)
					     : bd_cli_show_of_file(uploading->options, answer,
						       uploading->file->path, &other));
	}
	result = uploading->result;
	pthread_mutex_unlock(&uploading->lock);
	return result;
}

enum bd_cli_exit bd_cli_upload_fail(struct bd_cli_uploading *uploading, const char *why)
{
	enum bd_cli_exit result;

	pthread_mutex_lock(&uploading->lock);
	if (uploading->result == BD_CLI_OK) {
		bd_cli_progress_clear(&uploading->progress);
		fprintf(stderr, "bidui: %s: %s\n", uploading->file->path, why);
		end(uploading, BD_CLI_USAGE);
	}
	result = uploading->result;
	pthread_mutex_unlock(&uploading->lock);
	return result;
}

enum bd_cli_exit bd_cli_upload_ask(struct bd_cli_answer *answer, struct bd_cli_uploading *uploading,
	struct bd_cli_connection *connection, const struct bd_cli_request *request, int wanted)
{
	unsigned tries = 0, pauses = 0;

	*answer = (struct bd_cli_answer){ .status = 0 };
	while (may_try(&pauses, uploading)) {
		struct bd_diag diag = { .code = BD_OK };
		enum bd_code code = bd_cli_send_by(answer, connection, request, &diag);

		tries++;
		if (!may_come_right(code, answer) ||
			(tries >= TRIES_MAX && !uploading->options->is_resuming)) {
			return conclude(uploading, answer, wanted, code, &diag);
		}
		bd_buf_release(&answer->body);
		pause_all(uploading, &tries, pauses, code, &diag);
	}
	return uploading->result;
}
