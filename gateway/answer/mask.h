/* mask.h - a value as it may be shown beside another one: enough to see why they agree or not, too
 * little to learn it. Layer: answer. Pure.
 *
 * Public and internal fields are shown; of personal ones the first character, or of a date the
 * year, and how long it is; of sensitive ones nothing.
 */
#ifndef BD_ANSWER_MASK_H
#define BD_ANSWER_MASK_H

#include "base/json_write.h"
#include "record/dictionary.h"

/* Members of an object that is open: field, label, and what was claimed and is held of it, masked.
 * ptr NULL = there is none. */
void bd_mask_pair(struct bd_json_writer *w, const struct bd_field *field, struct bd_bytes claim,
	struct bd_bytes held);
enum bd_code bd_mask(struct bd_buf *out, const struct bd_field *field, struct bd_bytes text);

#endif
