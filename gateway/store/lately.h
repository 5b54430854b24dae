/* lately.h - which nodes were put lately, and by which commit: so that a case that was read a
 * moment ago need not look at each node again. Layer: store, private; the writer's thread.
 *
 * It may say of a node that was not put that it may have been, never the other way round: what it
 * had to forget is remembered as a whole, by the newest commit of it.
 */
#ifndef BD_STORE_LATELY_H
#define BD_STORE_LATELY_H

#include "store/seal.h"

struct bd_lately;

/* What was put up to this commit is not known. NULL without memory: then everything may be. */
struct bd_lately *bd_lately_new(uint64_t commit);
void bd_lately_free(struct bd_lately *lately);
void bd_lately_note(
	struct bd_lately *lately, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit);
/* By a commit after this one? */
bool bd_lately_may_have(
	const struct bd_lately *lately, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t since);

#endif
