/* info.c - what biduid says of itself: health, figures, coverage, its contract. */
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/alarms.h"
#include "daemon/document.h"
#include "daemon/folders.h"
#include "daemon/quota.h"
#include "daemon/routes.h"
#include "daemon/sources_show.h"
#include "daemon/uses.h"
#include "daemon/witness.h"
#include "daemon/witness_file.h"
#include "store/obligations.h"
#include "store/reseal.h"
#include "store/watches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX_BYTES 8388608

void bd_livez_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)loop;
	(void)sender;
	(void)parts;
	bd_document_respond(exchange, "text/plain", "", bd_bytes_of("ok\n"));
}

/* -- figures -- */

struct figure {
	const char *name, *help, *type;
	uint64_t value;
};

static uint64_t sum(const struct bd_daemon *daemon, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < daemon->loop_count; i++) {
		const char *counts = (const char *)&daemon->loops[i].counts;

		total += __atomic_load_n(
			(const uint64_t *)(const void *)(counts + offset), __ATOMIC_RELAXED);
	}
	return total;
}

#define SUM(member) sum(daemon, offsetof(struct bd_loop_counts, member))
#define POOLS(member) (SUM(short_pool.member) + SUM(long_pool.member))

/* How long what has an end still counts; of what is not there, or has no end, there is no figure.
 */
static enum bd_code write_left(
	struct bd_buf *out, const char *name, const char *help, int64_t until_ms, int64_t now_ms)
{
	uint64_t left_s = until_ms > now_ms ? (uint64_t)(until_ms - now_ms) / 1000 : 0;

	return until_ms == INT64_MAX
		       ? BD_OK
		       : bd_buf_printf(out,
				 "# HELP %s %s; 0 = it has\n# TYPE %s gauge\n%s %" PRIu64 "\n",
				 name, help, name, name, left_s);
}

/* Handshakes that failed, and connections that were closed, by the stable code of the reason. */
static enum bd_code write_refusals(struct bd_buf *out, const struct bd_daemon *daemon)
{
	static const char name[] = "bidui_tls_refused_total";
	enum bd_code code = bd_buf_printf(out,
		"# HELP %s handshakes that failed and certificates refused later\n"
		"# TYPE %s counter\n",
		name, name);

	for (size_t i = 0; i < BD_TLS_REASONS && code == BD_OK; i++) {
		code = bd_buf_printf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name,
			bd_code_info((enum bd_code)(BD_TLS_EXPIRED + (int)i))->text,
			sum(daemon, offsetof(struct bd_loop_counts, secured.refused) +
					    i * sizeof(uint64_t)));
	}
	return code;
}

static enum bd_code write_alarms(struct bd_buf *out, const struct bd_credentials_report *tls)
{
	static const char name[] = "bidui_tls_alarm";
	enum bd_code code =
		bd_buf_printf(out, "# HELP %s 1: see the log\n# TYPE %s gauge\n", name, name);

	for (size_t i = 0; i < BD_TLS_ALARMS && code == BD_OK; i++) {
		code = bd_buf_printf(out, "%s{alarm=\"%s\"} %d\n", name,
			bd_code_info((enum bd_code)(BD_TLS_OWN_EXPIRES + (int)i))->text,
			tls->alarms[i] ? 1 : 0);
	}
	return code;
}

static enum bd_code write_figures(struct bd_buf *out, const struct bd_loop *loop)
{
	const struct bd_daemon *daemon = loop->daemon;
	struct bd_store_counts store = { 0 };
	struct bd_owed_counts owed = { 0 };
	struct bd_notifier_counts webhooks;
	struct bd_set_aside_counts aside;
	struct bd_witness_counts witnessed;
	struct bd_witness_file_state file;
	struct bd_trail_counts trail;
	struct bd_reseal_state keys;
	uint64_t commits, messages;
	struct bd_credentials_report tls = { .tls = { .own_until_ms = INT64_MAX,
						     .crl_until_ms = INT64_MAX } };
	int64_t now_ms = bd_clock_wall_ms();
	enum bd_code code = BD_OK;

