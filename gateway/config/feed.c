#include "config/compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named {
	const char *name;
	int value;
};

static const struct named kinds[] = { { "change", BD_FEED_CHANGE }, { "reply", BD_FEED_REPLY },
	{ "snapshot", BD_FEED_SNAPSHOT }, { "verify", BD_FEED_VERIFY }, { NULL, 0 } };
static const struct named formats[] = { { "xml", BD_FORMAT_XML }, { "json", BD_FORMAT_JSON },
	{ "delimited", BD_FORMAT_DELIMITED }, { "csv", BD_FORMAT_CSV },
	{ "fixed", BD_FORMAT_FIXED }, { NULL, 0 } };
static const struct named orders[] = { { "time", BD_ORDER_TIME }, { "sequence", BD_ORDER_SEQUENCE },
	{ "receipt", BD_ORDER_RECEIPT }, { NULL, 0 } };

/* The XSD has seen to it that the name is one of the table; 0 where the attribute is absent. */
static int value_of(const struct named *table, const char *name)
{
	for (; name != NULL && table->name != NULL; table++) {
		if (strcmp(table->name, name) == 0) {
			return table->value;
		}
	}
	return 0;
}

static const char *const *split_attr(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, size_t *count)
{
	const char *text = bd_xml_attr(node, attribute);
	return text == NULL ? NULL : bd_compiler_split(compiler, text, '|', count);
}

/* Message slots of the envelope stand at paths from the root, those of the feed inside the payload.
 */
static void make_message_slots(struct bd_compiler *compiler, struct bd_feed_plan *feed,
	const struct bd_xml_node *envelope, const struct bd_xml_node *node, const char *payload)
{
	size_t max = bd_xml_count(node, "message-slot") +
		     (envelope == NULL ? 0 : bd_xml_count(envelope, "message-slot"));
	struct bd_slot_plan *slots = bd_compiler_make(compiler, max, sizeof(*slots));
	if (slots == NULL) {
		return;
	}
	const struct bd_xml_node *from[] = { envelope, node };
	for (size_t i = 0; i < 2; i++) {
		for (const struct bd_xml_node *at = bd_xml_child(from[i], "message-slot");
			at != NULL; at = bd_xml_next(at)) {
			slots[feed->message_slot_count++] =
				(struct bd_slot_plan){ .name = bd_xml_attr(at, "name"),
					.path = bd_compiler_join(compiler, i == 0 ? "" : payload,
						bd_xml_attr(at, "path")),
					.is_message = true };
		}
	}
	feed->message_slots = slots;
}

static void make_success(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *envelope)
{
	size_t max = envelope == NULL ? 0 : bd_xml_count(envelope, "success");
	struct bd_success_plan *list = bd_compiler_make(compiler, max, sizeof(*list));
	if (list == NULL || max == 0) {
		return;
	}
	feed->success = list;
	for (const struct bd_xml_node *at = bd_xml_child(envelope, "success"); at != NULL;
		at = bd_xml_next(at)) {
		struct bd_success_plan *one = &list[feed->success_count++];
		one->slot = bd_compiler_slot(
			compiler, at, "slot", feed->message_slots, feed->message_slot_count);
		one->ok = split_attr(compiler, at, "ok", &one->ok_count);
		one->not_found = split_attr(compiler, at, "not-found", &one->not_found_count);
		one->several = split_attr(compiler, at, "several", &one->several_count);
		one->is_required = bd_xml_is_true(at, "required");
	}
}

static void make_embedded(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *envelope)
{
	size_t max = envelope == NULL ? 0 : bd_xml_count(envelope, "embedded");
	struct bd_embedded_plan *list = bd_compiler_make(compiler, max, sizeof(*list));
	if (list == NULL || max == 0) {
		return;
	}
	feed->embedded = list;
	for (const struct bd_xml_node *at = bd_xml_child(envelope, "embedded"); at != NULL;
		at = bd_xml_next(at)) {
		list[feed->embedded_count].path = bd_xml_attr(at, "path");
		list[feed->embedded_count++].format =
			(enum bd_format)value_of(formats, bd_xml_attr(at, "format"));
	}
}

