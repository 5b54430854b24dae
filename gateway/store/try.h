/* try.h - a chain of fallible steps that stops at the first failure. Layer: store, private. */
#ifndef BD_STORE_TRY_H
#define BD_STORE_TRY_H

#define BD_TRY(call)                                                                               \
	do {                                                                                       \
		enum bd_code try_code = (call);                                                    \
		if (try_code != BD_OK) {                                                           \
			return try_code;                                                           \
		}                                                                                  \
	} while (0)

#endif
