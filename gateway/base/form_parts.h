/* form_parts.h - what the files of the forms share: form.c makes a request, form_write.c puts a
 * text into its place, form_compute.c signs and seals.
 *
 * Layer: base, private to form*.c.
 */
#ifndef BD_BASE_FORM_PARTS_H
#define BD_BASE_FORM_PARTS_H

#include "base/form.h"

/* Appends it in a format of texts. BD_CONFIG_MEANING: no such format. *is_whole: it needs no
 * further escaping, as the format is of the place. */
enum bd_code bd_form_format(
	struct bd_buf *out, bool *is_whole, struct bd_bytes text, const char *format);
bool bd_form_is_format(const char *format);
/* Appends a time by its pattern, at +08:00. */
enum bd_code bd_form_write_time(struct bd_buf *out, int64_t ms, const char *pattern);
/* Appends what a function makes of the text, in its coding. key NULL = none was given. */
enum bd_code bd_form_compute(struct bd_buf *out, const struct bd_form_step *step,
	struct bd_bytes text, const struct bd_form_value *key);

#endif
