/* setup.h - everything that a start or a reload reads from files, whole and never changed
 * afterwards.
 *
 * Layer: daemon. A reload makes a new one beside it; whoever works by the old one keeps a reference
 * until it is done, so no request sees half of each.
 */
#ifndef BD_DAEMON_SETUP_H
#define BD_DAEMON_SETUP_H

#include "answer/answer.h"
#include "base/digest.h"
#include "base/workday.h"
#include "config/settings.h"
#include "config/sources.h"
#include "intake/plan.h"
#include "store/store.h"

struct bd_quotas;
struct bd_sender_keys;
/* On which days a feed may be used for anything. */
struct bd_feed_use {
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	struct bd_approved_use approval;
};

struct bd_setup {
	const struct bd_settings *settings;
	const struct bd_senders *senders;
	struct bd_sender_keys *sender_keys; /* they sign with */
	struct bd_quotas *quotas;           /* what they may ask */
	const struct bd_dictionary *dict;
	const struct bd_plan *const *plans; /* by source name */
	size_t plan_count;
	const char *const *source_names;          /* of the plans */
	const struct bd_sources *sources;         /* how they are reached; NULL = they push */
	size_t look_up_count;                     /* that they have */
	const struct bd_source_closing *closings; /* when they do not answer */
	size_t closing_count;
	struct bd_source_files source_files; /* that the sources file names */
	const struct bd_cover *covers;       /* what the plans say that their sources cover */
	size_t cover_count;
	const struct bd_feed_use *uses; /* of every feed, in the order of the plans */
	size_t use_count;
	const struct bd_section_use *section_uses; /* of the sections of these */
	size_t section_use_count;
	const struct bd_matter **matters;
	size_t matter_count;                  /* versions of all */
	const struct bd_grants *grants;       /* who may ask what of them */
	const struct bd_calendar *calendar;   /* working days */
	struct bd_bytes sandbox;              /* its held.json; empty = no sandbox */
	struct bd_message_keys *message_keys; /* of signed and sealed messages (message_keys.h) */
	struct bd_bytes image;                /* of the plans, for the workers */
	struct bd_bytes openapi;              /* JSON; empty when the file is not there */
	/* Of all files that were read (imprint.h); where there are keys of messages or secrets of
	 * platforms, an HMAC of that and of them, once the store's key for it is known. */
	uint8_t digest[BD_DIGEST_BYTES];
	/* private */
	struct bd_arena arena;
	struct bd_buf image_buf, openapi_buf;
	uint8_t digest_key[BD_DIGEST_BYTES];
	bool has_digest_key;
	unsigned references; /* atomic */
};

/* Reads the settings file and all it names. Every error is added to diags. before: the one that it
 * takes the place of, whose counts go on; or NULL. */
enum bd_code bd_setup_load(struct bd_setup **out, const char *settings_path,
	const struct bd_setup *before, struct bd_diags *diags);
/* Once, of the first: its digest, and of those that are loaded in its place, has the keys of
 * messages in it from now on. */
enum bd_code bd_setup_key_digest(struct bd_setup *setup, const uint8_t key[BD_DIGEST_BYTES]);
struct bd_setup *bd_setup_ref(struct bd_setup *setup);
void bd_setup_unref(struct bd_setup *setup); /* NULL is allowed */
/* The store as the settings have it, for the gateway and for whoever loads into it (is_load):
 * opened by other settings it would be another. As bd_store_open. */
enum bd_code bd_setup_open_store(struct bd_store **out, const struct bd_setup *setup,
	const struct bd_keys *keys, bool is_load, struct bd_diag *diag);

/* NULL when there is none. */
const struct bd_plan *bd_setup_plan(const struct bd_setup *setup, struct bd_bytes source);

#endif