	if (daemon->credentials != NULL) {
		bd_credentials_report(&tls, daemon->credentials);
	}
	bd_writer_counts(daemon->writer, &commits, &messages);
	bd_set_aside_count(&aside, daemon->aside);
	bd_trail_count(&trail, daemon->trail);
	bd_store_reseal_state(&keys, daemon->store);
	bd_notifier_counts(&webhooks, daemon->notifier);
	bd_witness_count(&witnessed, daemon->witness);
	bd_witness_file_state(&file, daemon->witness_file, bd_clock_monotonic_ms());
	if (bd_store_begin(loop->reader, NULL) == BD_OK) {
		bd_store_counts(&store, loop->reader, NULL);
		bd_owed_count(&owed, loop->reader, bd_day_at(now_ms), NULL);
		bd_store_end(loop->reader);
	}
	const struct figure figures[] = {
		{ "bidui_requests_total", "requests", "counter", SUM(requests) },
		{ "bidui_requests_refused_total", "requests answered with a problem", "counter",
			SUM(refused) },
		{ "bidui_pushes_total", "messages stored", "counter", SUM(pushes) },
		{ "bidui_records_received_total", "native records", "counter",
			SUM(records_received) },
		{ "bidui_records_rejected_total", "native records rejected", "counter",
			SUM(records_rejected) },
		{ "bidui_compares_total", "cases compared", "counter", SUM(compares) },
		{ "bidui_cases_waiting", "of them waiting for departments now", "gauge",
			__atomic_load_n(&daemon->cases_waiting, __ATOMIC_RELAXED) },
		{ "bidui_cases_busy_total", "refused because cases_waiting_max waited", "counter",
			SUM(look_ups_busy) },
		{ "bidui_cases_left_total", "whose client was gone before the answer", "counter",
			SUM(look_ups_left) },
		{ "bidui_elements_withheld_total",
			"elements withheld because the approved use of a feed is not in force",
			"counter", SUM(elements_withheld) },
		{ "bidui_feeds_withheld", "feeds of which no approved use is in force", "gauge",
			bd_uses_lapsed(loop->setup, bd_day_at(now_ms)) },
		{ "bidui_queries_total", "subjects queried", "counter", SUM(queries) },
		{ "bidui_commits_total", "store commits", "counter", commits },
		{ "bidui_commit_messages_total", "messages in these commits", "counter", messages },
		{ "bidui_workers", "processes that parse messages", "gauge", POOLS(workers) },
		{ "bidui_workers_busy", "of them busy", "gauge", POOLS(busy) },
		{ "bidui_workers_died_total", "that ended by themselves", "counter", POOLS(died) },
		{ "bidui_workers_timed_out_total", "ended for taking too long", "counter",
			POOLS(timed_out) },
		{ "bidui_workers_forbidden_total", "ended for a system call that no parser needs",
			"counter", POOLS(forbidden) },
		{ "bidui_workers_swollen_total", "ended for wanting too much memory", "counter",
			POOLS(swollen) },
		{ "bidui_messages_set_aside", "messages that cost three workers", "gauge",
			aside.items },
		{ "bidui_messages_set_aside_refused_total", "times that these came again",
			"counter", aside.refused },
		{ "bidui_store_subjects", "nodes in the store", "gauge", store.subjects },
		{ "bidui_store_long_running", "long messages accepted and not yet applied", "gauge",
			store.long_running },
		{ "bidui_store_long_failed", "long messages that cannot be applied", "gauge",
			store.long_failed },
		{ "bidui_store_map_used_bytes", "bytes of the map in use", "gauge",
			store.map_used_bytes },
		{ "bidui_store_free_bytes", "free bytes of its file system", "gauge",
			store.free_bytes },
		{ "bidui_obligations_owed", "obligations that are not met", "gauge",
			owed.owed_applicant + owed.owed_agency },
		{ "bidui_obligations_overdue", "of them past their due day", "gauge",
			owed.overdue_applicant + owed.overdue_agency },
		{ "bidui_trail_entries", "entries written to the trail", "gauge", trail.entries },
		{ "bidui_trail_entries_synced", "of them on the disk", "gauge", trail.synced },
		{ "bidui_trail_entries_signed", "of them under a signed head", "gauge",
			trail.leaves },
		{ "bidui_trail_heads", "signed heads", "gauge", trail.heads },
		{ "bidui_trail_head_age_seconds", "since the newest head", "gauge",
			(uint64_t)(now_ms > trail.head_ms ? now_ms - trail.head_ms : 0) / 1000 },
		{ "bidui_trail_low", "1: only the reserve of space is left, pushes are refused",
			"gauge", bd_trail_is_low(daemon->trail) },
		{ "bidui_key_epoch", "epoch of the master key that is sealed under", "gauge",
			keys.epoch },
		{ "bidui_key_epochs_needed", "epochs that something may be sealed under", "gauge",
			keys.needed_count },
		{ "bidui_reseal_done", "rows and case files looked at to be sealed anew", "gauge",
			keys.done },
		{ "bidui_reseal_total", "of so many", "gauge", keys.total },
		{ "bidui_reseal_damaged", "of them that cannot be opened", "gauge", keys.damaged },
		{ "bidui_trail_witnesses", "second parties that countersign heads", "gauge",
			witnessed.expected },
		{ "bidui_trail_witness_age_seconds", "since the newest countersignature", "gauge",
			witnessed.newest_ms == 0 || witnessed.newest_ms > now_ms
				? 0
				: (uint64_t)(now_ms - witnessed.newest_ms) / 1000 },
		{ "bidui_trail_witness_file_failing", "1: no head can be written to witness_file",
			"gauge", file.is_failing },
		{ "bidui_trail_witness_file_lines_total", "heads written to witness_file",
			"counter", file.lines },
		{ "bidui_trail_witness_overdue",
			"1: no countersignature for longer than witness_age_max_s", "gauge",
			bd_witness_is_overdue(
				&witnessed, loop->setup->settings->witness_age_max_s, now_ms) },
		{ "bidui_watches", "events of cases whose data changed", "gauge",
			bd_store_watch_last(daemon->store) },
		{ "bidui_webhook_requests_total", "webhook requests that were taken", "counter",
			webhooks.sent },
		{ "bidui_webhook_events_total", "events in them", "counter", webhooks.events },
		{ "bidui_webhook_failures_total", "webhook requests that were not taken", "counter",
			webhooks.failures },
		{ "bidui_tls_handshakes_total", "TLS handshakes that came to their end", "counter",
			SUM(secured.handshakes) },
		{ "bidui_tls_resumed_total", "of them from a session before", "counter",
			SUM(secured.resumed) },
		{ "bidui_tls_closed_total",
			"open connections closed because their certificate is refused by now",
			"counter", SUM(secured.closed) },
		{ "bidui_uptime_seconds", "since the start", "gauge",
			(uint64_t)(now_ms - daemon->started_ms) / 1000 },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]) && code == BD_OK; i++) {
		code = bd_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n",
			figures[i].name, figures[i].help, figures[i].name, figures[i].type,
			figures[i].name, figures[i].value);
	}
	code = code == BD_OK
		       ? write_left(out, "bidui_tls_certificate_left_seconds",
				 "until our certificate expires", tls.tls.own_until_ms, now_ms)
		       : code;
	code = code == BD_OK ? write_left(out, "bidui_tls_crl_left_seconds",
				       "until the first revocation list expires",
				       tls.tls.crl_until_ms, now_ms)
			     : code;
	code = code == BD_OK ? write_refusals(out, daemon) : code;
	return code == BD_OK ? write_alarms(out, &tls) : code;
}

