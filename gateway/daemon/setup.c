#include "daemon/setup.h"

#include "base/limits.h"
#include "base/try.h"
#include "config/accounts.h"
#include "config/adapter.h"
#include "config/approved.h"
#include "config/calendar.h"
#include "config/dictionary.h"
#include "config/file.h"
#include "config/grants.h"
#include "config/matter.h"
#include "daemon/imprint.h"
#include "daemon/message_keys.h"
#include "daemon/quota.h"
#include "daemon/sandbox.h"
#include "daemon/sender_keys.h"
#include "intake/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All adapters and matters of one city with their code maps stay far below. */
#define SETUP_MAX_BYTES 268435456
/* A city has some hundred matters of instant approval, each with a few versions. */
#define MATTER_VERSIONS_MAX 4096
#define OPENAPI_MAX_BYTES 4194304
#define PATH_BYTES 4096

static bool join(char path[PATH_BYTES], const char *folder, const char *name)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

	return len > 0 && len < PATH_BYTES;
}

static enum bd_code no_room(struct bd_diags *diags)
{
	return bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room for the configuration");
}

static enum bd_code load_plans(struct bd_setup *setup, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;
	const char *const *names = NULL;
	const struct bd_plan **plans;
	struct bd_diag diag = { .code = BD_OK };
	size_t count = 0;

	if (bd_config_sources(&names, &count, settings->adapters_folder, &setup->arena, &diag) !=
		BD_OK) {
		return bd_diags_add(diags, diag.code, "adapters_folder", 0, 0, "%s", diag.detail);
	}
	plans = bd_arena_alloc(&setup->arena, count, sizeof(const struct bd_plan *));
	if (plans == NULL) {
		return no_room(diags);
	}
	for (size_t i = 0; i < count; i++) {
		char folder[PATH_BYTES];

		if (!join(folder, settings->adapters_folder, names[i])) {
			return no_room(diags);
		}
		if (bd_config_adapter(&plans[setup->plan_count], folder, settings->schemas_folder,
			    setup->dict, &setup->arena, diags) == BD_OK) {
			setup->plan_count++;
		}
	}
	setup->plans = plans;
	return bd_diags_code(diags);
}

static enum bd_code list_source_files(struct bd_setup *setup, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;

	return settings->sources_file == NULL
		       ? BD_OK
		       : bd_config_source_files(&setup->source_files, settings->sources_file,
				 settings->schemas_folder, &setup->arena, diags);
}

/* What cases need to know of the sources. */
static enum bd_code list_of_sources(struct bd_setup *setup)
{
	const struct bd_sources *sources = setup->sources;
	struct bd_source_closing *closings;
	size_t count = 0;

	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		setup->look_up_count += sources->items[i].lookup_count;
		count += sources->items[i].closed_count;
	}
	closings = bd_arena_alloc(&setup->arena, count, sizeof(*closings));
	if (closings == NULL) {
		return BD_NO_MEMORY;
	}
	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t c = 0; c < access->closed_count; c++) {
			closings[setup->closing_count++] =
				(struct bd_source_closing){ access->plan->source,
					access->closed[c].from_ms, access->closed[c].until_ms };
		}
	}
	setup->closings = closings;
	return BD_OK;
}

static void load_sources(struct bd_setup *setup, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;

	if (settings->sources_file != NULL) {
		const struct bd_source_context context = { settings->schemas_folder,
			settings->adapters_folder, setup->dict, setup->plans, setup->plan_count };

		bd_config_source_access(
			&setup->sources, settings->sources_file, &context, &setup->arena, diags);
		if (list_of_sources(setup) != BD_OK) {
			bd_diags_add(diags, BD_NO_MEMORY, "sources_file", 0, 0, "no room");
		}
	}
}

