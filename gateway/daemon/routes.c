#include "daemon/routes.h"

#include "daemon/identify.h"
#include "daemon/share.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

/* Who enters into the trail that it was asked: nobody where all may ask, the route itself with what
 * it knows of whom and what, or this file. */
enum entered_by { BY_NOBODY, BY_ROUTE, BY_ROUTER };

struct route {
	const char *method, *path; /* '*' stands for one segment */
	uint32_t roles;            /* any of enum bd_sender_role; 0 = open to all; the
				    * matrix of doc/senders.md */
	enum entered_by entered_by;
	void (*begin)(struct bd_loop *loop, struct bd_http_exchange *exchange,
		const struct bd_sender *sender, const struct bd_route_parts *parts);
};

#define DEPARTMENT BD_SENDER_DEPARTMENT
#define ENGINE BD_SENDER_ENGINE
#define OPERATOR BD_SENDER_OPERATOR
/* Those who do the work; and those who look over it, who see what is on the trail and no more. */
#define WORKERS (DEPARTMENT | ENGINE | OPERATOR)
#define AUDITORS (BD_SENDER_AUDITOR | BD_SENDER_AUDIT)
#define ADMINISTRATORS (BD_SENDER_SYSTEM | BD_SENDER_SECURITY)
#define ANYONE (WORKERS | AUDITORS | ADMINISTRATORS)

