check_PROGRAMS += tests/unit/test_store
TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_LDADD = libbd_store.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_store_rejects
TESTS += tests/unit/test_store_rejects
tests_unit_test_store_rejects_SOURCES = tests/unit/test_store_rejects.c
tests_unit_test_store_rejects_LDADD = libbd_store.a libbd_record.a libbd_base.a \
	$(LMDB_LIBS) $(CRYPTO_LIBS) -lunistring -lpthread $(CMOCKA_LIBS)
