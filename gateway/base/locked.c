#include "base/locked.h"

#include <openssl/crypto.h>
#include <string.h>

/* Some hundred bytes for each thread that opens what is sealed; below the 8 MiB that Debian lets
 * every process lock. A power of two, as the heap wants it. */
#define HEAP_BYTES ((size_t)1048576)
#define PIECE_BYTES 64

bool bd_locked_open(void)
{
	return CRYPTO_secure_malloc_initialized() == 1 ||
	       CRYPTO_secure_malloc_init(HEAP_BYTES, PIECE_BYTES) == 1;
}

void *bd_locked_alloc(size_t len)
{
	return OPENSSL_secure_zalloc(len);
}

void bd_locked_free(void *memory, size_t len)
{
	OPENSSL_secure_clear_free(memory, len);
}
