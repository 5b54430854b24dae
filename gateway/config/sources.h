/* sources.h - reads the sources file 数据源接入文件: how this deployment reaches its departments,
 * and when it asks them.
 *
 * Layer: config. XML by schemas/sources.xsd. Adapters are shared between deployments and say what a
 * request looks like; addresses, secrets, limits and schedules are of one deployment and stand
 * here. Whatever a part names must be there: a source with an adapter, a feed of it, a connection
 * of the same source.
 *
 * A kind of access of its own (a folder, a database) adds: its element to the XSD, a list to struct
 * bd_source_access, a reader in a file of its own that sources.c calls (sources_parts.h), and the
 * files it names to bd_config_source_file.
 */
#ifndef BD_CONFIG_SOURCES_H
#define BD_CONFIG_SOURCES_H

#include "base/address.h"
#include "base/silence.h"
#include "config/requests.h"
#include "config/settings.h"
#include "intake/plan.h"

enum bd_endpoint_kind { BD_ENDPOINT_HTTP = 1, BD_ENDPOINT_FILES };

/* What a request names as {name}: exactly one of value and file is set. */
struct bd_source_value {
	const char *name, *value, *file;
};

/* How a source is reached. Texts NULL = not stated; numbers have their defaults by now. */
struct bd_endpoint {
	enum bd_endpoint_kind kind;
	const char *name;
	const char *base; /* URL without a slash at its end */
	const char *ca, *cert, *key;
	bool is_plaintext_allowed;
	const struct bd_address_range *allow;
	size_t allow_count;
	uint32_t concurrency, rate_per_s; /* rate 0 = no limit */
	uint32_t connect_ms, idle_ms, total_ms;
	uint64_t max_bytes;
	uint32_t tries, trip_after;
	uint64_t trip_ms;
	const struct bd_source_value *values;
	size_t value_count;
	/* files */
	const char *user, *password_file, *host_key_sha256, *known_hosts;
};

struct bd_pull_plan {
	const char *name;
	const struct bd_endpoint *from;
	const struct bd_form *form;           /* the request; NULL for files */
	const struct bd_source_value *values; /* before those of the connection */
	size_t value_count;
	const char *files;  /* pattern (base/file_pattern.h); NULL for requests */
	uint64_t settle_ms; /* a file has not been changed for so long */
	const struct bd_feed_plan *feed;
	uint64_t every_ms; /* 0 = once a day */
	int32_t at_minute; /* of the day in Asia/Shanghai; -1 = by every_ms */
	uint32_t line, column;
};

struct bd_lookup_plan {
	const struct bd_endpoint *from;
	const struct bd_form *form;
	const struct bd_source_value *values;
	size_t value_count;
	const struct bd_feed_plan *feed;
	uint64_t remember_none_ms;
	uint32_t hedge_ms; /* 0 = never */
	uint32_t line, column;
};

/* Which files of a folder are of which feed. */
struct bd_folder_file {
	const char *pattern; /* base/file_pattern.h */
	bool has_free_ending;
	const struct bd_feed_plan *feed;
};

/* A folder in which files are dropped. Paths are absolute or relative to the working folder, as
 * resolved from the sources file. */
struct bd_folder_plan {
	const char *name, *path;
	const char *done,
		*failed; /* where files go to with their receipts, or the receipts alone */
	bool is_one_way; /* only read: files stay, receipts go elsewhere */
	const char
		*done_suffix; /* of the mark beside a complete file; NULL = complete when there */
	const char *totals;   /* pattern of the file with a day's control totals; NULL = none */
	bool has_owner;       /* whose files are taken beside the folder's and our own: */
	uint32_t owner;       /* a user's number */
	uint64_t max_bytes;   /* of one file; 0 = the setting body_max_bytes */
	const struct bd_folder_file *files; /* the first that fits counts */
	size_t file_count;
	uint32_t line, column;
};

/* Something should have come of a feed within so long. */
struct bd_expect_plan {
	const struct bd_feed_plan *feed;
	uint64_t within_ms;
	bool is_working_days; /* weekends and holidays do not count */
};

/* A front-end database 前置库 whose rows are read, and after their commit marked. */
struct bd_database_plan {
	const char *name;
	const char *connection;           /* attributes of SQLDriverConnect */
	const char *user, *password_file; /* password_file NULL = none */
	const struct bd_feed_plan *feed;  /* delimited: its columns, in its order */
	const char *select, *consumed;    /* consumed NULL = nothing is written back */
	const char *parameters;           /* "watermark key": what each ? of the query stands for */
	const char *watermark, *key;      /* columns; key NULL = none */
	const char *first;                /* the watermark before the first row */
	const char *charset;              /* NULL = of the feed */
	uint64_t every_ms;
	uint32_t batch, connect_ms, query_ms;
	uint32_t line, column;
};

/* Of one source. */
struct bd_source_access {
	const struct bd_plan *plan;
	struct bd_forms forms; /* all that its adapter knows to ask */
	const struct bd_endpoint *endpoints;
	size_t endpoint_count;
	const struct bd_pull_plan *pulls;
	size_t pull_count;
	const struct bd_lookup_plan *lookups;
	size_t lookup_count;
	const struct bd_folder_plan *folders;
	size_t folder_count;
	const struct bd_expect_plan *expects;
	size_t expect_count;
	const struct bd_closed *closed; /* when nothing will come */
	size_t closed_count;
	const struct bd_database_plan *databases;
	size_t database_count;
};

struct bd_sources {
	const struct bd_source_access *items;
	size_t count;
};

struct bd_source_context {
	const char *schemas, *adapters; /* folders */
	const struct bd_dictionary *dict;
	const struct bd_plan *const *plans;
	size_t plan_count;
};
/* `path` is shown by its last part; everything lives in the arena. Every error is added to diags.
 */
enum bd_code bd_config_source_access(const struct bd_sources **out, const char *path,
	const struct bd_source_context *context, struct bd_arena *arena, struct bd_diags *diags);

/* The files and folders that the sources file names: what biduid may use of them (daemon/fence.h),
 * and what of them is part of the configuration that two people approve. Needs no adapters. */
struct bd_source_file {
	const char *path;
	enum bd_file_use use;
	bool is_trust; /* says whom we believe: authorities, keys of servers */
};
struct bd_source_files {
	const struct bd_source_file *items;
	size_t count;
};
enum bd_code bd_config_source_files(struct bd_source_files *out, const char *path,
	const char *schemas, struct bd_arena *arena, struct bd_diags *diags);

/* NULL = none. */
const struct bd_source_access *bd_source_access_find(
	const struct bd_sources *sources, const char *source);

#endif
