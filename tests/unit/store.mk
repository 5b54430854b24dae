STORE_TEST_LIBS = libbd_store.a libbd_record.a libbd_base.a $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring \
	-lpthread $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_store
TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/store_support.h
tests_unit_test_store_LDADD = libbd_store.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_obligations_cases
TESTS += tests/unit/test_obligations_cases
tests_unit_test_obligations_cases_SOURCES = tests/unit/test_obligations_cases.c tests/unit/store_support.h
tests_unit_test_obligations_cases_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_obligations
TESTS += tests/unit/test_obligations
tests_unit_test_obligations_SOURCES = tests/unit/test_obligations.c tests/unit/store_support.h
tests_unit_test_obligations_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_seal
TESTS += tests/unit/test_store_seal
tests_unit_test_store_seal_SOURCES = tests/unit/test_store_seal.c
tests_unit_test_store_seal_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_node
TESTS += tests/unit/test_store_node
tests_unit_test_store_node_SOURCES = tests/unit/test_store_node.c
tests_unit_test_store_node_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_lookup
TESTS += tests/unit/test_store_lookup
tests_unit_test_store_lookup_SOURCES = tests/unit/test_store_lookup.c tests/unit/store_support.h
tests_unit_test_store_lookup_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_coverage
TESTS += tests/unit/test_store_coverage
tests_unit_test_store_coverage_SOURCES = tests/unit/test_store_coverage.c
tests_unit_test_store_coverage_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_journal
TESTS += tests/unit/test_store_journal
tests_unit_test_store_journal_SOURCES = tests/unit/test_store_journal.c tests/unit/store_support.h
tests_unit_test_store_journal_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_merge
TESTS += tests/unit/test_store_merge
EXTRA_DIST += tests/store/merge.tsv
tests_unit_test_store_merge_SOURCES = tests/unit/test_store_merge.c tests/unit/rows.h
tests_unit_test_store_merge_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_rejects
TESTS += tests/unit/test_store_rejects
tests_unit_test_store_rejects_SOURCES = tests/unit/test_store_rejects.c tests/unit/store_support.h
tests_unit_test_store_rejects_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_bulk
TESTS += tests/unit/test_store_bulk
tests_unit_test_store_bulk_SOURCES = tests/unit/test_store_bulk.c tests/unit/store_support.h
tests_unit_test_store_bulk_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_apart
TESTS += tests/unit/test_store_apart
tests_unit_test_store_apart_SOURCES = tests/unit/test_store_apart.c tests/unit/store_support.h
tests_unit_test_store_apart_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_append
TESTS += tests/unit/test_store_append
tests_unit_test_store_append_SOURCES = tests/unit/test_store_append.c
tests_unit_test_store_append_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_places
TESTS += tests/unit/test_store_places
tests_unit_test_store_places_SOURCES = tests/unit/test_store_places.c tests/unit/store_support.h
tests_unit_test_store_places_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_pairs
TESTS += tests/unit/test_store_pairs
tests_unit_test_store_pairs_SOURCES = tests/unit/test_store_pairs.c tests/unit/store_support.h
tests_unit_test_store_pairs_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_spool
TESTS += tests/unit/test_store_spool
tests_unit_test_store_spool_SOURCES = tests/unit/test_store_spool.c tests/unit/store_support.h
tests_unit_test_store_spool_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_faults
TESTS += tests/unit/test_store_faults
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c tests/unit/store_support.h
tests_unit_test_store_faults_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_history
TESTS += tests/unit/test_store_history
tests_unit_test_store_history_SOURCES = tests/unit/test_store_history.c tests/unit/store_support.h
tests_unit_test_store_history_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_cases
TESTS += tests/unit/test_store_cases
tests_unit_test_store_cases_SOURCES = tests/unit/test_store_cases.c tests/unit/page_cache_support.h tests/unit/store_support.h
tests_unit_test_store_cases_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_case_index
TESTS += tests/unit/test_case_index
tests_unit_test_case_index_SOURCES = tests/unit/test_case_index.c tests/unit/store_support.h
tests_unit_test_case_index_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_recall
TESTS += tests/unit/test_store_recall
tests_unit_test_store_recall_SOURCES = tests/unit/test_store_recall.c tests/unit/store_support.h
tests_unit_test_store_recall_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_dispute
TESTS += tests/unit/test_store_dispute
tests_unit_test_store_dispute_SOURCES = tests/unit/test_store_dispute.c tests/unit/store_support.h
tests_unit_test_store_dispute_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_watch
TESTS += tests/unit/test_store_watch
tests_unit_test_store_watch_SOURCES = tests/unit/test_store_watch.c tests/unit/store_support.h
tests_unit_test_store_watch_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_reseal
TESTS += tests/unit/test_store_reseal
tests_unit_test_store_reseal_SOURCES = tests/unit/test_store_reseal.c tests/unit/sealed_support.h tests/unit/store_support.h
tests_unit_test_store_reseal_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_rebuild
TESTS += tests/unit/test_store_rebuild
tests_unit_test_store_rebuild_SOURCES = tests/unit/test_store_rebuild.c tests/unit/sealed_support.h tests/unit/store_support.h
tests_unit_test_store_rebuild_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/store/store_dump
tests_store_store_dump_SOURCES = tests/store/store_dump.c
tests_store_store_dump_LDADD = libbd_store.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread

check_PROGRAMS += tests/unit/test_store_erase
TESTS += tests/unit/test_store_erase
tests_unit_test_store_erase_SOURCES = tests/unit/test_store_erase.c tests/unit/leftovers.h tests/unit/store_support.h
tests_unit_test_store_erase_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_backup
TESTS += tests/unit/test_store_backup
tests_unit_test_store_backup_SOURCES = tests/unit/test_store_backup.c tests/unit/store_support.h
tests_unit_test_store_backup_LDADD = $(STORE_TEST_LIBS)
tests_unit_test_store_backup_LDFLAGS = -Wl,--wrap=mkdir,--wrap=rename,--wrap=fchmod,--wrap=fsync,--wrap=ftruncate,--wrap=unlinkat,--wrap=write
