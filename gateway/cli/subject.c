#include "cli/subject.h"

#include <string.h>

bool bd_cli_subject_is_given(const struct bd_cli_options *options)
{
	return options->kind != NULL && options->number != NULL;
}

/* What names an organization is a member of its own; any other kind is a person's document. */
static bool is_of_organization(const char *kind)
{
	static const char *const kinds[] = { "uscc", "reg_no", "regno", "tax_no", "taxpayer_no",
		"org_code" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i]) == 0) {
			return true;
		}
	}
	return false;
}

void bd_cli_subject_write(struct bd_json_writer *w, const struct bd_cli_options *options)
{
	bool is_organization = options->entity != NULL
				       ? strcmp(options->entity, "organization") == 0
				       : is_of_organization(options->kind);

	bd_jw_object(w, "subject");
	bd_jw_text(w, "entity", is_organization ? "organization" : "person");
	if (is_organization) {
		bd_jw_text(w, options->kind, options->number);
	} else {
		bd_jw_text(w, "id_type", options->kind);
		bd_jw_text(w, "id_no", options->number);
	}
	bd_jw_object_end(w);
}
