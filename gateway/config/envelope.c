/* envelope.c - what an envelope says is signed and sealed (intake/sealed.h). Layer: config. */
#include "config/compiler.h"

#include <stdlib.h>
#include <string.h>

static bool is(const struct bd_xml_node *node, const char *attribute, const char *value)
{
	const char *text = bd_xml_attr(node, attribute);

	return text != NULL && strcmp(text, value) == 0;
}

static enum bd_code wrong(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const char *what)
{
	return bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, attribute, "%s", what);
}

static enum bd_coding coding_of(const struct bd_xml_node *node)
{
	return is(node, "coding", "hex") ? BD_CODING_HEX : BD_CODING_BASE64;
}

static struct bd_key_named key_of(struct bd_compiler *compiler, const struct bd_xml_node *node)
{
	struct bd_key_named key = { bd_xml_attr(node, "key"), bd_xml_attr(node, "key-member") };

	if ((key.name == NULL) == (key.path == NULL)) {
		wrong(compiler, node, "key", "either key or key-member");
	}
	return key;
}

static struct bd_stated stated_of(struct bd_compiler *compiler, const struct bd_xml_node *node)
{
	struct bd_stated stated = { .path = bd_xml_attr(node, "when") };
	const char *values = bd_xml_attr(node, "is");

	if ((stated.path == NULL) != (values == NULL)) {
		wrong(compiler, node, "when", "when and is go together");
	} else if (values != NULL) {
		stated.is = bd_compiler_split(compiler, values, '|', &stated.is_count);
	}
	return stated;
}

static void make_sealed(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *node)
{
	struct bd_sealed_plan *sealed = bd_compiler_make(compiler, 1, sizeof(*sealed));
	const char *iv = bd_xml_attr(node, "iv");

	if (sealed == NULL || node == NULL) {
		return;
	}
	sealed->path = bd_xml_attr(node, "member");
	sealed->key = key_of(compiler, node);
	sealed->stated = stated_of(compiler, node);
	sealed->cipher = is(node, "cipher", "sm4-cbc") ? BD_CIPHER_SM4_CBC : BD_CIPHER_SM4_ECB;
	sealed->coding = coding_of(node);
	sealed->is_required = bd_xml_is_true(node, "required");
	if ((sealed->cipher == BD_CIPHER_SM4_CBC) != (iv != NULL)) {
		wrong(compiler, node, "iv", "sm4-cbc, and only that, has an iv");
	} else if (iv != NULL) {
		sealed->iv = is(node, "iv", "zero")     ? BD_IV_ZERO
			     : is(node, "iv", "prefix") ? BD_IV_PREFIX
							: BD_IV_MEMBER;
		sealed->iv_path = sealed->iv == BD_IV_MEMBER ? iv : NULL;
	}
	feed->sealed = sealed;
	feed->sealed_count = 1;
}

/* -- the text that is signed -- */

static int by_name(const void *a, const void *b)
{
	const struct bd_signed_part *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* "NAME" or "NAME=PATH". */
static void read_part(struct bd_signed_part *part, struct bd_compiler *compiler, const char *text)
{
	const char *equals = strchr(text, '=');

	part->name = text;
	part->path = equals != NULL ? equals + 1 : text;
	if (equals != NULL) {
		part->name = bd_arena_text(
			compiler->arena, (struct bd_bytes){ text, (size_t)(equals - text) });
		compiler->is_out_of_memory |= part->name == NULL;
	}
}

static void make_parts(struct bd_compiler *compiler, struct bd_signed_plan *plan,
	const struct bd_xml_node *node, const struct bd_feed_plan *feed)
{
	size_t count = 0, opened = 0;
	const char *const *texts =
		bd_compiler_split(compiler, bd_xml_attr(node, "over"), '|', &count);
	struct bd_signed_part *parts = bd_compiler_make(compiler, count, sizeof(*parts));

	for (size_t i = 0; parts != NULL && texts != NULL && i < count; i++) {
		read_part(&parts[i], compiler, texts[i]);
		if (compiler->is_out_of_memory) {
			return;
		}
		if (parts[i].name[0] == '\0' || parts[i].path[0] == '\0' ||
			strcmp(parts[i].path, plan->path) == 0) {
			wrong(compiler, node, "over",
				"a part is NAME or NAME=PATH, and not the signature itself");
			return;
		}
		opened +=
			feed->sealed_count > 0 && strcmp(parts[i].path, feed->sealed[0].path) == 0;
	}
	if (parts != NULL && is(node, "order", "sorted")) {
		qsort(parts, count, sizeof(*parts), by_name);
	}
	if (plan->is_of_opened && opened != 1) {
		wrong(compiler, node, "opened", "the sealed member is one of the parts, once");
	}
	plan->parts = parts;
	plan->part_count = parts != NULL ? count : 0;
}

static void make_signed(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *node)
{
	struct bd_signed_plan *plan = bd_compiler_make(compiler, 1, sizeof(*plan));
	const char *join = bd_xml_attr(node, "join");

	if (plan == NULL || node == NULL) {
		return;
	}
	plan->path = bd_xml_attr(node, "member");
	plan->key = key_of(compiler, node);
	plan->stated = stated_of(compiler, node);
	plan->coding = coding_of(node);
	plan->form = is(node, "form", "raw")   ? BD_SIGNATURE_RAW
		     : is(node, "form", "der") ? BD_SIGNATURE_DER
					       : BD_SIGNATURE_ANY;
	plan->is_required = bd_xml_is_true(node, "required");
	plan->is_paired = bd_xml_is_true(node, "pairs");
	plan->skips_empty = is(node, "empty", "skip");
	plan->is_of_opened = bd_xml_is_true(node, "opened");
	plan->join = join != NULL ? join : "";
	plan->secret = bd_xml_attr(node, "secret");
	plan->secret_name = bd_xml_attr(node, "secret-name");
	if (plan->secret_name != NULL && (plan->secret == NULL || !plan->is_paired)) {
		wrong(compiler, node, "secret-name", "goes with a secret, among pairs");
	}
	make_parts(compiler, plan, node, feed);
	feed->signature = plan;
	feed->signature_count = plan->parts != NULL ? 1 : 0;
}

void bd_compiler_sealed(
	struct bd_compiler *compiler, struct bd_feed_plan *feed, const struct bd_xml_node *envelope)
{
	const struct bd_xml_node *sealed = bd_xml_child(envelope, "sealed");
	const struct bd_xml_node *signature = bd_xml_child(envelope, "signed");
	const struct bd_xml_node *any = sealed != NULL ? sealed : signature;

	if (any == NULL) {
		return;
	}
	if (feed->format != BD_FORMAT_JSON || feed->charset != NULL) {
		wrong(compiler, any, NULL, "only JSON in UTF-8 is signed or sealed");
		return;
	}
	if (sealed != NULL) {
		make_sealed(compiler, feed, sealed);
	}
	if (signature != NULL) {
		make_signed(compiler, feed, signature);
	}
}
