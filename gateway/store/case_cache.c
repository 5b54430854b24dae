/* case_cache.c - case files that are indexed and on the disk leave the kernel's memory. */
#include "base/page_cache.h"
#include "store/case_file.h"
#include "store/case_index.h"
#include "store/cases.h"

#include <unistd.h>

static void let_go_of(struct bd_store *store, struct bd_case_series *series)
{
	struct bd_case_place *from = &series->let_go;
	struct bd_case_place to =
		bd_case_is_before(&series->read, &series->synced) ? series->read : series->synced;

	while (bd_case_is_before(from, &to)) {
		bool is_last = from->segment == to.segment;
		/* One that has been taken away meanwhile is in no memory. */
		int fd = bd_case_file_open(store, from->loop, from->segment, false);

		if (fd >= 0) {
			bd_page_cache_drop(
				fd, from->offset, is_last ? to.offset : BD_PAGE_CACHE_TO_END);
			close(fd);
		}
		from->segment += is_last ? 0 : 1;
		from->offset = is_last ? to.offset : BD_CASE_FILE_HEAD_BYTES;
	}
}

void bd_cases_let_go(struct bd_store *store)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

		if (series.is_there && bd_case_is_before(&series.let_go, &series.read)) {
			let_go_of(store, &series);
			pthread_mutex_lock(&store->cases->lock);
			store->cases->series[i].let_go = series.let_go;
			pthread_mutex_unlock(&store->cases->lock);
		}
	}
}
