#include "daemon/logins.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

#define STRANGERS 1024
#define WAIT_FIRST_S 30

struct place {
	char name[BD_ACCOUNT_NAME_MAX_BYTES + 1]; /* "" of strangers */
	struct bd_login_state state;
	int64_t wait_until_ms;
	bool is_kept;
	int64_t kept_until_ms;
	uint8_t kept[BD_DIGEST_BYTES];
};

struct bd_logins {
	uv_mutex_t lock;
	uv_cond_t wanted;
	uv_thread_t thread;
	bool is_stopping;
	struct bd_login *first, **last;
	size_t waiting;
	struct bd_hmac *hmac;
	size_t place_count;
	struct place places[BD_ACCOUNTS_MAX];
	struct place strangers[STRANGERS];
};

/* Of a password that was right for an account as it is. */
static enum bd_code digest(
	uint8_t out[BD_DIGEST_BYTES], const struct bd_logins *logins, const struct bd_login *login)
{
	char room[1024];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	enum bd_code code = bd_buf_add_sized(&text, bd_bytes_of(login->name));

	code = code == BD_OK ? bd_buf_add_sized(&text,
				       (struct bd_bytes){ login->password, login->password_len })
			     : code;
	code = code == BD_OK ? bd_buf_add(&text, (struct bd_bytes){ (const char *)&login->kept,
							 sizeof(login->kept) })
			     : code;
	code = code == BD_OK ? bd_hmac_of(logins->hmac, bd_buf_bytes(&text), out) : code;
	bd_wipe(room, sizeof(room));
	return code;
}

/* Under the lock. Accounts get a place when they are first asked for; there are no more of them. */
static struct place *place_of(struct bd_logins *logins, const char *name, bool is_known)
{
	uint8_t hash[BD_DIGEST_BYTES] = { 0 };

	for (size_t i = 0; i < logins->place_count; i++) {
		if (strcmp(logins->places[i].name, name) == 0) {
			return &logins->places[i];
		}
	}
	if (is_known && logins->place_count < BD_ACCOUNTS_MAX) {
		struct place *place = &logins->places[logins->place_count++];

		memcpy(place->name, name, strlen(name));
		return place;
	}
	bd_hmac_of(logins->hmac, bd_bytes_of(name), hash);
	return &logins->strangers[(hash[0] << 8 | hash[1]) % STRANGERS];
}

enum bd_login_answer bd_logins_look(
	uint32_t *wait_s, struct bd_logins *logins, const struct bd_login *login, int64_t now_ms)
{
	enum bd_login_answer answer = BD_LOGIN_ASK;
	uint8_t made[BD_DIGEST_BYTES];
	struct place *place;

	if (digest(made, logins, login) != BD_OK) {
		return BD_LOGIN_ASK;
	}
	uv_mutex_lock(&logins->lock);
	place = place_of(logins, login->name, login->is_known);
	if (now_ms < place->wait_until_ms) {
		*wait_s = (uint32_t)((place->wait_until_ms - now_ms) / 1000 + 1);
		answer = BD_LOGIN_WAIT;
	} else if (login->is_known && place->is_kept && now_ms < place->kept_until_ms &&
		   bd_equal_secret(made, place->kept, sizeof(made))) {
		answer = BD_LOGIN_RIGHT;
	}
	uv_mutex_unlock(&logins->lock);
	return answer;
}

static void note(struct bd_logins *logins, struct bd_login *login, int64_t now_ms)
{
	struct place *place = place_of(logins, login->name, login->is_known);
	struct bd_login_state *state = &place->state;

	if (login->is_right) {
		place->is_kept = digest(place->kept, logins, login) == BD_OK;
		place->kept_until_ms = now_ms + BD_LOGIN_KEPT_MS;
		state->previous_ms = state->last_ms;
		state->last_ms = now_ms;
		state->failures_before = state->failures;
		state->failures = 0;
		return;
	}
	state->failed_ms = now_ms;
	state->failures++;
	if (login->is_known) {
		bd_log(BD_LOG_WARNING, "logins", "wrong", "%s: %llu in a row", login->name,
			(unsigned long long)state->failures);
	}
	if (state->failures >= BD_LOGIN_FAILURES_MAX) {
		uint64_t more = state->failures - BD_LOGIN_FAILURES_MAX;
		int64_t wait_s = more > 5 ? BD_LOGIN_WAIT_MAX_S : (int64_t)WAIT_FIRST_S << more;

		wait_s = wait_s > BD_LOGIN_WAIT_MAX_S ? BD_LOGIN_WAIT_MAX_S : wait_s;
		place->wait_until_ms = now_ms + wait_s * 1000;
	}
}