/* A value of a label, as the text format has it. */
static enum bd_code add_label(struct bd_buf *out, const char *text)
{
	enum bd_code code = BD_OK;

	for (; *text != '\0' && code == BD_OK; text++) {
		code = *text == '"' || *text == '\\' ? bd_buf_add_byte(out, '\\') : BD_OK;
		code = code == BD_OK ? bd_buf_add_byte(out, *text) : code;
	}
	return code;
}

/* Of each sender that was ever refused; no label says whom it asked about. */
static enum bd_code write_limited(struct bd_buf *out, const struct bd_setup *setup)
{
	static const char *const names[] = { [BD_QUOTA_REQUESTS] = "requests",
		[BD_QUOTA_LINES] = "lines",
		[BD_QUOTA_SUBJECTS] = "subjects",
		[BD_QUOTA_VALUES] = "values" };
	enum bd_code code = bd_buf_add_text(out,
		"# HELP bidui_limited_total asked too much, by sender and limit\n"
		"# TYPE bidui_limited_total counter\n");

	for (size_t i = 0; i < setup->senders->count * BD_QUOTA_KINDS && code == BD_OK; i++) {
		size_t sender = i / BD_QUOTA_KINDS, kind = i % BD_QUOTA_KINDS;
		uint64_t count = bd_quota_refused(
			bd_quotas_of(setup->quotas, sender), (enum bd_quota_kind)kind);

		if (count == 0) {
			continue;
		}
		code = bd_buf_add_text(out, "bidui_limited_total{sender=\"");
		code = code == BD_OK ? add_label(out, setup->senders->items[sender].name) : code;
		code = code == BD_OK ? bd_buf_printf(out, "\",limit=\"%s\"} %" PRIu64 "\n",
					       names[kind], count)
				     : code;
	}
	return code;
}

