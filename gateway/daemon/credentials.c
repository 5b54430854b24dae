#include "daemon/credentials.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "daemon/refused.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
/* How often a reason is said in the log, and an alarm that stays. */
#define TELL_MS 10000
#define FILES 5

/* What of a file changes when it does; all zero = it is not there. */
struct look {
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

struct bd_credentials {
	struct bd_daemon *daemon;
	struct bd_setup *setup;
	uv_timer_t timer;
	struct look seen[FILES], taken[FILES];
	int64_t alarmed_ms[BD_TLS_ALARMS]; /* when the log last said so; 0 = all is well */
	bool is_refused, is_closing;
	uv_mutex_t lock;
	/* under lock */
	struct bd_http_identity *identity;
	struct bd_credentials_report report;
};

static struct bd_http_tls_settings settings_of(const struct bd_settings *settings)
{
	return (struct bd_http_tls_settings){ .cert = settings->tls_certificate,
		.key = settings->tls_key,
		.ca = settings->tls_ca,
		.crl = settings->tls_crl,
		.deny = settings->deny_list_file,
		.crl_grace_ms = (int64_t)settings->crl_unavailable * HOUR_MS,
		.is_client_required = settings->tls_clients == BD_TLS_CLIENTS_REQUIRED };
}

static bool speaks_tls(const struct bd_settings *settings)
{
	return settings->listen != NULL || settings->listen_proxy != NULL;
}

enum bd_code bd_credentials_check(const struct bd_setup *setup, struct bd_diag *diag)
{
	const struct bd_http_tls_settings settings = settings_of(setup->settings);
	struct bd_http_identity *identity = NULL;
	enum bd_code code = BD_OK;