/* Of rows that are about a month: the field of their key that says which. */
static uint16_t month_field(const struct bd_setup *setup, uint16_t number)
{
	const struct bd_entity *entity = bd_dictionary_entity_number(setup->dict, number);

	for (size_t i = 0; entity != NULL && i < entity->field_count; i++) {
		if (entity->fields[i].is_key && entity->fields[i].type == BD_TYPE_MONTH) {
			return entity->fields[i].number;
		}
	}
	return 0;
}

static void add_covers(struct bd_cover *covers, size_t *count, const struct bd_setup *setup,
	const struct bd_plan *plan, const struct bd_feed_plan *feed)
{
	for (size_t s = 0; s < feed->section_count; s++) {
		const struct bd_section_plan *section = &feed->sections[s];

		for (size_t c = 0; c < section->cover_count; c++) {
			if (covers != NULL) {
				covers[*count] = (struct bd_cover){ .source = plan->source,
					.feed = feed->name,
					.section = section->name,
					.feed_number = feed->number,
					.entity = section->covers[c],
					.cycle = feed->cycle,
					.month_field = month_field(setup, section->covers[c]),
					.is_subject = feed->kind == BD_FEED_REPLY };
			}
			(*count)++;
		}
	}
}

static size_t list_covers(struct bd_cover *covers, const struct bd_setup *setup)
{
	size_t count = 0;

	for (size_t p = 0; p < setup->plan_count; p++) {
		for (size_t f = 0; f < setup->plans[p]->feed_count; f++) {
			add_covers(
				covers, &count, setup, setup->plans[p], &setup->plans[p]->feeds[f]);
		}
	}
	return count;
}

static enum bd_code list_sources(struct bd_setup *setup, struct bd_diags *diags)
{
	const char **names = bd_arena_alloc(&setup->arena, setup->plan_count, sizeof(const char *));
	struct bd_cover *covers;

	setup->cover_count = list_covers(NULL, setup);
	covers = bd_arena_alloc(&setup->arena, setup->cover_count, sizeof(*covers));
	if (names == NULL || covers == NULL) {
		return no_room(diags);
	}
	for (size_t p = 0; p < setup->plan_count; p++) {
		names[p] = setup->plans[p]->source;
	}
	list_covers(covers, setup);
	setup->source_names = names;
	setup->covers = covers;
	return BD_OK;
}

/* The versions of one matter, behind those of the others. */
static enum bd_code add_matter(struct bd_setup *setup, const char *folder, struct bd_diags *diags)
{
	const struct bd_matter *const *versions = NULL;
	size_t count = 0;
	enum bd_code code = bd_config_matter(&versions, &count, folder,
		setup->settings->schemas_folder, setup->dict, &setup->arena, diags);

	for (size_t i = 0; i < count && code == BD_OK; i++) {
		if (setup->matter_count == MATTER_VERSIONS_MAX) {
			return bd_diags_add(diags, BD_LIMIT_COUNT, folder, 0, 0,
				"more than %d versions of matters", MATTER_VERSIONS_MAX);
		}
		setup->matters[setup->matter_count++] = versions[i];
	}
	return code;
}

/* Its subjects, as text: they are read anew for each question (sandbox.h). Its matters are answered
 * from them, so no source need cover what they ask. */
static enum bd_code load_sandbox(struct bd_setup *setup, struct bd_diags *diags)
{
	const char *folder = setup->settings->sandbox_folder;
	const char *const *names = NULL;
	char path[PATH_BYTES], top[PATH_BYTES];
	struct bd_held *none = NULL;
	struct bd_diag diag = { .code = BD_OK };
	size_t count = 0;
	enum bd_code code;

