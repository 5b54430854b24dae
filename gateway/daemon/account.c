/* account.c - GET /v1/account: who the gateway takes the asker for, and when a person was here
 * last. */
#include "config/roles.h"
#include "daemon/document.h"
#include "daemon/logins.h"
#include "daemon/routes.h"

static void write_time(struct bd_json_writer *w, const char *name, int64_t ms)
{
	if (ms != 0) {
		bd_jw_time(w, name, ms);
	} else {
		bd_jw_null(w, name);
	}
}

void bd_account_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_login_state state = { 0 };
	struct bd_document document;
	const char *name;
	uint32_t role = 0;

	(void)parts;
	if (sender->is_person) {
		bd_logins_state(&state, loop->daemon->logins, sender->name);
	}
	bd_document_begin(&document, loop, exchange);
	bd_jw_object(&document.json, NULL);
	bd_jw_text(&document.json, "name", sender->name);
	bd_jw_bool(&document.json, "person", sender->is_person);
	bd_jw_array(&document.json, "roles");
	for (size_t i = 0; (name = bd_role_name(&role, i)) != NULL; i++) {
		if ((sender->roles & role) != 0) {
			bd_jw_text(&document.json, NULL, name);
		}
	}
	bd_jw_array_end(&document.json);
	write_time(&document.json, "previous_login", state.previous_ms);
	write_time(&document.json, "last_failure", state.failed_ms);
	bd_jw_u64(&document.json, "failures_before", state.failures_before);
	bd_jw_object_end(&document.json);
	bd_document_end(&document, BD_OK);
}
