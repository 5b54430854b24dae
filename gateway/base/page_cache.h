/* page_cache.h - what was written once need not stay in the kernel's memory of files.
 * Layer: base.
 *
 * Case files and the trail grow by kilobytes a question and are hardly read again. Left alone they
 * fill all memory that is free: then they push out pages of the store, which every question needs,
 * and each further kilobyte is copied into memory that no cache of the processor holds. Let go of
 * early, the same few pages are used again and again.
 */
#ifndef BD_BASE_PAGE_CACHE_H
#define BD_BASE_PAGE_CACHE_H

#include <stdint.h>

/* To the end of the file. */
#define BD_PAGE_CACHE_TO_END 0

/* Lets go of the pages of [from, to), bytes of the file; that in which `to` is, stays. What is not
 * on the disk yet stays, so nothing is lost by it; it is a wish, and has no error. to > from, or
 * BD_PAGE_CACHE_TO_END. */
void bd_page_cache_drop(int fd, uint64_t from, uint64_t to);

#endif