static void make_columns(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *layout)
{
	if (layout == NULL) {
		return;
	}
	const char *separator = bd_xml_attr(layout, "separator");
	feed->separator = separator == NULL ? '\x01' : (char)strtoul(separator + 2, NULL, 16);
	feed->has_header = bd_xml_is_true(layout, "header");
	feed->column_count = bd_xml_count(layout, "column");
	struct bd_column_plan *columns =
		bd_compiler_make(compiler, feed->column_count, sizeof(*columns));
	if (columns == NULL) {
		feed->column_count = 0;
		return;
	}
	feed->columns = columns;
	for (const struct bd_xml_node *at = bd_xml_child(layout, "column"); at != NULL;
		at = bd_xml_next(at)) {
		const char *width = bd_xml_attr(at, "width");
		columns->name = bd_xml_attr(at, "name");
		columns->width = width == NULL ? 0 : (uint32_t)strtoul(width, NULL, 10);
		if ((columns->width == 0) == (feed->format == BD_FORMAT_FIXED)) {
			bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, "width",
				"columns of a fixed layout, and only those, have a width");
		}
		columns++;
	}
}

static const struct bd_xml_node *read_envelope(
	struct bd_compiler *compiler, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "envelope");
	if (name == NULL) {
		return NULL;
	}
	const char *shown = bd_compiler_join(compiler, "../_envelopes", name);
	char *file = bd_compiler_make(compiler, strlen(shown) + sizeof(".xml"), 1);
	if (file == NULL) {
		return NULL;
	}
	strcat(strcpy(file, shown), ".xml");
	const struct bd_xml_node *root = NULL;
	if (bd_xml_read(&root, bd_compiler_join(compiler, compiler->folder, file), file,
		    bd_compiler_join(compiler, compiler->schemas, "envelope.xsd"), compiler->arena,
		    compiler->diags) != BD_OK) {
		bd_xml_fail(compiler->diags, BD_CONFIG_REFERENCE, node, "envelope",
			"the envelope '%s' cannot be used", name);
	}
	return root;
}

static void set_order(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *node)
{
	const struct bd_xml_node *order = bd_xml_child(node, "order");
	const char *rank = bd_xml_attr(node, "rank");
	feed->rank = rank == NULL ? 0 : (uint8_t)strtoul(rank, NULL, 10);
	feed->order_kind = (enum bd_order_kind)value_of(orders, bd_xml_attr(order, "kind"));
	feed->order_slot = bd_compiler_slot(
		compiler, order, "slot", feed->message_slots, feed->message_slot_count);
	bool is_by_section = true;
	for (size_t i = 0; i < feed->section_count; i++) {
		is_by_section &= feed->sections[i].order_slot != BD_NO_SLOT;
	}
	if (feed->order_kind != BD_ORDER_RECEIPT && feed->order_slot == BD_NO_SLOT &&
		!is_by_section) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, order, "kind",
			"no slot says the order, neither here nor in each section");
	}
}

/* Without one every slot of it is "not said": 0 would be the first slot. */
static void set_page(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *page)
{
	const struct {
		const char *attribute;
		uint16_t *slot;
	} slots[] = { { "next", &feed->page.next_slot }, { "last", &feed->page.last_slot },
		{ "mark", &feed->page.mark_slot } };

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		*slots[i].slot = page == NULL
					 ? BD_NO_SLOT
					 : bd_compiler_slot(compiler, page, slots[i].attribute,
						   feed->message_slots, feed->message_slot_count);
	}
	if (page == NULL) {
		return;
	}
	feed->page.last_is = split_attr(compiler, page, "last-is", &feed->page.last_is_count);
	if ((bd_xml_attr(page, "last") == NULL) != (bd_xml_attr(page, "last-is") == NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, page, "last",
			"last and last-is go together");
	}
}

static void make_sections(struct bd_compiler *compiler, struct bd_feed_plan *feed,
	const struct bd_xml_node *node, const char *payload)
{
	struct bd_section_plan *sections =
		bd_compiler_make(compiler, bd_xml_count(node, "section"), sizeof(*sections));
	if (sections == NULL) {
		return;
	}
	feed->sections = sections;
	for (const struct bd_xml_node *at = bd_xml_child(node, "section"); at != NULL;
		at = bd_xml_next(at)) {
		bd_compiler_section(compiler, &sections[feed->section_count], at, feed, payload);
		feed->section_count++;
	}
}

