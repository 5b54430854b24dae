/* settings.h - bidui.conf and senders.conf: how this daemon runs, and who may speak to it as whom.
 *
 * Layer: config. Lines of "key = value"; '#' begins a comment line; blanks around both are dropped.
 * Every key is a row of a typed table with a range and a default (settings.c); an unknown key, a
 * key twice, a value out of range are errors with line, column and a suggestion. senders.conf has
 * one "[name]" section a sender. Passwords never stand here: keys are files.
 */
#ifndef BD_CONFIG_SETTINGS_H
#define BD_CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/keys.h"
#include "config/diags.h"

struct bd_settings {
	const char *listen;           /* "address:port" of the TLS listener; NULL = none */
	const char *listen_plaintext; /* loopback only; NULL = none */
	const char *listen_proxy;     /* for terminating proxies alone; NULL = none */
	const char *proxy_pins;       /* their keys: SHA-256 in hexadecimal, blanks between */
	uint64_t two_person_approval; /* 1: changes of the configuration take two people */
	uint64_t signature_window_s;  /* how far from our time a request may be signed */
	const char *tls_certificate, *tls_key, *tls_ca, *tls_crl; /* files; crl may be NULL */
	const char *deny_list_file;      /* certificates refused at once; NULL = none */
	uint64_t tls_clients;            /* enum bd_tls_clients */
	uint64_t crl_unavailable;        /* hours for which a CRL counts after its end; 0 = deny */
	uint64_t certificate_alarm_days; /* before a certificate's end */
	const char *data_folder;
	/* Where the master keys come from, exactly one: master_key.h. */
	const char *master_key_file, *master_key_credential, *master_key_command;
	uint64_t sealing, blinding;   /* enum bd_sealing, enum bd_blinding */
	const char *signing_key_file; /* PEM, P-256 or SM2: signs the heads of the trail */
	const char *adapters_folder, *schemas_folder;
	const char *senders_file;
	const char *accounts_file; /* people; NULL = none */
	const char *sources_file;  /* how sources are reached (sources.h); NULL = they push */
	const char *grants_file;   /* who may ask what: without one nobody may */
	const char *worker_path;
	const char *database_path;     /* what reads front-end databases; NULL = none is read */
	const char *witness_keys_file; /* PEM: who countersigns the trail; NULL = nobody */
	const char *witness_file;      /* signed heads in a second place; NULL = none */
	const char *keys_folder;       /* of signed and sealed messages; NULL = none */
	const char *run_as_user;       /* whom root becomes; NULL = root does not start */
	const char *sandbox_folder;    /* invented subjects for integrators; NULL = none */
	const char *port_file;   /* the ports in use are written there when ready; NULL = nowhere */
	uint64_t loops;          /* 0 = one a core */
	uint64_t workers;        /* processes that parse messages */
	uint64_t body_max_bytes; /* of one pushed message */
	uint64_t question_max_bytes;
	uint64_t look_up_wait_ms;   /* how long a case waits for departments; 0 = none is asked */
	uint64_t cases_waiting_max; /* cases that wait for departments at once */
	uint64_t connections_max;
	uint64_t header_timeout_ms, body_timeout_ms, write_timeout_ms, idle_timeout_ms;
	uint64_t message_time_max_ms; /* a worker's time for one message of gathered size */
	uint64_t map_size_bytes;      /* reserved address space of the store */
	/* below either of these, of the file system of data_folder, writes are refused */
	uint64_t free_min_bytes, free_min_percent;
	uint64_t journal_days;         /* how long idempotency keys of pushes are kept */
	uint64_t history_days;         /* how long what the store held before is kept */
	uint64_t cases_days;           /* how long case files are kept beside their receipts */
	uint64_t dispute_days;         /* working days in which a source looks at a dispute */
	uint64_t trail_durability;     /* enum bd_trail_durability */
	uint64_t witness_file_every_s; /* a line of witness_file, where there is a new head */
	uint64_t witness_age_max_s;    /* without a countersignature for so long: an alarm */
	uint64_t confinement;          /* enum bd_confinement */
	uint64_t trail_segment_bytes;  /* of one file of the trail; each loop takes three */
};

/* Whether a client without a certificate is let in, as nobody: health and figures are open to all.
 */
enum bd_tls_clients { BD_TLS_CLIENTS_ASKED = 0, BD_TLS_CLIENTS_REQUIRED };

/* What an entry of the trail survives when its answer leaves: a killed process, or a power loss. */
enum bd_trail_durability { BD_TRAIL_WRITTEN = 0, BD_TRAIL_SYNCED };

