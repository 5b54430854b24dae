#include "daemon/access.h"

#include <string.h>

static bool has_name(const struct bd_http_peer *peer, const char *name)
{
	for (size_t i = 0; i < peer->name_count; i++) {
		if (strcmp(peer->names[i], name) == 0) {
			return true;
		}
	}
	return !peer->has_alternative_names && strcmp(peer->common_name, name) == 0;
}

/* A name or serial is the issuer's word: under another issuer it says nothing. An issuer that did
 * not fit or is not known is "", and no sender has that. */
static bool is_issuer(const struct bd_sender *sender, const struct bd_http_peer *peer)
{
	return sender->certificate_issuer_pin != NULL
		       ? strcmp(sender->certificate_issuer_pin, peer->issuer_spki_sha256) == 0
		       : sender->certificate_issuer != NULL &&
				 strcmp(sender->certificate_issuer, peer->issuer) == 0;
}

static bool is_issued(const struct bd_sender *sender, const struct bd_http_peer *peer)
{
	if (!is_issuer(sender, peer)) {
		return false;
	}
	return sender->certificate_serial != NULL
		       ? strcmp(sender->certificate_serial, peer->serial) == 0
		       : sender->certificate_name != NULL &&
				 has_name(peer, sender->certificate_name);
}

static bool is_known_as(
	const struct bd_sender *sender, const struct bd_http_peer *peer, bool is_loopback)
{
	if (sender->is_loopback || peer == NULL) {
		return sender->is_loopback && is_loopback;
	}
	return sender->spki_pin != NULL ? strcmp(sender->spki_pin, peer->spki_sha256) == 0
					: is_issued(sender, peer);
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

bool bd_access_has(const struct bd_sender *sender, uint32_t roles)
{
	return (sender->roles & roles) != 0;
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
