/* page_cache.h - files that grow: how they come to the disk, and out of the kernel's memory.
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

/* fdatasync(2), with a processor shared between the pieces that are given to the disk: one call for
 * some ten megabytes keeps it for milliseconds where the kernel is not preempted. [from, to) is
 * what may not be on its way there yet; what else is not is synced all the same. */
int bd_page_cache_sync(int fd, uint64_t from, uint64_t to);

#endif
