/* locked.h - memory for keys: not swapped out, not in a core dump, wiped when it is let go. Layer:
 * base; OpenSSL's secure heap (OPENSSL_secure_malloc(3)) stays in locked.c.
 *
 * bd_locked_open once, before there are threads. Without it, and in a process that may lock no
 * memory, what is given out is ordinary memory that is wiped all the same.
 */
#ifndef BD_BASE_LOCKED_H
#define BD_BASE_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

/* False: the system lets this process lock no memory (RLIMIT_MEMLOCK), or not so much. */
bool bd_locked_open(void);
/* Zeroed; NULL = no memory. */
void *bd_locked_alloc(size_t len);
/* Wipes; NULL is allowed. */
void bd_locked_free(void *memory, size_t len);

#endif