	if (folder == NULL) {
		return BD_OK;
	}
	if (!join(path, folder, "held.json") || !join(top, folder, "matters")) {
		return no_room(diags);
	}
	code = bd_file_read(&setup->sandbox, path, &setup->arena);
	code = code == BD_OK ? bd_sandbox_find(&none, setup, NULL, 0, 0, &setup->arena, &diag)
			     : bd_fail(&diag, code, "the file cannot be read");
	code = code == BD_OK ? bd_config_matters(&names, &count, top, &setup->arena, &diag) : code;
	if (code != BD_OK) {
		return bd_diags_add(diags, code, "sandbox_folder", 0, 0, "%s", diag.detail);
	}
	for (size_t i = 0; i < count; i++) {
		if (!join(path, top, names[i])) {
			return no_room(diags);
		}
		add_matter(setup, path, diags);
	}
	return bd_diags_code(diags);
}

static enum bd_code load_matters(struct bd_setup *setup, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;
	const char *const *names = NULL;
	struct bd_diag diag = { .code = BD_OK };
	char top[PATH_BYTES];
	size_t count = 0;

	if (!join(top, settings->schemas_folder, "matters") ||
		bd_config_matters(&names, &count, top, &setup->arena, &diag) != BD_OK) {
		return bd_diags_add(diags, diag.code, "schemas_folder", 0, 0, "%s", diag.detail);
	}
	setup->matters = bd_arena_alloc(
		&setup->arena, MATTER_VERSIONS_MAX, sizeof(const struct bd_matter *));
	if (setup->matters == NULL) {
		return no_room(diags);
	}
	for (size_t i = 0; i < count; i++) {
		char folder[PATH_BYTES];

		if (!join(folder, top, names[i])) {
			return no_room(diags);
		}
		add_matter(setup, folder, diags);
	}
	for (size_t i = 0; i < setup->matter_count; i++) {
		bd_config_matter_covered(setup->matters[i], setup->plans, setup->plan_count, diags);
	}
	return load_sandbox(setup, diags);
}

static enum bd_code load_calendar(struct bd_setup *setup, struct bd_diags *diags)
{
	char path[PATH_BYTES];

	return join(path, setup->settings->schemas_folder, "calendar/holidays.tsv")
		       ? bd_config_calendar(&setup->calendar, path, &setup->arena, diags)
		       : no_room(diags);
}

static enum bd_code list_uses(struct bd_setup *setup)
{
	struct bd_feed_use *uses;
	size_t count = 0;

	for (size_t p = 0; p < setup->plan_count; p++) {
		count += setup->plans[p]->feed_count;
	}
	uses = bd_arena_alloc(&setup->arena, count, sizeof(*uses));
	setup->uses = uses;
	for (size_t p = 0; uses != NULL && p < setup->plan_count; p++) {
		for (size_t f = 0; f < setup->plans[p]->feed_count; f++) {
			struct bd_feed_use *use = &uses[setup->use_count++];

			use->plan = setup->plans[p];
			use->feed = &setup->plans[p]->feeds[f];
			if (bd_config_feed_approved(&use->approval, use->feed, &setup->arena) !=
				BD_OK) {
				return BD_NO_MEMORY;
			}
		}
	}
	return uses != NULL ? BD_OK : BD_NO_MEMORY;
}

static enum bd_code list_section_uses(struct bd_setup *setup)
{
	struct bd_section_use *list;
	size_t count = 0;

	for (size_t i = 0; i < setup->use_count; i++) {
		count += setup->uses[i].feed->section_count;
	}
	list = bd_arena_alloc(&setup->arena, count, sizeof(*list));
	setup->section_uses = list;
	for (size_t i = 0; list != NULL && i < setup->use_count; i++) {
		const struct bd_feed_use *use = &setup->uses[i];

		for (size_t s = 0; s < use->feed->section_count; s++) {
			list[setup->section_use_count++] =
				(struct bd_section_use){ use->plan->source,
					use->feed->sections[s].name, &use->approval };
		}
	}
	return list != NULL ? BD_OK : BD_NO_MEMORY;
}

/* What the approved uses of the feeds leave of each element, also of the sandbox's matters. */
static enum bd_code work_out_uses(struct bd_setup *setup, struct bd_diags *diags)
{
	enum bd_code code = list_uses(setup);

