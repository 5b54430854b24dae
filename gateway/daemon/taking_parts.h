/* taking_parts.h - what the two files of a taking share: taking.c has its life, what is given and
 * the worker; taking_entry.c what the worker made of it, from the result to the receipt.
 *
 * Layer: daemon, private to taking*.c.
 */
#ifndef BD_DAEMON_TAKING_PARTS_H
#define BD_DAEMON_TAKING_PARTS_H

#include "daemon/taking.h"

/* -- taking.c -- */

/* It is over: exactly one of receipt and diag is given. */
void bd_taking_tell(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag);

/* -- taking_entry.c -- */

/* The worker is done; its result lives until this returns. */
void bd_taking_conclude(struct bd_taking *taking, const struct bd_intake_result *result);

#endif
