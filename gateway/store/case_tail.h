/* case_tail.h - the newest entries of the index of cases, in memory: not yet in any run. Layer:
 * store, private.
 *
 * The case files are its journal: a start fills it again from their heads. The writer adds and
 * takes out, under the lock; whoever else reads, reads under the lock.
 */
#ifndef BD_STORE_CASE_TAIL_H
#define BD_STORE_CASE_TAIL_H

#include "store/case_item.h"

struct bd_case_tail {
	pthread_mutex_t lock;
	struct bd_case_item *items; /* as they came; of kind 0: taken out */
	uint32_t *next;             /* of the same bucket; number + 1, 0 = none */
	size_t count, cap;
	uint32_t *buckets;
	size_t subjects;   /* of this kind, added */
	size_t wanted_max; /* past it they go into a run */
	/* the writer's: items in their order, as long as `sorted` is `count` */
	uint32_t *order;
	size_t order_count, sorted;
};

enum bd_code bd_case_tail_open(struct bd_case_tail *tail);
void bd_case_tail_close(struct bd_case_tail *tail);
/* Room for so many more; BD_NO_MEMORY. */
enum bd_code bd_case_tail_reserve(struct bd_case_tail *tail, size_t more);
/* There is room. */
void bd_case_tail_add(struct bd_case_tail *tail, const struct bd_case_item *item);
/* Takes out what came behind the first `count`. */
void bd_case_tail_cut(struct bd_case_tail *tail, size_t count);
void bd_case_tail_clear(struct bd_case_tail *tail);
void bd_case_tail_remove(struct bd_case_tail *tail, const struct bd_case_item *item);
/* All of its key. */
void bd_case_tail_gather(struct bd_case_gather *gather, const struct bd_case_tail *tail);
/* Makes `order`. */
enum bd_code bd_case_tail_sort(struct bd_case_tail *tail);
/* Where in `order` the first item behind the bound is; order_count = none. After
 * bd_case_tail_sort. */
size_t bd_case_tail_find_behind(const struct bd_case_tail *tail, const struct bd_case_item *bound);
/* The first item behind the bound; NULL = none. After bd_case_tail_sort. */
const struct bd_case_item *bd_case_tail_behind(
	const struct bd_case_tail *tail, const struct bd_case_item *bound);

#endif
