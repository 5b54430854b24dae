DAEMON_TESTS = tests/unit/test_again tests/unit/test_backtest tests/unit/test_body tests/unit/test_confine tests/unit/test_cursor tests/unit/test_database_talk \
	tests/unit/test_drift tests/unit/test_drops tests/unit/test_fence tests/unit/test_frame tests/unit/test_language tests/unit/test_later \
	tests/unit/test_load_read tests/unit/test_mailbox tests/unit/test_pull_progress \
	tests/unit/test_pool tests/unit/test_pool_worker tests/unit/test_repeats tests/unit/test_sealed tests/unit/test_set_aside tests/unit/test_tickets tests/unit/test_uploads
check_PROGRAMS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
CONFINE_SOURCES = gateway/daemon/confine.c gateway/daemon/landlock.c gateway/daemon/seccomp.c
DAEMON_TEST_LIBS = libbd_base.a $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
DAEMON_AGAIN_LIBS = libbd_trail.a libbd_answer.a libbd_store.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)
tests_unit_test_again_SOURCES = tests/unit/test_again.c tests/unit/store_support.h gateway/daemon/again.c \
	gateway/daemon/sandbox.c gateway/daemon/told.c
tests_unit_test_again_LDADD = $(DAEMON_AGAIN_LIBS)
tests_unit_test_backtest_SOURCES = tests/unit/test_backtest.c tests/unit/store_support.h gateway/daemon/backtest.c \
	gateway/daemon/again.c gateway/daemon/sandbox.c gateway/daemon/told.c
tests_unit_test_backtest_LDADD = $(DAEMON_AGAIN_LIBS)
tests_unit_test_body_SOURCES = tests/unit/test_body.c tests/unit/config_support.h $(BODY_SOURCES)
tests_unit_test_body_LDADD = libbd_answer.a libbd_config.a libbd_intake.a libbd_record.a $(DAEMON_TEST_LIBS) $(XML_LIBS) $(ZLIB_LIBS) -lpthread
tests_unit_test_cursor_SOURCES = tests/unit/test_cursor.c gateway/daemon/cursor.c
tests_unit_test_cursor_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_database_talk_SOURCES = tests/unit/test_database_talk.c gateway/daemon/database_talk.c
tests_unit_test_database_talk_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_drift_SOURCES = tests/unit/test_drift.c gateway/daemon/drift.c
tests_unit_test_drift_LDADD = libbd_intake.a libbd_record.a $(DAEMON_TEST_LIBS) $(XML_LIBS) $(ZLIB_LIBS)
DROP_SOURCES = gateway/daemon/drop_file.c gateway/daemon/drop_move.c gateway/daemon/drop_set.c gateway/daemon/totals.c
tests_unit_test_drops_SOURCES = tests/unit/test_drops.c $(DROP_SOURCES)
tests_unit_test_drops_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_language_SOURCES = tests/unit/test_language.c gateway/daemon/language.c
tests_unit_test_language_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_load_read_SOURCES = tests/unit/test_load_read.c tests/unit/config_support.h tests/unit/store_support.h \
	gateway/daemon/load_entry.c gateway/daemon/load_lines.c gateway/daemon/load_read.c gateway/daemon/pool.c gateway/daemon/pool_talk.c \
	gateway/daemon/pool_worker.c gateway/daemon/frame.c gateway/daemon/message_keys.c gateway/daemon/opening.c gateway/daemon/secret.c
tests_unit_test_load_read_LDADD = libbd_store.a libbd_config.a libbd_intake.a libbd_record.a $(DAEMON_TEST_LIBS) $(XML_LIBS) $(ZLIB_LIBS) \
	$(LMDB_LIBS) $(UV_LIBS) -lpthread