	code = code == BD_OK ? list_section_uses(setup) : code;
	for (size_t i = 0; i < setup->matter_count && code == BD_OK; i++) {
		code = bd_config_matter_approved(setup->matters[i], setup->plans, setup->plan_count,
			setup->dict, &setup->arena);
	}
	return code == BD_OK ? BD_OK : no_room(diags);
}

/* After the names in it are known to be good: else each would be told twice. */
static enum bd_code load_grants(struct bd_setup *setup, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;
	struct bd_grants *grants = NULL;
	enum bd_code code = bd_config_grants(&grants, settings->grants_file,
		settings->schemas_folder, setup->senders, setup->matters, setup->matter_count,
		setup->dict, &setup->arena, diags);

	code = code == BD_OK ? bd_config_grants_rest(grants, settings->grants_file, setup->plans,
				       setup->plan_count, &setup->arena, diags)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	setup->grants = grants;
	code = bd_grants_index(
		grants, setup->matters, setup->matter_count, setup->senders->count, &setup->arena);
	return code == BD_OK ? BD_OK : no_room(diags);
}

/* The build makes openapi.json of schemas/openapi.yaml; an install puts both side by side. */
static void load_openapi(struct bd_setup *setup)
{
	const char *named = getenv("BIDUI_OPENAPI");
	char path[PATH_BYTES], chunk[16384];
	FILE *file;
	size_t len;

	if (named == NULL && !join(path, setup->settings->schemas_folder, "openapi.json")) {
		return;
	}
	file = fopen(named != NULL ? named : path, "rb");
	if (file == NULL) {
		return;
	}
	while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		if (bd_buf_add(&setup->openapi_buf, (struct bd_bytes){ chunk, len }) != BD_OK) {
			bd_buf_clear(&setup->openapi_buf);
			break;
		}
	}
	fclose(file);
	setup->openapi = bd_buf_bytes(&setup->openapi_buf);
}

/* All that was read and decides what is answered, and to whom: the keys of senders too. */
static enum bd_code take_imprint(uint8_t out[BD_DIGEST_BYTES], struct bd_setup *setup,
	const char *path, struct bd_diags *diags)
{
	const struct bd_settings *settings = setup->settings;
	const char *const named[] = { path, settings->senders_file, settings->grants_file,
		settings->adapters_folder, settings->schemas_folder, settings->accounts_file,
		settings->sources_file, settings->tls_ca };
	size_t room = sizeof(named) / sizeof(named[0]) +
		      setup->senders->count * BD_SENDER_KEYS_MAX + setup->source_files.count,
	       count = 0;
	const char **paths = bd_arena_alloc(&setup->arena, room, sizeof(*paths));
	struct bd_diag diag = { .code = BD_OK };

	if (paths == NULL) {
		return no_room(diags);
	}
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i] != NULL) {
			paths[count++] = named[i];
		}
	}
	for (size_t i = 0; i < setup->senders->count; i++) {
		for (size_t k = 0; k < setup->senders->items[i].key_count; k++) {
			paths[count++] = setup->senders->items[i].keys[k].file;
		}
	}
	for (size_t i = 0; i < setup->source_files.count; i++) {
		if (setup->source_files.items[i].is_trust) {
			paths[count++] = setup->source_files.items[i].path;
		}
	}
	if (bd_imprint(out, paths, count, &diag) != BD_OK) {
		return bd_diags_add(diags, diag.code, path, 0, 0, "%s", diag.detail);
	}
	return BD_OK;
}

static void load_keys(struct bd_setup *setup, struct bd_diags *diags)
{
	struct bd_diag diag = { .code = BD_OK };

	if (bd_message_keys_load(&setup->message_keys, setup->settings->keys_folder, &diag) !=
		BD_OK) {
		bd_diags_add(diags, diag.code, "keys_folder", 0, 0, "%s", diag.detail);
	}
}