static void set_form(struct bd_compiler *compiler, struct bd_feed_plan *feed,
	const struct bd_xml_node *node, const struct bd_xml_node *envelope)
{
	const struct bd_xml_node *form = envelope == NULL ? node : envelope;
	feed->format = (enum bd_format)value_of(formats, bd_xml_attr(form, "format"));
	feed->charset = bd_xml_attr(form, "charset");
	feed->root = bd_xml_attr(form, "root");
	feed->foreign = split_attr(compiler, form, "foreign", &feed->foreign_count);
	if (feed->format == 0 || (envelope != NULL && bd_xml_attr(node, "format") != NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "format",
			"the format is stated by the envelope, or by a feed without one");
	}
}

/* The feed whose layout, slots, subject and sections this one has too: the same payload in another
 * envelope, or a table that also comes as a full export. NULL when it cannot be read. */
static const struct bd_xml_node *read_like(
	struct bd_compiler *compiler, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "like");
	if (name == NULL) {
		if (bd_xml_child(node, "section") == NULL) {
			bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
				"a feed has sections, or those of another ('like')");
		}
		return node;
	}
	char shown[128];
	snprintf(shown, sizeof(shown), "feeds/%s.xml", name);
	const struct bd_xml_node *root = NULL;
	if (bd_xml_read(&root, bd_compiler_join(compiler, compiler->folder, shown), shown,
		    bd_compiler_join(compiler, compiler->schemas, "feed.xsd"), compiler->arena,
		    compiler->diags) != BD_OK) {
		bd_xml_fail(compiler->diags, BD_CONFIG_REFERENCE, node, "like",
			"the feed '%s' cannot be used", name);
	} else if (bd_xml_attr(root, "like") != NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "like",
			"the feed '%s' is itself like another", name);
		return NULL;
	}
	return root;
}

bool bd_compiler_feed(struct bd_compiler *compiler, struct bd_feed_plan *feed, const char *file)
{
	const char *shown = bd_compiler_join(compiler, "feeds", file);
	const struct bd_xml_node *node = NULL;
	if (bd_xml_read(&node, bd_compiler_join(compiler, compiler->folder, shown), shown,
		    bd_compiler_join(compiler, compiler->schemas, "feed.xsd"), compiler->arena,
		    compiler->diags) != BD_OK) {
		return false;
	}
	const struct bd_xml_node *envelope = read_envelope(compiler, node);
	if (envelope == NULL && bd_xml_attr(node, "envelope") != NULL) {
		return false;
	}
	const struct bd_xml_node *body = read_like(compiler, node);
	if (body == NULL) {
		return false;
	}
	const char *payload = envelope == NULL ? "" : bd_xml_attr(envelope, "payload");
	const char *share = bd_xml_attr(node, "remove-share-max-percent");
	feed->number = (uint16_t)strtoul(bd_xml_attr(node, "number"), NULL, 10);
	feed->name = bd_xml_attr(node, "name");
	feed->label_zh = bd_xml_attr(node, "zh");
	feed->kind = (enum bd_feed_kind)value_of(kinds, bd_xml_attr(node, "kind"));
	feed->cycle = bd_xml_attr(node, "cycle");
	feed->file_name = bd_xml_attr(node, "file-name");
	feed->remove_share_max_percent = share == NULL ? 0 : (uint32_t)strtoul(share, NULL, 10);
	if ((feed->kind == BD_FEED_SNAPSHOT) != (share != NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "kind",
			"a snapshot, and only that, says remove-share-max-percent");
	}
	set_form(compiler, feed, node, envelope);
	make_columns(compiler, feed, bd_xml_child(body, "layout"));
	make_message_slots(compiler, feed, envelope, body, payload);
	make_success(compiler, feed, envelope);
	make_embedded(compiler, feed, envelope);
	bd_compiler_sealed(compiler, feed, envelope);
	feed->subject = bd_compiler_identifiers(compiler, body, "subject", feed->message_slots,
		feed->message_slot_count, &feed->subject_count);
	if (feed->column_count > 0) {
		payload = "row";
	}
	feed->catalogue = bd_compiler_catalogue(compiler, node);
	if (feed->catalogue == NULL) {
		feed->catalogue = compiler->catalogue;
	}
	make_sections(compiler, feed, body, payload);
	set_order(compiler, feed, node);
	set_page(compiler, feed, bd_xml_child(node, "page"));
	return true;
}