void bd_metrics_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_buf body;

	(void)sender;
	(void)parts;
	bd_buf_init(&body, BODY_MAX_BYTES);
	if (write_figures(&body, loop) == BD_OK && write_limited(&body, loop->setup) == BD_OK &&
		bd_folders_figures(&body, loop->daemon->folders) == BD_OK &&
		bd_sources_figures(&body, loop->daemon) == BD_OK &&
		bd_alarms_figures(&body, loop->daemon->alarms) == BD_OK) {
		bd_document_respond(exchange, "text/plain; version=0.0.4", "", bd_buf_bytes(&body));
	} else {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
	}
	bd_buf_release(&body);
}

/* -- what the store holds -- */

static const char *state_name(enum bd_coverage_state state)
{
	static const char *const names[] = { [BD_COVERAGE_NONE] = "none",
		[BD_COVERAGE_GAP] = "gap",
		[BD_COVERAGE_SUBJECT] = "subject",
		[BD_COVERAGE_FEED] = "feed" };

	return names[state];
}

/* How far each sender with a webhook has been told; an operator sees all, others themselves. */
static void write_webhooks(
	struct bd_json_writer *w, const struct bd_loop *loop, const struct bd_sender *asker)
{
	const struct bd_senders *senders = loop->setup->senders;

