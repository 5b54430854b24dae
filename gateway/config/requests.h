/* requests.h - reads adapters/<source>/requests/: what a department is asked, as forms
 * (base/form.h).
 *
 * Layer: config. XML by schemas/request.xsd, envelope x payload: an envelope of
 * adapters/_envelopes/requests/ stands around what the request makes, several from the inner to the
 * outer. What a form names must be made before it, be always there, or be given by whoever asks
 * (bd_form_unknown).
 */
#ifndef BD_CONFIG_REQUESTS_H
#define BD_CONFIG_REQUESTS_H

#include "base/form.h"
#include "config/diags.h"
#include "record/dictionary.h"

struct bd_forms {
	const struct bd_form *items;
	size_t count;
};

/* folder: of the adapter; no requests/ in it is an empty list. Everything lives in the arena; every
 * error is added to diags. */
enum bd_code bd_config_requests(struct bd_forms *out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags);

/* NULL = none of that name. */
const struct bd_form *bd_forms_find(const struct bd_forms *forms, const char *name);

#endif