static enum bd_code load(struct bd_setup *setup, const char *path, struct bd_diags *diags)
{
	char common[PATH_BYTES];
	uint8_t before[BD_DIGEST_BYTES] = { 0 };
	enum bd_code code = bd_config_settings(&setup->settings, path, &setup->arena, diags);

	if (code != BD_OK || bd_config_paths(setup->settings, path, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	code = bd_config_senders(
		&setup->senders, setup->settings->senders_file, &setup->arena, diags);
	if (code == BD_OK) {
		if (setup->settings->accounts_file != NULL) {
			bd_config_accounts(&setup->senders, setup->senders,
				setup->settings->accounts_file, &setup->arena, diags);
		}
		/* Keys are of senders in the list as it stays. */
		bd_sender_keys_load(&setup->sender_keys, setup->senders, diags);
	}
	if (!join(common, setup->settings->schemas_folder, "common.xml")) {
		return no_room(diags);
	}
	if (bd_config_dictionary_all(&setup->dict, common, &setup->arena, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	load_keys(setup, diags);
	code = code == BD_OK ? list_source_files(setup, diags) : code;
	if (code == BD_OK && bd_diags_code(diags) == BD_OK &&
		take_imprint(before, setup, path, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	/* Both, so that an administrator sees every error at once. */
	load_plans(setup, diags);
	load_sources(setup, diags);
	load_matters(setup, diags);
	load_calendar(setup, diags);
	if (bd_diags_code(diags) != BD_OK || load_grants(setup, diags) != BD_OK ||
		work_out_uses(setup, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	if (list_sources(setup, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	if (take_imprint(setup->digest, setup, path, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	/* As they were before they were read: files that change meanwhile are read as neither. */
	if (memcmp(before, setup->digest, sizeof(before)) != 0) {
		return bd_diags_add(diags, BD_IO, path, 0, 0,
			"files have changed while they were read: try again");
	}
	load_openapi(setup);
	code = bd_image_write(&setup->image_buf, setup->dict, setup->plans, setup->plan_count);
	setup->image = bd_buf_bytes(&setup->image_buf);
	return code == BD_OK ? BD_OK : no_room(diags);
}

enum bd_code bd_setup_load(struct bd_setup **out, const char *settings_path,
	const struct bd_setup *before, struct bd_diags *diags)
{
	struct bd_setup *setup = calloc(1, sizeof(*setup));
	enum bd_code code;

	if (setup == NULL) {
		return no_room(diags);
	}
	bd_arena_init(&setup->arena, SETUP_MAX_BYTES);
	bd_buf_init(&setup->image_buf, SETUP_MAX_BYTES);
	bd_buf_init(&setup->openapi_buf, OPENAPI_MAX_BYTES);
	setup->references = 1;
	code = load(setup, settings_path, diags);
	if (code == BD_OK && bd_quotas_new(&setup->quotas, setup->senders,
				     before != NULL ? before->quotas : NULL) != BD_OK) {
		code = no_room(diags);
	}
	if (code == BD_OK && before != NULL && before->has_digest_key &&
		bd_setup_key_digest(setup, before->digest_key) != BD_OK) {
		code = no_room(diags);
	}
	if (code != BD_OK) {
		bd_setup_unref(setup);
		return code;
	}
	*out = setup;
	return BD_OK;
}

/* A platform gives out a text, which might be tried: of it stands what it makes of a constant. */
static enum bd_code add_platforms(struct bd_buf *out, const struct bd_setup *setup)
{
	static const char constant[] = "bidui platform 1";

	for (size_t i = 0; i < setup->senders->count; i++) {
		const char *sid = setup->senders->items[i].platform_sid;
		const struct bd_hmac *secret = NULL;
		uint8_t mac[BD_DIGEST_BYTES];

		if (sid == NULL || bd_sender_keys_platform(
					   &secret, setup->sender_keys, bd_bytes_of(sid)) == NULL) {
			continue;
		}
		BD_TRY(bd_hmac_of(secret, bd_bytes_of(constant), mac));
		BD_TRY(bd_buf_add_sized(out, bd_bytes_of(sid)));
		BD_TRY(bd_buf_add(out, (struct bd_bytes){ (const char *)mac, sizeof(mac) }));
	}
	return BD_OK;
}

static enum bd_code add_secrets(
	struct bd_buf *out, const struct bd_setup *setup, const uint8_t key[BD_DIGEST_BYTES])
{
	uint8_t digest[BD_DIGEST_BYTES];
	bool has_any = false;

	BD_TRY(bd_message_keys_digest(digest, &has_any, setup->message_keys, key));
	BD_TRY(has_any ? bd_buf_add(out, (struct bd_bytes){ (const char *)digest, sizeof(digest) })
		       : BD_OK);
	return add_platforms(out, setup);
}

/* Where there are no secrets it is that of the files, which anyone can make who has them. */
enum bd_code bd_setup_key_digest(struct bd_setup *setup, const uint8_t key[BD_DIGEST_BYTES])
{
	struct bd_hmac *hmac = NULL;
	struct bd_buf secrets;
	enum bd_code code;

	memcpy(setup->digest_key, key, sizeof(setup->digest_key));
	setup->has_digest_key = true;
	bd_buf_init(&secrets, SETUP_MAX_BYTES);
	code = add_secrets(&secrets, setup, key);
	if (code == BD_OK && secrets.len > 0) {
		code = bd_buf_add(&secrets,
			(struct bd_bytes){ (const char *)setup->digest, BD_DIGEST_BYTES });
		code = code == BD_OK ? bd_hmac_new(&hmac, (struct bd_bytes){ (const char *)key,
								  BD_DIGEST_BYTES })
				     : code;
		code = code == BD_OK ? bd_hmac_of(hmac, bd_buf_bytes(&secrets), setup->digest)
				     : code;
	}
	bd_hmac_free(hmac);
	bd_buf_release(&secrets);
	return code;
}

struct bd_setup *bd_setup_ref(struct bd_setup *setup)
{
	__atomic_add_fetch(&setup->references, 1, __ATOMIC_RELAXED);
	return setup;
}

void bd_setup_unref(struct bd_setup *setup)
{
	if (setup == NULL || __atomic_sub_fetch(&setup->references, 1, __ATOMIC_ACQ_REL) != 0) {
		return;
	}
	bd_message_keys_unref(setup->message_keys);
	bd_quotas_free(setup->quotas);
	bd_sender_keys_free(setup->sender_keys);
	bd_buf_release(&setup->image_buf);
	bd_buf_release(&setup->openapi_buf);
	bd_arena_release(&setup->arena);
	free(setup);
}

const struct bd_plan *bd_setup_plan(const struct bd_setup *setup, struct bd_bytes source)
{
	for (size_t i = 0; i < setup->plan_count; i++) {
		if (bd_bytes_is(source, setup->plans[i]->source)) {
			return setup->plans[i];
		}
	}
	return NULL;
}

enum bd_code bd_setup_open_store(struct bd_store **out, const struct bd_setup *setup,
	const struct bd_keys *keys, bool is_load, struct bd_diag *diag)
{
	const struct bd_settings *settings = setup->settings;
	struct bd_store_settings store = { .folder = settings->data_folder,
		.map_size_bytes = settings->map_size_bytes,
		.free_min_bytes = settings->free_min_bytes,
		.free_min_percent = (uint32_t)settings->free_min_percent,
		.journal_days = (uint32_t)settings->journal_days,
		.history_days = (uint32_t)settings->history_days,
		.cases_days = (uint32_t)settings->cases_days,
		.sealing = (enum bd_sealing)settings->sealing,
		.blinding = (enum bd_blinding)settings->blinding,
		.keys = keys,
		.is_load = is_load };

	return bd_store_open(out, &store, setup->covers, setup->cover_count, diag);
}
