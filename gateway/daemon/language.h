/* language.h - in which language a client wants to read.
 *
 * Layer: daemon. Two languages are spoken: Chinese, unless English is preferred.
 * Source: RFC 9110 section 12.5.4 (Accept-Language), RFC 4647 section 3.3.1 (basic filtering).
 */
#ifndef BD_DAEMON_LANGUAGE_H
#define BD_DAEMON_LANGUAGE_H

#include "base/bytes.h"

/* True when the header gives English a greater weight than Chinese. A range that is not well formed
 * counts for nothing; `*` is no preference. */
bool bd_language_is_english(struct bd_bytes accept_language);

#endif
