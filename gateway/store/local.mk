noinst_LIBRARIES += libbd_store.a
libbd_store_a_SOURCES = \
	gateway/store/accept.c gateway/store/accept.h \
	gateway/store/append.c gateway/store/append.h \
	gateway/store/apply.c gateway/store/apply.h \
	gateway/store/backup.c gateway/store/backup.h gateway/store/backup_copy.c gateway/store/backup_parts.h \
	gateway/store/bulk.c gateway/store/bulk.h \
	gateway/store/case_erase.c gateway/store/case_expire.c \
	gateway/store/case_cache.c \
	gateway/store/case_file.c gateway/store/case_file.h \
	gateway/store/case_filter.c \
	gateway/store/case_index.c gateway/store/case_index.h gateway/store/case_sink.h \
	gateway/store/case_item.c gateway/store/case_item.h \
	gateway/store/case_keys.c gateway/store/case_log.c gateway/store/case_merge.c \
	gateway/store/case_open.c gateway/store/case_read.c gateway/store/case_record.c \
	gateway/store/case_recover.c gateway/store/case_reseal.c gateway/store/case_reseal.h \
	gateway/store/case_run.c gateway/store/case_run.h \
	gateway/store/case_runs.c gateway/store/case_runs.h \
	gateway/store/case_tail.c gateway/store/case_tail.h gateway/store/cases.h \
	gateway/store/commit.c \
	gateway/store/cover.c gateway/store/coverage.c gateway/store/coverage.h \
	gateway/store/dispute.c gateway/store/dispute.h gateway/store/dispute_list.c \
	gateway/store/dump.c \
	gateway/store/env.c gateway/store/env.h \
	gateway/store/erase.c gateway/store/erase.h \
	gateway/store/erase_clean.c gateway/store/erase_clean.h \
	gateway/store/erase_kept.c gateway/store/erase_kept.h \
	gateway/store/erase_turn.c gateway/store/erase_turn.h \
	gateway/store/erase_who.c gateway/store/erase_who.h \
	gateway/store/history.c gateway/store/history.h \
	gateway/store/journal.c gateway/store/journal.h \
	gateway/store/kept.c gateway/store/kept.h \
	gateway/store/keys_apart.c gateway/store/keys_apart.h \
	gateway/store/lately.c gateway/store/lately.h \
	gateway/store/long.c gateway/store/long.h \
	gateway/store/long_nodes.c gateway/store/long_nodes.h \
	gateway/store/long_state.c gateway/store/long_state.h \
	gateway/store/lookup.c gateway/store/lookup.h gateway/store/lookup_subject.c \
	gateway/store/make.c gateway/store/make.h gateway/store/makers.c gateway/store/makers.h \
	gateway/store/manifest.c gateway/store/manifest.h \
	gateway/store/node.c gateway/store/node.h gateway/store/node_load.c gateway/store/node_pack.c \
	gateway/store/node_memo.c gateway/store/node_memo.h \
	gateway/store/node_recall.c gateway/store/node_view.c \
	gateway/store/obligations.c gateway/store/obligations.h \
	gateway/store/obligations_case.c \
	gateway/store/obligations_form.c gateway/store/obligations_form.h \
	gateway/store/obligations_list.c \
	gateway/store/obligations_watch.c \
	gateway/store/pairs.c gateway/store/pairs.h \
	gateway/store/progress.c \
	gateway/store/rebuild.c gateway/store/rebuild.h \
	gateway/store/places.c gateway/store/places.h \
	gateway/store/recall_find.c \
	gateway/store/recent.c gateway/store/recent.h \
	gateway/store/report.c \
	gateway/store/restore.c \
	gateway/store/needed.c \
	gateway/store/reseal.c gateway/store/reseal.h \
	gateway/store/ring.c gateway/store/ring.h \
	gateway/store/salts.c gateway/store/salts.h \
	gateway/store/seal.c gateway/store/seal.h gateway/store/seal_gcm.c gateway/store/seal_gcm.h \
	gateway/store/seal_sm4.c gateway/store/seal_sm4.h gateway/store/secrets.c gateway/store/secrets.h \
	gateway/store/spool.c gateway/store/spool.h gateway/store/spool_file.c \
	gateway/store/spool_form.h gateway/store/spool_merge.c \
	gateway/store/store.c gateway/store/store.h \
	gateway/store/txn.c gateway/store/txn.h \
	gateway/store/watch.c gateway/store/watch.h \
	gateway/store/watch_list.c gateway/store/watch_sweep.c gateway/store/watches.h
libbd_store_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_store_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
