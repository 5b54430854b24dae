/* sanitized.h - BD_IS_SANITIZED: is this a build with a sanitizer? It reserves terabytes of
 * addresses, writes its reports and looks at itself from another process. Layer: base. */
#ifndef BD_BASE_SANITIZED_H
#define BD_BASE_SANITIZED_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define BD_IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BD_IS_SANITIZED 1
#endif

#endif