/* What was asked while others of the same name failed is not looked at any more. */
static bool may_check(struct bd_logins *logins, const struct bd_login *login, int64_t now_ms)
{
	bool may;

	uv_mutex_lock(&logins->lock);
	may = !logins->is_stopping &&
	      now_ms >= place_of(logins, login->name, login->is_known)->wait_until_ms;
	uv_mutex_unlock(&logins->lock);
	return may;
}

static void check(struct bd_logins *logins, struct bd_login *login)
{
	struct bd_bytes password = { login->password, login->password_len };
	bool is_right = false, is_checked = may_check(logins, login, bd_clock_wall_ms());

	if (is_checked) {
		bd_password_check(&is_right, &login->kept, password);
	}
	login->is_right = is_right && login->is_known;
	if (is_checked) {
		uv_mutex_lock(&logins->lock);
		note(logins, login, bd_clock_wall_ms());
		uv_mutex_unlock(&logins->lock);
	}
	bd_wipe(login->password, sizeof(login->password));
	bd_mailbox_post(login->home, &login->letter);
}

static struct bd_login *take(struct bd_logins *logins)
{
	struct bd_login *login;

	uv_mutex_lock(&logins->lock);
	while (logins->first == NULL && !logins->is_stopping) {
		uv_cond_wait(&logins->wanted, &logins->lock);
	}
	login = logins->first;
	if (login != NULL) {
		logins->first = login->next;
		logins->last = logins->first == NULL ? &logins->first : logins->last;
		logins->waiting--;
	}
	uv_mutex_unlock(&logins->lock);
	return login;
}

static void run(void *state)
{
	struct bd_logins *logins = state;
	struct bd_login *login;

	bd_thread_begin("logins", BD_THREAD_GIVES_WAY);
	while ((login = take(logins)) != NULL) {
		check(logins, login);
	}
}

enum bd_code bd_logins_ask(struct bd_logins *logins, struct bd_login *login)
{
	enum bd_code code = BD_OK;

	uv_mutex_lock(&logins->lock);
	if (logins->waiting >= BD_LOGINS_WAITING_MAX || logins->is_stopping) {
		code = BD_BUSY;
	} else {
		login->next = NULL;
		*logins->last = login;
		logins->last = &login->next;
		logins->waiting++;
		uv_cond_signal(&logins->wanted);
	}
	uv_mutex_unlock(&logins->lock);
	return code;
}

void bd_logins_state(struct bd_login_state *out, struct bd_logins *logins, const char *name)
{
	uv_mutex_lock(&logins->lock);
	*out = place_of(logins, name, true)->state;
	uv_mutex_unlock(&logins->lock);
}

enum bd_code bd_logins_start(struct bd_logins **out)
{
	struct bd_logins *logins = calloc(1, sizeof(*logins));
	uint8_t key[BD_DIGEST_BYTES];
	enum bd_code code = bd_random(key, sizeof(key));

	if (logins == NULL) {
		return BD_NO_MEMORY;
	}
	logins->last = &logins->first;
	code = code == BD_OK ? bd_hmac_new(&logins->hmac,
				       (struct bd_bytes){ (const char *)key, sizeof(key) })
			     : code;
	bd_wipe(key, sizeof(key));
	if (code != BD_OK || uv_mutex_init(&logins->lock) != 0 ||
		uv_cond_init(&logins->wanted) != 0 ||
		uv_thread_create(&logins->thread, run, logins) != 0) {
		bd_hmac_free(logins->hmac);
		free(logins);
		return code == BD_OK ? BD_NO_MEMORY : code;
	}
	*out = logins;
	return BD_OK;
}

void bd_logins_stop(struct bd_logins *logins)
{
	if (logins == NULL) {
		return;
	}
	uv_mutex_lock(&logins->lock);
	logins->is_stopping = true;
	uv_cond_signal(&logins->wanted);
	uv_mutex_unlock(&logins->lock);
	uv_thread_join(&logins->thread);
	uv_cond_destroy(&logins->wanted);
	uv_mutex_destroy(&logins->lock);
	bd_hmac_free(logins->hmac);
	bd_wipe(logins, sizeof(*logins));
	free(logins);
}
