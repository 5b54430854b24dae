/* try.h - a chain of fallible steps that stops at the first failure: returns its code. For
 * functions that hold nothing to release. Layer: base. */
#ifndef BD_BASE_TRY_H
#define BD_BASE_TRY_H

#include "base/code.h"

#define BD_TRY(call)                                                                               \
	do {                                                                                       \
		enum bd_code try_code = (call);                                                    \
		if (try_code != BD_OK) {                                                           \
			return try_code;                                                           \
		}                                                                                  \
	} while (0)

#endif