tests_unit_test_load_read_LDFLAGS = -Wl,--wrap=read
tests_unit_test_tickets_SOURCES = tests/unit/test_tickets.c gateway/daemon/tickets.c
tests_unit_test_tickets_LDADD = $(DAEMON_TEST_LIBS) -lpthread
tests_unit_test_uploads_SOURCES = tests/unit/test_uploads.c gateway/daemon/uploads.c gateway/daemon/uploads_files.c
tests_unit_test_uploads_LDADD = libbd_store.a libbd_record.a $(DAEMON_TEST_LIBS) $(LMDB_LIBS) -lpthread
tests_unit_test_repeats_SOURCES = tests/unit/test_repeats.c gateway/daemon/repeats.c
tests_unit_test_repeats_LDADD = libbd_store.a libbd_record.a $(DAEMON_TEST_LIBS) $(LMDB_LIBS) -lpthread
DAEMON_FRAME_LIBS = libbd_record.a $(DAEMON_TEST_LIBS)
tests_unit_test_frame_SOURCES = tests/unit/test_frame.c gateway/daemon/frame.c
tests_unit_test_frame_LDADD = $(DAEMON_FRAME_LIBS)
tests_unit_test_later_SOURCES = tests/unit/test_later.c gateway/daemon/later.c
tests_unit_test_later_LDADD = libbd_base.a $(UV_LIBS) $(CMOCKA_LIBS)
tests_unit_test_mailbox_SOURCES = tests/unit/test_mailbox.c gateway/daemon/mailbox.c
tests_unit_test_mailbox_LDADD = $(DAEMON_TEST_LIBS) $(UV_LIBS) -lpthread
POOL_SOURCES = tests/unit/pool_support.h tests/unit/config_support.h \
	gateway/daemon/pool.c gateway/daemon/pool_talk.c gateway/daemon/pool_worker.c gateway/daemon/frame.c \
	gateway/daemon/message_keys.c gateway/daemon/opening.c gateway/daemon/secret.c
POOL_LIBS = libbd_config.a libbd_intake.a $(DAEMON_FRAME_LIBS) $(XML_LIBS) $(ZLIB_LIBS) $(UV_LIBS) -lpthread
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c $(POOL_SOURCES)
tests_unit_test_pool_LDADD = $(POOL_LIBS)
tests_unit_test_pool_LDFLAGS = -Wl,--wrap=calloc
tests_unit_test_pool_worker_SOURCES = tests/unit/test_pool_worker.c $(POOL_SOURCES)
tests_unit_test_pool_worker_LDADD = $(POOL_LIBS)
tests_unit_test_sealed_SOURCES = tests/unit/test_sealed.c gateway/daemon/message_keys.c gateway/daemon/secret.c
tests_unit_test_sealed_LDADD = libbd_intake.a libbd_record.a $(DAEMON_TEST_LIBS) $(XML_LIBS) $(ZLIB_LIBS)
# What test_pool and test_pool_worker start in the place of a worker.
check_PROGRAMS += tests/unit/odd_worker
tests_unit_odd_worker_SOURCES = tests/unit/odd_worker.c gateway/daemon/frame.c $(CONFINE_SOURCES)
tests_unit_odd_worker_LDADD = $(DAEMON_FRAME_LIBS) $(SECCOMP_LIBS)
tests_unit_test_confine_SOURCES = tests/unit/test_confine.c $(CONFINE_SOURCES)
tests_unit_test_confine_LDADD = $(DAEMON_TEST_LIBS) $(SECCOMP_LIBS) -lpthread
tests_unit_test_set_aside_SOURCES = tests/unit/test_set_aside.c gateway/daemon/set_aside.c
tests_unit_test_set_aside_LDADD = $(DAEMON_TEST_LIBS) -lpthread
tests_unit_test_fence_SOURCES = tests/unit/test_fence.c gateway/daemon/fence.c gateway/daemon/landlock.c gateway/daemon/user.c
tests_unit_test_fence_LDADD = libbd_config.a libbd_record.a $(DAEMON_TEST_LIBS) $(XML_LIBS)
# What runs a program under a filter of system calls.
check_PROGRAMS += tests/unit/under_filter
tests_unit_under_filter_SOURCES = tests/unit/under_filter.c
tests_unit_under_filter_LDADD = $(SECCOMP_LIBS)
tests_unit_test_pull_progress_SOURCES = tests/unit/test_pull_progress.c gateway/daemon/pull_progress.c
tests_unit_test_pull_progress_LDADD = $(DAEMON_TEST_LIBS)
