#include "base/clock.h"
#include "config/compiler.h"

#include <string.h>

static int32_t read_day(
	struct bd_compiler *compiler, const struct bd_xml_node *node, const char *attribute)
{
	int32_t day = INT32_MIN;

	if (!bd_day_parse(&day, bd_bytes_of(bd_xml_attr(node, attribute)))) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, attribute,
			"a day that there is, as yyyy-MM-dd");
	}
	return day;
}

static void read_use(
	struct bd_compiler *compiler, struct bd_use *use, const struct bd_xml_node *node)
{
	const char *matters = bd_xml_attr(node, "matters");

	use->application = bd_xml_attr(node, "application");
	use->from = read_day(compiler, node, "from");
	use->until = read_day(compiler, node, "until");
	if (use->from > use->until) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "until",
			"it ends before it begins");
	}
	if (strcmp(matters, "*") == 0) {
		return;
	}
	use->matters = bd_compiler_split(compiler, matters, ' ', &use->matter_count);
	if (use->matter_count == 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "matters",
			"names of matters, or * for all");
	}
}

const struct bd_catalogue *bd_compiler_catalogue(
	struct bd_compiler *compiler, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "catalogue");
	struct bd_catalogue *catalogue;
	struct bd_use *uses;

	if (at == NULL) {
		return NULL;
	}
	catalogue = bd_compiler_make(compiler, 1, sizeof(*catalogue));
	uses = bd_compiler_make(compiler, bd_xml_count(at, "use"), sizeof(*uses));
	if (catalogue == NULL || uses == NULL) {
		return NULL;
	}
	*catalogue = (struct bd_catalogue){ .id = bd_xml_attr(at, "id"),
		.department_zh = bd_xml_attr(at, "department-zh"),
		.department_en = bd_xml_attr(at, "department-en"),
		.is_conditional = strcmp(bd_xml_attr(at, "sharing"), "conditional") == 0,
		.uses = uses };
	for (const struct bd_xml_node *use = bd_xml_child(at, "use"); use != NULL;
		use = bd_xml_next(use)) {
		read_use(compiler, &uses[catalogue->use_count++], use);
	}
	return catalogue;
}