/* Where the kernel cannot confine biduid and its workers (daemon/fence.h): no start, or a warning.
 */
enum bd_confinement { BD_CONFINEMENT_REQUIRED = 0, BD_CONFINEMENT_BEST_EFFORT };

/* What biduid does with what a setting names. Of a file the folder is meant as well: it may be
 * replaced by another of its name. */
enum bd_file_use {
	BD_FILE_READ = 0,
	BD_FILE_WRITTEN,
	BD_FILE_RUN,
	BD_FOLDER_READ,
	BD_FOLDER_WRITTEN
};

struct bd_setting_file {
	const char *key;
	const char *path; /* NULL = not set */
	enum bd_file_use use;
	bool may_be_lost; /* a policy says what then: another setting */
};

/* What each may do stands in daemon/routes.c; which exclude each other in config/roles.c. */
enum bd_sender_role {
	BD_SENDER_DEPARTMENT = 1, /* may push for its sources */
	BD_SENDER_ENGINE = 2,     /* may compare and query */
	BD_SENDER_OPERATOR = 4,   /* may see state, replay rejects, recall */
	BD_SENDER_AUDITOR = 8,    /* may see what is on the trail, and nothing else */
	/* the three administrators 三员 */
	BD_SENDER_SYSTEM = 16,   /* 系统管理员: proposes changes of the configuration */
	BD_SENDER_SECURITY = 32, /* 安全管理员: approves them */
	BD_SENDER_AUDIT = 64     /* 审计管理员: sees that both did, by the trail */
};

struct bd_password;

/* A key that a sender signs its requests with; it may have several while one follows another. */
struct bd_sender_key {
	const char *id; /* as the sender names it; of one sender alone */
	const char *file;
};

/* What one sender may ask, against the trying out of numbers and values; 0 = no limit. Defaults in
 * base/limits.h. */
struct bd_sender_limits {
	uint64_t requests_per_second; /* questions, batches as one, and all other requests */
	uint64_t requests_burst;      /* at once, after a silence */
	uint64_t lines_per_second, lines_burst;       /* of batches */
	uint64_t subjects_per_hour, subjects_per_day; /* different ones asked about */
	uint64_t values_per_day; /* different ones claimed of one field of one subject */
};

/* Known by exactly one of: issuer and name (SAN) of its certificate, issuer and serial of it, its
 * key's pin, keys that sign its requests, or by speaking on the plaintext listener, which only this
 * machine reaches. */
struct bd_sender {
	const char *name;
	/* The authority's distinguished name (RFC 4514), or its key's pin; one of them stands with
	 * a name or serial. */
	const char *certificate_issuer, *certificate_issuer_pin;
	const char *certificate_name;
	const char *certificate_serial; /* hexadecimal, upper case */
	const char *spki_pin; /* hexadecimal SHA-256 of SubjectPublicKeyInfo, lower case */
	const struct bd_sender_key *keys;
	size_t key_count;
	bool is_loopback; /* whoever speaks on the plaintext listener */
	bool is_person;   /* known by a password, and by nothing else: config/accounts.h */
	/* A platform 政务服务平台 by its own headers (gjzwfwpt_sid and so on), the file of its
	 * secret and the SHA-256 of the key of the certificate that it connects with; all or none.
	 * Such a sender may only push: what it signs covers neither address nor body. */
	const char *platform_sid, *platform_secret_file, *platform_pin;
	bool is_disabled; /* an account that may not be used */
	const struct bd_password *password;
	uint32_t roles; /* enum bd_sender_role */
	struct bd_sender_limits limits;
	const char *const *sources; /* it may speak for */
	size_t source_count;
	/* Where events of its cases are sent to, with its key's file, and the CA of a server that
	 * the system does not know; NULL = nowhere, the system's. */
	const char *webhook_url, *webhook_key_file, *webhook_ca_file;
};

struct bd_senders {
	const struct bd_sender *items;
	size_t count;
};

/* All text lives in the arena. `path` is shown by its last part. A relative file name in a file is
 * taken relative to the folder of that file. */
enum bd_code bd_config_settings(const struct bd_settings **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags);
/* The settings that name files and folders, from `at` 0 until false. */
bool bd_config_setting_file(
	struct bd_setting_file *out, const struct bd_settings *settings, size_t at);
/* Each file and folder that is set can be used as biduid uses it, by the account that asks; those
 * that cannot are told all at once (config.path). `path`: of the settings file. */
enum bd_code bd_config_paths(
	const struct bd_settings *settings, const char *path, struct bd_diags *diags);
enum bd_code bd_config_senders(const struct bd_senders **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags);

#endif