	bd_jw_array(w, "webhooks");
	for (size_t i = 0; i < senders->count; i++) {
		const struct bd_sender *sender = &senders->items[i];
		struct bd_notifier_state state = { 0 };

		if (sender->webhook_url == NULL ||
			(!bd_access_has(asker, BD_SENDER_OPERATOR) &&
				strcmp(asker->name, sender->name) != 0)) {
			continue;
		}
		bd_notifier_state(&state, loop->daemon->notifier, sender->name);
		bd_jw_object(w, NULL);
		bd_jw_text(w, "sender", sender->name);
		bd_jw_u64(w, "told", state.told);
		bd_jw_u64(w, "failures", state.failures);
		if (state.failures > 0 && state.why != NULL) {
			bd_jw_text(w, "code", state.why->text);
		}
		if (state.status != 0) {
			bd_jw_i64(w, "status", state.status);
		}
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* What ended processes, for the operator alone: a message may be hostile, or a parser at fault. */
static void write_workers(struct bd_json_writer *w, const struct bd_loop *loop)
{
	const struct bd_daemon *daemon = loop->daemon;
	struct bd_set_aside_item items[BD_SET_ASIDE_MAX];
	size_t count = bd_set_aside_list(items, BD_SET_ASIDE_MAX, daemon->aside);

	bd_jw_object(w, "workers");
	bd_jw_u64(w, "count", POOLS(workers));
	bd_jw_u64(w, "busy", POOLS(busy));
	bd_jw_u64(w, "died", POOLS(died));
	bd_jw_u64(w, "timed_out", POOLS(timed_out));
	bd_jw_u64(w, "forbidden", POOLS(forbidden));
	bd_jw_u64(w, "swollen", POOLS(swollen));
	bd_jw_object_end(w);
	bd_jw_array(w, "set_aside");
	for (size_t i = 0; i < count; i++) {
		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", items[i].source);
		bd_jw_text(w, "feed", items[i].feed);
		bd_jw_text(w, "sender", items[i].sender);
		bd_jw_text(w, "code", bd_code_info(items[i].why)->text);
		bd_jw_u64(w, "bytes", items[i].part.bytes);
		bd_jw_u64(w, "losses", items[i].losses);
		bd_jw_u64(w, "refused", items[i].refused);
		bd_jw_time(w, "first", items[i].first_ms);
		bd_jw_time(w, "last", items[i].last_ms);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* Of all senders: numbers alone. */
static enum bd_code write_owed(struct bd_document *document, int32_t today)
{
	struct bd_json_writer *w = &document->json;
	struct bd_owed_counts counts;
	enum bd_code code = bd_owed_count(&counts, document->loop->reader, today, &document->diag);

	if (code == BD_OK) {
		bd_jw_object(w, "obligations");
		bd_jw_u64(w, "owed_applicant", counts.owed_applicant);
		bd_jw_u64(w, "owed_agency", counts.owed_agency);
		bd_jw_u64(w, "overdue_applicant", counts.overdue_applicant);
		bd_jw_u64(w, "overdue_agency", counts.overdue_agency);
		bd_jw_object_end(w);
	}
	return code;
}

/* Under which epoch is sealed, which others are still needed, and how far the sealing anew is. */
static void write_keys(struct bd_json_writer *w, const struct bd_loop *loop)
{
	struct bd_reseal_state state;

	bd_store_reseal_state(&state, loop->daemon->store);
	bd_jw_object(w, "keys");
	bd_jw_u64(w, "epoch", state.epoch);
	bd_jw_text(w, "sealing", bd_sealing_name(state.sealing));
	bd_jw_text(w, "blinding", bd_blinding_name(state.blinding));
	bd_jw_array(w, "needed");
	for (size_t i = 0; i < state.needed_count; i++) {
		bd_jw_u64(w, NULL, state.needed[i]);
	}
	bd_jw_array_end(w);
	if (state.waits != BD_RESEAL_NOTHING) {
		bd_jw_object(w, "resealing");
		bd_jw_text(w, "waits_for", bd_reseal_wait_name(state.waits));
		bd_jw_u64(w, "done", state.done);
		bd_jw_u64(w, "total", state.total);
		bd_jw_u64(w, "damaged", state.damaged);
		bd_jw_object_end(w);
	}
	bd_jw_object_end(w);
}

static void write_witnesses(struct bd_json_writer *w, const struct bd_loop *loop, int64_t now_ms)
{
	struct bd_witness_counts counts;
	struct bd_witness_file_state file;

	bd_witness_count(&counts, loop->daemon->witness);
	bd_jw_object(w, "trail");
	bd_jw_bool(w, "witness_overdue",
		bd_witness_is_overdue(&counts, loop->setup->settings->witness_age_max_s, now_ms));
	bd_witness_write(w, "witnesses", loop->daemon->witness);
	bd_witness_file_state(&file, loop->daemon->witness_file, bd_clock_monotonic_ms());
	if (file.is_there) {
		bd_jw_object(w, "witness_file");
		bd_jw_bool(w, "failing", file.is_failing);
		bd_jw_u64(w, "lines", file.lines);
		bd_jw_u64(w, "failures", file.failures);
		if (file.written_ms != 0) {
			bd_jw_time(w, "written_at", file.written_ms);
		}
		bd_jw_object_end(w);
	}
	bd_jw_object_end(w);
}

/* Of an operator's: what expires when, and what is wrong with it. */
static void write_tls(
	struct bd_json_writer *w, const struct bd_loop *loop, const struct bd_sender *asker)
{
	struct bd_credentials_report report;

	if (loop->daemon->credentials == NULL || !bd_access_has(asker, BD_SENDER_OPERATOR)) {
		return;
	}
	bd_credentials_report(&report, loop->daemon->credentials);
	bd_jw_object(w, "tls");
	bd_jw_time(w, "certificate_until", report.tls.own_until_ms);
	bd_jw_time(w, "authorities_until", report.tls.ca_until_ms);
	bd_jw_time(w, "crl_until", report.tls.crl_count > 0 ? report.tls.crl_until_ms : 0);
	bd_jw_u64(w, "denied", report.tls.deny_count);
	bd_jw_array(w, "alarms");
	for (size_t i = 0; i < BD_TLS_ALARMS; i++) {
		if (report.alarms[i]) {
			bd_jw_text(w, NULL,
				bd_code_info((enum bd_code)(BD_TLS_OWN_EXPIRES + (int)i))->text);
		}
	}
	bd_jw_array_end(w);
	bd_jw_object_end(w);
}

static void write_alarm_list(struct bd_json_writer *w, struct bd_alarms *alarms)
{
	struct bd_alarm *list = calloc(BD_ALARMS_MAX, sizeof(*list));

	bd_alarms_write(
		w, list, list != NULL ? bd_alarms_list(list, BD_ALARMS_MAX, NULL, alarms) : 0);
	free(list);
}

struct status_asker {
	const struct bd_sender *sender;
};

static enum bd_code write_states(struct bd_document *document, void *given)
{
	const struct status_asker *asker = given;
	const struct bd_loop *loop = document->loop;
	struct bd_json_writer *w = &document->json;
	const struct bd_feed_state *states;
	int64_t now_ms = bd_clock_wall_ms();
	size_t count;
	enum bd_code code =
		bd_store_states(&states, &count, loop->reader, &document->arena, &document->diag);

	if (code != BD_OK) {
		return code;
	}
	bd_jw_object(w, NULL);
	bd_jw_time(w, "at", now_ms);
	bd_jw_array(w, "feeds");
	for (size_t i = 0; i < count; i++) {
		const struct bd_entity *entity =
			bd_dictionary_entity_number(loop->setup->dict, states[i].entity);

		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", states[i].source);
		bd_jw_text(w, "feed", states[i].feed);
		bd_jw_text(w, "section", states[i].section);
		bd_jw_text(w, "entity", entity != NULL ? entity->name : "");
		bd_jw_text(w, "label_zh", entity != NULL ? entity->label_zh : "");
		bd_jw_text(w, "coverage", state_name(states[i].state));
		bd_jw_time(w, "complete_through", states[i].complete_through_ms);
		bd_jw_time(w, "last_received", states[i].last_received_ms);
		if (states[i].last_received_ms != 0) {
			bd_jw_i64(w, "age_s", (now_ms - states[i].last_received_ms) / 1000);
		} else {
			bd_jw_null(w, "age_s");
		}
		bd_jw_u64(w, "messages", states[i].messages);
		bd_jw_u64(w, "records", states[i].records);
		bd_jw_u64(w, "rejects", states[i].rejects);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
	bd_uses_write(w, loop->setup, bd_day_at(now_ms));
	code = write_owed(document, bd_day_at(now_ms));
	write_tls(w, loop, asker->sender);
	write_webhooks(w, loop, asker->sender);
	write_witnesses(w, loop, now_ms);
	if (bd_access_has(asker->sender, BD_SENDER_OPERATOR)) {
		write_workers(w, loop);
		bd_folders_write(w, loop->daemon->folders);
		bd_sources_write(w, loop->daemon);
		write_alarm_list(w, loop->daemon->alarms);
	}
	write_keys(w, loop);
	bd_jw_object_end(w);
	return code;
}

void bd_status_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct status_asker asker = { sender };

	(void)parts;
	bd_document_answer(loop, exchange, write_states, &asker);
}