static const struct route routes[] = {
	{ "POST", "/v1/compare", ENGINE, BY_ROUTE, bd_compare_begin },
	{ "POST", "/v1/identities/query", ENGINE, BY_ROUTE, bd_query_begin },
	{ "POST", "/v1/subjects/erase", OPERATOR, BY_ROUTE, bd_erase_begin },
	/* Before the feeds of a source: none of them is called so. */
	{ "POST", "/v1/sources/*/recall", DEPARTMENT | OPERATOR, BY_ROUTE, bd_recall_begin },
	{ "POST", "/v1/sources/*/test", OPERATOR, BY_ROUTER, bd_source_test_begin },
	{ "POST", "/v1/sources/*/*", DEPARTMENT, BY_ROUTE, bd_push_begin },
	{ "GET", "/v1/uploads", DEPARTMENT, BY_ROUTER, bd_uploads_show_begin },
	{ "POST", "/v1/uploads", DEPARTMENT, BY_ROUTE, bd_upload_begin },
	{ "GET", "/v1/uploads/*", DEPARTMENT, BY_ROUTER, bd_upload_show_begin },
	{ "DELETE", "/v1/uploads/*", DEPARTMENT, BY_ROUTE, bd_upload_delete_begin },
	{ "PUT", "/v1/uploads/*/parts/*", DEPARTMENT, BY_ROUTE, bd_upload_part_begin },
	{ "POST", "/v1/uploads/*/complete", DEPARTMENT, BY_ROUTE, bd_upload_complete_begin },
	{ "GET", "/v1/disputes", WORKERS, BY_ROUTE, bd_disputes_begin },
	{ "POST", "/v1/disputes", WORKERS, BY_ROUTE, bd_dispute_begin },
	{ "GET", "/v1/disputes/*", WORKERS, BY_ROUTE, bd_dispute_show_begin },
	{ "POST", "/v1/disputes/*/resolve", DEPARTMENT | OPERATOR, BY_ROUTE, bd_resolve_begin },
	{ "GET", "/v1/messages/*", DEPARTMENT | OPERATOR, BY_ROUTER, bd_message_begin },
	{ "GET", "/v1/rejects", DEPARTMENT | OPERATOR, BY_ROUTER, bd_rejects_begin },
	{ "GET", "/v1/watches", ENGINE, BY_ROUTER, bd_watches_begin },
	{ "GET", "/v1/status", WORKERS | BD_SENDER_SYSTEM, BY_ROUTER, bd_status_begin },
	{ "GET", "/v1/receipts/*", WORKERS | AUDITORS, BY_ROUTER, bd_trail_receipt_begin },
	{ "GET", "/v1/receipts/*/proof", WORKERS | AUDITORS, BY_ROUTER, bd_trail_proof_begin },
	{ "POST", "/v1/receipts/*/reproduce", ENGINE | OPERATOR, BY_ROUTE, bd_reproduce_begin },
	{ "POST", "/v1/matters/*/backtest", OPERATOR, BY_ROUTE, bd_backtest_begin },
	{ "POST", "/v1/trail/subjects", AUDITORS, BY_ROUTE, bd_trail_subjects_begin },
	{ "GET", "/v1/trail/consistency", WORKERS | AUDITORS, BY_ROUTER,
		bd_trail_consistency_begin },
	{ "POST", "/v1/trail/witnesses", WORKERS | AUDITORS, BY_ROUTE, bd_trail_witness_begin },
	{ "GET", "/v1/trail/head", WORKERS | AUDITORS, BY_ROUTER, bd_trail_head_begin },
	{ "GET", "/v1/obligations", ENGINE | OPERATOR, BY_ROUTER, bd_obligations_begin },
	{ "POST", "/v1/obligations/query", ENGINE | OPERATOR, BY_ROUTER,
		bd_obligations_query_begin },
	{ "POST", "/v1/obligations/*/materials", ENGINE | OPERATOR, BY_ROUTE,
		bd_obligation_materials_begin },
	{ "POST", "/v1/obligations/*/extend", ENGINE | OPERATOR, BY_ROUTE,
		bd_obligation_extend_begin },
	{ "GET", "/v1/obligations/*", ENGINE | OPERATOR, BY_ROUTER, bd_obligation_begin },
	{ "GET", "/v1/change", ADMINISTRATORS | AUDITORS, BY_ROUTER, bd_change_show_begin },
	{ "POST", "/v1/change/propose", ADMINISTRATORS, BY_ROUTE, bd_change_propose_begin },
	{ "POST", "/v1/change/approve", BD_SENDER_SECURITY, BY_ROUTE, bd_change_approve_begin },
	{ "GET", "/v1/account", ANYONE, BY_ROUTER, bd_account_begin },
	{ "GET", "/livez", 0, BY_NOBODY, bd_livez_begin },
	{ "GET", "/readyz", 0, BY_NOBODY, bd_readyz_begin },
	{ "GET", "/metrics", 0, BY_NOBODY, bd_metrics_begin },
	{ "GET", "/openapi.json", 0, BY_NOBODY, bd_openapi_begin },
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static bool matches(struct bd_route_parts *parts, const char *pattern, struct bd_bytes path)
{
	struct bd_bytes *part = &parts->first;
	size_t at = 0;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			size_t begin = at;

			while (at < path.len && path.ptr[at] != '/') {
				at++;
			}
			if (at == begin) {
				return false;
			}
			*part = (struct bd_bytes){ path.ptr + begin, at - begin };
			part = &parts->second;
		} else if (at < path.len && path.ptr[at] == *pattern) {
			at++;
		} else {
			return false;
		}
	}
	return at == path.len;
}

/* An address that is written out is that one alone, not a name in a pattern. */
static bool is_written_out(struct bd_bytes path)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (bd_bytes_is(path, routes[i].path)) {
			return true;
		}
	}
	return false;
}

static bool leads_to(struct bd_route_parts *parts, const struct route *route, struct bd_bytes path)
{
	return matches(parts, route->path, path) &&
	       (strchr(route->path, '*') == NULL || !is_written_out(path));
}

const char *bd_route_pattern(bool *is_open, struct bd_bytes path)
{
	struct bd_route_parts parts;

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (leads_to(&parts, &routes[i], path)) {
			*is_open = routes[i].roles == 0;
			return routes[i].path;
		}
	}
	*is_open = false;
	return "";
}

/* NULL: not known, or without the right; then the exchange is answered. Or not known yet: then it
 * is deferred. */
