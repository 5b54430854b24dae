/* record_text.h - a record as lines a person reads: previews, dry runs, recorded results of
 * samples.
 *
 * Layer: record. Stable: the same record gives the same text. Holds values in clear: shown only to
 * who pushed them.
 */
#ifndef BD_RECORD_RECORD_TEXT_H
#define BD_RECORD_RECORD_TEXT_H

#include "record/record.h"

/* "#0 basicform person replace\n  resident_id ...\n  name = ...\n" */
enum bd_code bd_record_text(
	struct bd_buf *out, const struct bd_record *record, const struct bd_dictionary *dict);

#endif
