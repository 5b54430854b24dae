/* image.h - compiled adapters and their dictionary as bytes, for a worker's sealed memfd, and back.
 *
 * Layer: intake. Versioned by a magic; reading checks every index and length: BD_STORE_DAMAGED,
 * never a read outside.
 */
#ifndef BD_INTAKE_IMAGE_H
#define BD_INTAKE_IMAGE_H

#include "intake/plan.h"

enum bd_code bd_image_write(struct bd_buf *out, const struct bd_dictionary *dict,
	const struct bd_plan *const *plans, size_t plan_count);
/* Everything comes from the arena or borrows from bytes. */
enum bd_code bd_image_read(const struct bd_dictionary **dict, const struct bd_plan *const **plans,
	size_t *plan_count, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag);

#endif