	if (speaks_tls(setup->settings)) {
		code = bd_http_identity_load(&identity, &settings, diag);
		bd_http_identity_unref(identity);
	}
	return code;
}

/* -- looking at the files -- */

static void look_at(struct look *look, const char *path)
{
	struct stat file;

	*look = (struct look){ .inode = 0 };
	if (path != NULL && stat(path, &file) == 0) {
		*look = (struct look){ .device = file.st_dev,
			.inode = file.st_ino,
			.size = (uint64_t)file.st_size,
			.modified_ns =
				file.st_mtim.tv_sec * INT64_C(1000000000) + file.st_mtim.tv_nsec,
			.changed_ns =
				file.st_ctim.tv_sec * INT64_C(1000000000) + file.st_ctim.tv_nsec };
	}
}

static void look_at_all(struct look looks[FILES], const struct bd_settings *settings)
{
	const char *const paths[FILES] = { settings->tls_certificate, settings->tls_key,
		settings->tls_ca, settings->tls_crl, settings->deny_list_file };

	for (size_t i = 0; i < FILES; i++) {
		look_at(&looks[i], paths[i]);
	}
}

/* -- alarms -- */

static void say(const struct bd_code_info *info, bool is_alarm)
{
	bd_log(is_alarm ? BD_LOG_WARNING : BD_LOG_INFO, "tls", is_alarm ? "alarm" : "alarm.over",
		"%s: %s %s. %s %s", info->text, info->zh, info->en, is_alarm ? info->hint_zh : "",
		is_alarm ? info->hint_en : "");
}

/* Once when it begins, once a day while it stays, once when it is over. */
static void tell_alarms(struct bd_credentials *credentials, const bool alarms[BD_TLS_ALARMS])
{
	int64_t now_ms = bd_clock_monotonic_ms() + 1;

	for (size_t i = 0; i < BD_TLS_ALARMS; i++) {
		const struct bd_code_info *info =
			bd_code_info((enum bd_code)(BD_TLS_OWN_EXPIRES + (int)i));
		int64_t *told_ms = &credentials->alarmed_ms[i];

		if (alarms[i] && (*told_ms == 0 || now_ms - *told_ms >= DAY_MS)) {
			*told_ms = now_ms;
			say(info, true);
		} else if (!alarms[i] && *told_ms != 0) {
			*told_ms = 0;
			say(info, false);
		}
	}
}

static bool is_near(int64_t until_ms, int64_t now_ms, int64_t before_ms)
{
	return until_ms != INT64_MAX && until_ms - now_ms < before_ms;
}

static void find_alarms(bool alarms[BD_TLS_ALARMS], const struct bd_credentials *credentials,
	const struct bd_http_tls_report *report, int64_t now_ms)
{
	int64_t before_ms = (int64_t)credentials->setup->settings->certificate_alarm_days * DAY_MS;
	bool is_expired = is_near(report->own_until_ms, now_ms, 0);
	bool is_crl_expired = is_near(report->crl_until_ms, now_ms, 0);

	alarms[BD_TLS_OWN_EXPIRED - BD_TLS_OWN_EXPIRES] = is_expired;
	alarms[0] = !is_expired && is_near(report->own_until_ms, now_ms, before_ms);
	alarms[BD_TLS_CA_EXPIRES - BD_TLS_OWN_EXPIRES] =
		is_near(report->ca_until_ms, now_ms, before_ms);
	alarms[BD_TLS_CRL_EXPIRED - BD_TLS_OWN_EXPIRES] = is_crl_expired;
	alarms[BD_TLS_CRL_EXPIRES - BD_TLS_OWN_EXPIRES] = !is_crl_expired && report->is_crl_due;
	alarms[BD_TLS_CRL_LOST - BD_TLS_OWN_EXPIRES] = report->crl_lost_ms != 0;
	alarms[BD_TLS_FILES_REFUSED - BD_TLS_OWN_EXPIRES] = credentials->is_refused;
}

static void report_anew(struct bd_credentials *credentials)
{
	struct bd_credentials_report report = { .has_crl = credentials->setup->settings->tls_crl !=
							   NULL };
	int64_t now_ms = bd_clock_wall_ms();

	bd_http_identity_report(&report.tls, credentials->identity, now_ms);
	find_alarms(report.alarms, credentials, &report.tls, now_ms);
	tell_alarms(credentials, report.alarms);
	uv_mutex_lock(&credentials->lock);
	credentials->report = report;
	uv_mutex_unlock(&credentials->lock);
}

/* -- reading them -- */

static void post(struct bd_daemon *daemon)
{
	for (size_t i = 0; i < daemon->loop_count; i++) {
		struct bd_loop *loop = &daemon->loops[i];

		if (loop->tls != NULL &&
			!__atomic_exchange_n(&loop->is_tls_posted, true, __ATOMIC_ACQ_REL)) {
			bd_mailbox_post(&loop->mailbox, &loop->tls_letter);
		}
	}
}

static enum bd_code read_files(struct bd_credentials *credentials, struct bd_diag *diag)
{
	struct bd_http_tls_settings settings = settings_of(credentials->setup->settings);
	struct bd_http_identity *old = credentials->identity, *identity = NULL;
	enum bd_code code;

	settings.before = old;
	code = bd_http_identity_load(&identity, &settings, diag);
	credentials->is_refused = code != BD_OK;
	if (code != BD_OK) {
		return code;
	}
	uv_mutex_lock(&credentials->lock);
	credentials->identity = identity;
	uv_mutex_unlock(&credentials->lock);
	bd_http_identity_unref(old);
	return BD_OK;
}

static void read_again(struct bd_credentials *credentials)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_http_tls_report report;

	if (read_files(credentials, &diag) == BD_OK) {
		post(credentials->daemon);
		bd_http_identity_report(&report, credentials->identity, bd_clock_wall_ms());
		bd_log(BD_LOG_INFO, "tls", "files.read", "revocation lists %zu, denied %zu",
			report.crl_count, report.deny_count);
	}
	if (diag.code != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "tls", "files.refused", &diag);
		bd_refused_enter(credentials->daemon, "certificates", &diag);
	}
}

static void on_look(uv_timer_t *timer)
{
	struct bd_credentials *credentials = timer->data;
	struct look now[FILES];

	look_at_all(now, credentials->setup->settings);
	if (memcmp(now, credentials->taken, sizeof(now)) != 0 &&
		memcmp(now, credentials->seen, sizeof(now)) == 0) {
		memcpy(credentials->taken, now, sizeof(now));
		read_again(credentials);
	}
	memcpy(credentials->seen, now, sizeof(now));
	report_anew(credentials);
}

