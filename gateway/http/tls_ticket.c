#include "http/tls_ticket.h"

#include "base/digest.h"
#include "base/limits.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 16

struct key {
	uint8_t name[NAME_BYTES];
	uint8_t cipher[32], mac[32];
	int64_t made_ms;
	bool is_made;
};

struct bd_http_tickets {
	pthread_mutex_t lock;
	struct key now, before;
	unsigned references; /* atomic */
};

enum bd_code bd_http_tickets_new(struct bd_http_tickets **out)
{
	struct bd_http_tickets *tickets = calloc(1, sizeof(*tickets));
	if (tickets == NULL || pthread_mutex_init(&tickets->lock, NULL) != 0) {
		free(tickets);
		return BD_NO_MEMORY;
	}
	tickets->references = 1;
	*out = tickets;
	return BD_OK;
}

struct bd_http_tickets *bd_http_tickets_ref(struct bd_http_tickets *tickets)
{
	__atomic_add_fetch(&tickets->references, 1, __ATOMIC_RELAXED);
	return tickets;
}

void bd_http_tickets_unref(struct bd_http_tickets *tickets)
{
	if (tickets != NULL && __atomic_sub_fetch(&tickets->references, 1, __ATOMIC_ACQ_REL) == 0) {
		pthread_mutex_destroy(&tickets->lock);
		bd_wipe(tickets, sizeof(*tickets));
		free(tickets);
	}
}

/* A key seals for BD_HTTP_TICKET_KEY_MS and opens for twice that; then it is gone for good, and
 * with it whatever was recorded of the connections that it could have opened. */
static bool rotate(struct bd_http_tickets *tickets, int64_t now_ms)
{
	struct key fresh = { .made_ms = now_ms, .is_made = true };
	if (tickets->now.is_made && now_ms - tickets->now.made_ms < BD_HTTP_TICKET_KEY_MS) {
		return true;
	}
	if (bd_random(fresh.name, sizeof(fresh.name)) != BD_OK ||
		bd_random(fresh.cipher, sizeof(fresh.cipher)) != BD_OK ||
		bd_random(fresh.mac, sizeof(fresh.mac)) != BD_OK) {
		return false;
	}
	tickets->before = tickets->now;
	tickets->now = fresh;
	bd_wipe(&fresh, sizeof(fresh));
	return true;
}

static bool prepare_mac(EVP_MAC_CTX *mac, const struct key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* A copy of the key in force; false without one. */
static bool take_key(struct key *out, struct bd_http_tickets *tickets, int64_t now_ms)
{
	pthread_mutex_lock(&tickets->lock);
	bool is_good = rotate(tickets, now_ms);
	*out = tickets->now;
	pthread_mutex_unlock(&tickets->lock);
	return is_good;
}

int bd_http_tickets_seal(struct bd_http_tickets *tickets, int64_t now_ms, unsigned char *name,
	unsigned char *iv, struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac)
{
	struct key key;
	bool is_good =
		take_key(&key, tickets, now_ms) &&
		bd_random(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == BD_OK &&
		EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
		prepare_mac(mac, &key);
	memcpy(name, key.name, sizeof(key.name));
	bd_wipe(&key, sizeof(key));
	return is_good ? 1 : -1;
}

int bd_http_tickets_open(struct bd_http_tickets *tickets, int64_t now_ms, const unsigned char *name,
	const unsigned char *iv, struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac)
{
	struct key key = { .is_made = false };
	bool is_newest = false;
	pthread_mutex_lock(&tickets->lock);
	for (size_t i = 0; i < 2; i++) {
		const struct key *one = i == 0 ? &tickets->now : &tickets->before;
		if (!key.is_made && one->is_made && memcmp(one->name, name, NAME_BYTES) == 0 &&
			now_ms - one->made_ms < 2 * BD_HTTP_TICKET_KEY_MS) {
			key = *one;
			is_newest = i == 0;
		}
	}
	pthread_mutex_unlock(&tickets->lock);
	if (!key.is_made) {
		return 0;
	}
	bool is_good = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
		       prepare_mac(mac, &key);
	bd_wipe(&key, sizeof(key));
	return !is_good ? -1 : is_newest ? 1 : 2;
}