static const struct bd_sender *let_in(
	struct bd_gate *gate, struct bd_http_exchange *exchange, uint32_t roles, bool is_push)
{
	struct bd_diag diag = { .code = BD_OK };
	const struct bd_sender *sender = NULL;
	enum bd_code code = bd_identify(&sender, gate, exchange, &diag);

	if (code == BD_OK && sender == NULL) {
		return NULL;
	}
	code = code == BD_OK ? bd_share_request(gate->loop->setup, sender, &diag) : code;
	if (code == BD_OK && (sender->roles & roles) == 0) {
		code = bd_fail(&diag, BD_AUTH_ROLE, "%s", "");
	}
	if (code == BD_OK && sender->platform_sid != NULL && !is_push) {
		code = bd_fail(&diag, BD_AUTH_ROLE, "by a platform's headers only a push is taken");
	}
	if (code != BD_OK) {
		diag.code = code;
		bd_problem_respond(exchange, &diag, NULL);
		return NULL;
	}
	return sender;
}

/* What the name in the address is of goes with it, unless it looks like somebody's number. */
static enum bd_code enter(struct bd_gate *gate, const struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct route *route,
	const struct bd_route_parts *parts)
{
	struct bd_audit *audit = &gate->loop->audit;
	struct bd_trail_event event = { .method = bd_bytes_of(route->method),
		.path = bd_bytes_of(route->path) };
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	code = bd_audit_caller(&event.caller, audit, exchange, sender->name, &arena);
	code = code == BD_OK ? bd_audit_text(&event.of, audit, parts->first, &arena) : code;
	code = code == BD_OK
		       ? bd_audit_event(audit, BD_TRAIL_READ, &event, bd_audit_time(audit), NULL)
		       : code;
	bd_arena_release(&arena);
	return code;
}

/* The methods that this address has, or that there is no such address. */
static void refuse(struct bd_gate *gate, struct bd_http_exchange *exchange)
{
	struct bd_bytes path = bd_http_path(exchange);
	struct bd_route_parts parts;
	char allow[64] = "";
	size_t len = 0;

	bd_count(&gate->loop->counts.refused, 1);
	for (size_t i = 0; i < ROUTE_COUNT && len < sizeof(allow); i++) {
		if (leads_to(&parts, &routes[i], path) && strstr(allow, routes[i].method) == NULL) {
			len += (size_t)snprintf(allow + len, sizeof(allow) - len, "%s%s",
				len > 0 ? ", " : "", routes[i].method);
		}
	}
	if (len > 0) {
		bd_problem_respond_method(exchange, allow);
	} else {
		bd_problem_respond_code(exchange, BD_HTTP_NOT_FOUND, "");
	}
}

void bd_route(struct bd_gate *gate, struct bd_http_exchange *exchange)
{
	struct bd_bytes method = bd_http_method(exchange), path = bd_http_path(exchange);
	struct bd_route_parts parts = { { NULL, 0 }, { NULL, 0 } };
	const struct bd_sender *sender = NULL;

	bd_count(&gate->loop->counts.requests, 1);
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		const struct route *route = &routes[i];

		if (!bd_bytes_is(method, route->method) || !leads_to(&parts, route, path)) {
			continue;
		}
		if (route->roles != 0) {
			sender =
				let_in(gate, exchange, route->roles, route->begin == bd_push_begin);
			if (sender == NULL) {
				bd_count(&gate->loop->counts.refused, 1);
				return;
			}
		}
		if (route->entered_by == BY_ROUTER &&
			enter(gate, exchange, sender, route, &parts) != BD_OK) {
			bd_count(&gate->loop->counts.refused, 1);
			bd_problem_respond_code(exchange, BD_TRAIL_UNAVAILABLE, "");
			return;
		}
		route->begin(gate->loop, exchange, sender, &parts);
		return;
	}
	refuse(gate, exchange);
}