void bd_credentials_reload(struct bd_credentials *credentials, struct bd_setup *setup)
{
	struct bd_setup *old;

	if (credentials == NULL) {
		return;
	}
	old = credentials->setup;
	credentials->setup = bd_setup_ref(setup);
	bd_setup_unref(old);
	look_at_all(credentials->taken, setup->settings);
	memcpy(credentials->seen, credentials->taken, sizeof(credentials->seen));
	read_again(credentials);
	report_anew(credentials);
}

/* -- its life -- */

enum bd_code bd_credentials_start(struct bd_credentials **out, struct bd_daemon *daemon,
	struct bd_setup *setup, struct uv_loop_s *uv, struct bd_diag *diag)
{
	struct bd_credentials *credentials;
	enum bd_code code;

	if (!speaks_tls(setup->settings)) {
		return BD_OK;
	}
	credentials = calloc(1, sizeof(*credentials));
	if (credentials == NULL || uv_mutex_init(&credentials->lock) != 0) {
		free(credentials);
		return bd_fail(diag, BD_NO_MEMORY, "certificates");
	}
	credentials->daemon = daemon;
	credentials->setup = bd_setup_ref(setup);
	look_at_all(credentials->taken, setup->settings);
	memcpy(credentials->seen, credentials->taken, sizeof(credentials->seen));
	code = read_files(credentials, diag);
	if (code != BD_OK) {
		bd_credentials_free(credentials);
		return code;
	}
	report_anew(credentials);
	credentials->timer.data = credentials;
	uv_timer_init(uv, &credentials->timer);
	uv_timer_start(&credentials->timer, on_look, BD_HTTP_FILES_LOOK_MS, BD_HTTP_FILES_LOOK_MS);
	*out = credentials;
	return BD_OK;
}

void bd_credentials_close(struct bd_credentials *credentials)
{
	if (credentials != NULL && !credentials->is_closing) {
		credentials->is_closing = true;
		uv_close((uv_handle_t *)&credentials->timer, NULL);
	}
}

void bd_credentials_free(struct bd_credentials *credentials)
{
	if (credentials != NULL) {
		bd_http_identity_unref(credentials->identity);
		bd_setup_unref(credentials->setup);
		uv_mutex_destroy(&credentials->lock);
		free(credentials);
	}
}

struct bd_http_identity *bd_credentials_take(struct bd_credentials *credentials)
{
	struct bd_http_identity *identity;

	uv_mutex_lock(&credentials->lock);
	identity = bd_http_identity_ref(credentials->identity);
	uv_mutex_unlock(&credentials->lock);
	return identity;
}

void bd_credentials_report(struct bd_credentials_report *out, struct bd_credentials *credentials)
{
	uv_mutex_lock(&credentials->lock);
	*out = credentials->report;
	uv_mutex_unlock(&credentials->lock);
}

/* -- handshakes -- */

static void tell_refused(struct bd_secured_counts *counts, const struct bd_http_secured *secured)
{
	const struct bd_code_info *info = bd_code_info(secured->code);
	size_t reason = secured->code - BD_TLS_EXPIRED;
	int64_t *told_ms = &counts->told_ms[secured->was_open][reason];
	uint64_t *untold = &counts->untold[secured->was_open][reason];
	int64_t now_ms = bd_clock_monotonic_ms();

	if (*told_ms != 0 && now_ms - *told_ms < TELL_MS) {
		(*untold)++;
		return;
	}
	bd_log(BD_LOG_WARNING, "tls", secured->was_open ? "closed" : "refused",
		"%s: %s %s. %s %s serial=%s untold=%" PRIu64, info->text, info->zh, info->en,
		info->hint_zh, info->hint_en, secured->serial[0] != '\0' ? secured->serial : "-",
		*untold);
	*told_ms = now_ms;
	*untold = 0;
}

void bd_credentials_count(struct bd_secured_counts *counts, const struct bd_http_secured *secured)
{
	if (secured->code == BD_OK) {
		bd_count(&counts->handshakes, 1);
		if (secured->is_resumed) {
			bd_count(&counts->resumed, 1);
		}
		return;
	}
	if (secured->was_open) {
		bd_count(&counts->closed, 1);
	}
	if (secured->code >= BD_TLS_EXPIRED && secured->code <= BD_TLS_CLIENT_REFUSED) {
		bd_count(&counts->refused[secured->code - BD_TLS_EXPIRED], 1);
		tell_refused(counts, secured);
	}
}
