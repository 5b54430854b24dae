#include "base/limits.h"
#include "config/sources_parts.h"

#include <string.h>

/* -- what all connections have -- */

static void read_allow(struct bd_source_reading *reading, struct bd_endpoint *endpoint,
	const struct bd_xml_node *node)
{
	size_t count = 0;
	const char *const *texts =
		bd_compiler_split(&reading->compiler, bd_xml_attr(node, "allow"), ' ', &count);
	struct bd_address_range *ranges =
		bd_compiler_make(&reading->compiler, count, sizeof(*ranges));

	for (size_t i = 0; ranges != NULL && i < count; i++) {
		if (!bd_address_range_parse(&ranges[i], texts[i])) {
			bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "allow",
				"'%s' is no range of addresses: 10.1.0.0/16, with zeros behind the "
				"prefix",
				texts[i]);
		}
	}
	endpoint->allow = ranges;
	endpoint->allow_count = count;
}

const struct bd_source_value *bd_sources_values(
	struct bd_source_reading *reading, size_t *out, const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "value");
	struct bd_source_value *values =
		bd_compiler_make(&reading->compiler, count, sizeof(*values));
	const struct bd_xml_node *child = bd_xml_child(node, "value");

	for (size_t i = 0; values != NULL && child != NULL; i++, child = bd_xml_next(child)) {
		values[i] = (struct bd_source_value){ bd_xml_attr(child, "name"),
			bd_xml_attr(child, "value"), bd_sources_path(reading, child, "file") };
		if ((values[i].value == NULL) == (values[i].file == NULL)) {
			bd_sources_fail(reading, child, NULL, "either value or file");
		}
		for (size_t b = 0; b < i; b++) {
			if (strcmp(values[b].name, values[i].name) == 0) {
				bd_sources_fail(reading, child, "name", "stands twice");
			}
		}
	}
	*out = values != NULL ? count : 0;
	return values;
}

static bool has_scheme(const char *base, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(base, scheme, len) == 0 && strncmp(base + len, "://", 3) == 0 &&
	       base[len + 3] != '\0' && base[len + 3] != '/';
}

/* A name and a password in an address would be shown in logs. */
static void read_base(struct bd_source_reading *reading, struct bd_endpoint *endpoint,
	const struct bd_xml_node *node)
{
	const char *base = bd_xml_attr(node, "base");
	size_t len = strlen(base);
	bool is_good = endpoint->kind == BD_ENDPOINT_HTTP
			       ? has_scheme(base, "https") || (endpoint->is_plaintext_allowed &&
								      has_scheme(base, "http"))
			       : has_scheme(base, "sftp") || has_scheme(base, "ftps") ||
					 has_scheme(base, "ftpes");

	if (!is_good) {
		bd_sources_fail(reading, node, "base",
			endpoint->kind == BD_ENDPOINT_HTTP
				? "https://HOST..., or http:// with plaintext=\"true\""
				: "sftp://HOST/FOLDER, ftpes://HOST/FOLDER or "
				  "ftps://HOST/FOLDER");
	} else if (strpbrk(base, "?#@ {}") != NULL || base[len - 1] == '/') {
		bd_sources_fail(reading, node, "base",
			"an address without user, query and fragment, and no slash at its end");
	}
	endpoint->base = base;
}

static void read_files(struct bd_source_reading *reading, struct bd_endpoint *endpoint,
	const struct bd_xml_node *node)
{
	bool is_sftp = strncmp(endpoint->base, "sftp://", 7) == 0;
	bool has_pin;

	endpoint->user = bd_xml_attr(node, "user");
	endpoint->password_file = bd_sources_path(reading, node, "password-file");
	endpoint->host_key_sha256 = bd_xml_attr(node, "host-key-sha256");
	endpoint->known_hosts = bd_sources_path(reading, node, "known-hosts");
	has_pin = (endpoint->host_key_sha256 != NULL) != (endpoint->known_hosts != NULL);
	if (is_sftp && !has_pin) {
		bd_sources_fail(reading, node, "base",
			"sftp: the server's key is pinned by host-key-sha256 or by known-hosts");
	}
	if (is_sftp ? (endpoint->key == NULL) == (endpoint->password_file == NULL)
		    : endpoint->password_file == NULL || endpoint->key != NULL) {
		bd_sources_fail(reading, node, "user",
			is_sftp ? "sftp: either key or password-file"
				: "ftps and ftpes: password-file");
	}
}

static void read_endpoint(struct bd_source_reading *reading, struct bd_endpoint *endpoint,
	const struct bd_xml_node *node)
{
	endpoint->kind = strcmp(node->name, "http") == 0 ? BD_ENDPOINT_HTTP : BD_ENDPOINT_FILES;
	endpoint->name = bd_xml_attr(node, "name");
	endpoint->is_plaintext_allowed = bd_xml_is_true(node, "plaintext");
	endpoint->ca = bd_sources_path(reading, node, "ca");
	endpoint->cert = bd_sources_path(reading, node, "cert");
	endpoint->key = bd_sources_path(reading, node, "key");
	endpoint->concurrency =
		(uint32_t)bd_sources_number(node, "concurrency", BD_SOURCE_CONCURRENCY);
	endpoint->rate_per_s = (uint32_t)bd_sources_number(node, "rate", 0);
	endpoint->connect_ms =
		(uint32_t)bd_sources_number(node, "connect-ms", BD_SOURCE_CONNECT_MS);
	endpoint->idle_ms = (uint32_t)bd_sources_number(node, "idle-ms", BD_SOURCE_IDLE_MS);
	endpoint->total_ms = (uint32_t)bd_sources_number(node, "total-ms", BD_SOURCE_TOTAL_MS);
	endpoint->max_bytes = bd_sources_number(node, "max-bytes", BD_SOURCE_ANSWER_BYTES);
	endpoint->tries = (uint32_t)bd_sources_number(node, "tries", BD_SOURCE_TRIES);
	endpoint->trip_after =
		(uint32_t)bd_sources_number(node, "trip-after", BD_SOURCE_TRIP_AFTER);
	endpoint->trip_ms = bd_sources_span_ms(node, "trip-for", BD_SOURCE_TRIP_MS);
	read_allow(reading, endpoint, node);
	endpoint->values = bd_sources_values(reading, &endpoint->value_count, node);
	read_base(reading, endpoint, node);
	if (endpoint->kind == BD_ENDPOINT_FILES) {
		read_files(reading, endpoint, node);
	} else if (endpoint->key != NULL && endpoint->cert == NULL) {
		bd_sources_fail(reading, node, "key", "a key goes with a cert");
	}
}

void bd_sources_endpoints(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "http") + bd_xml_count(node, "files");
	struct bd_endpoint *endpoints =
		bd_compiler_make(&reading->compiler, count, sizeof(*endpoints));

	access->endpoints = endpoints;
	for (const struct bd_xml_node *child = node->first; endpoints != NULL && child != NULL;
		child = child->next) {
		if (strcmp(child->name, "http") != 0 && strcmp(child->name, "files") != 0) {
			continue;
		}
		if (bd_sources_endpoint(access, bd_xml_attr(child, "name")) != NULL) {
			bd_sources_fail(reading, child, "name", "stands twice");
		}
		read_endpoint(reading, &endpoints[access->endpoint_count++], child);
	}
}
