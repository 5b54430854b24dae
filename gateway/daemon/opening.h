/* opening.h - what a worker asks to be opened or checked, done by a thread of the pool: a signature
 * of SM2 takes most of a millisecond, and comparisons must not wait for it.
 *
 * Layer: daemon, on one loop's thread.
 */
#ifndef BD_DAEMON_OPENING_H
#define BD_DAEMON_OPENING_H

#include "base/bytes.h"

struct uv_loop_s;
struct bd_message_keys;
struct bd_opening;

/* request: of a frame OPEN; copied. on_opened gets the payload of a frame OPENED, later, once.
 * BD_WORKER_DIED: not of that form. */
enum bd_code bd_opening_begin(struct bd_opening **out, struct uv_loop_s *loop,
	struct bd_message_keys *keys, struct bd_bytes request,
	void (*on_opened)(void *state, struct bd_bytes reply), void *state);
/* Nobody waits for it any more: on_opened does not come. NULL is allowed. */
void bd_opening_forget(struct bd_opening *opening);

#endif
