#include "daemon/access.h"

#include <string.h>

static bool has_name(const struct bd_http_peer *peer, const char *name)
{
	if (strcmp(peer->common_name, name) == 0) {
		return true;
	}
	for (size_t i = 0; i < peer->name_count; i++) {
		if (strcmp(peer->names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_known_as(
	const struct bd_sender *sender, const struct bd_http_peer *peer, bool is_loopback)
{
	if (sender->is_loopback) {
		return is_loopback;
	}
	if (peer == NULL) {
		return false;
	}
	if (sender->spki_pin != NULL) {
		return strcmp(sender->spki_pin, peer->spki_sha256) == 0;
	}
	if (sender->certificate_serial != NULL) {
		return strcmp(sender->certificate_serial, peer->serial) == 0;
	}
	return sender->certificate_name != NULL && has_name(peer, sender->certificate_name);
}

const struct bd_sender *bd_access_sender(
	const struct bd_senders *senders, const struct bd_http_peer *peer, bool is_loopback)
{
	for (size_t i = 0; i < senders->count; i++) {
		if (is_known_as(&senders->items[i], peer, is_loopback)) {
			return &senders->items[i];
		}
	}
	return NULL;
}

bool bd_access_has(const struct bd_sender *sender, enum bd_sender_role role)
{
	return (sender->roles & role) != 0;
}

bool bd_access_speaks_for(const struct bd_sender *sender, const char *source)
{
	for (size_t i = 0; i < sender->source_count; i++) {
		if (strcmp(sender->sources[i], source) == 0) {
			return true;
		}
	}
	return false;
}
