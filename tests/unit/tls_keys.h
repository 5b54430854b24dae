/* tls_keys.h - throw-away keys and certificates as PEM files, for tests of TLS.
 *
 * Made anew in each run: nothing here ever leaves its folder, and nothing expires in a repository.
 */
#ifndef TLS_KEYS_H
#define TLS_KEYS_H

#define TLS_PATH_BYTES 256

struct tls_pair {
	char cert[TLS_PATH_BYTES], key[TLS_PATH_BYTES];
};

struct tls_keys {
	char folder[TLS_PATH_BYTES];
	struct tls_pair ca, other_ca; /* two authorities that know nothing of each other */
	struct tls_pair server;       /* of ca, for the address 127.0.0.1 */
	struct tls_pair elsewhere;    /* of ca, for the name elsewhere.invalid only */
	struct tls_pair client;       /* of ca, common name "client" */
	struct tls_pair stranger;     /* of other_ca, common name "stranger" */
	struct tls_pair expired;      /* of ca, for 127.0.0.1, until yesterday */
	char key_with_pass_phrase[TLS_PATH_BYTES]; /* of client */
};

/* Aborts where it cannot. */
void tls_keys_make(struct tls_keys *keys);
/* Removes the files and the folder. */
void tls_keys_remove(struct tls_keys *keys);

#endif
