check_PROGRAMS += \
	tests/unit/test_config_adapter \
	tests/unit/test_config_dictionary \
	tests/unit/test_config_matter \
	tests/unit/test_config_settings \
	tests/unit/test_config_sources \
	tests/unit/test_form
TESTS += \
	tests/unit/test_config_adapter \
	tests/unit/test_config_dictionary \
	tests/unit/test_config_matter \
	tests/unit/test_config_settings \
	tests/unit/test_config_sources \
	tests/unit/test_form
tests_unit_test_config_adapter_SOURCES = tests/unit/test_config_adapter.c tests/unit/config_support.h
tests_unit_test_config_adapter_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_config_dictionary_SOURCES = tests/unit/test_config_dictionary.c tests/unit/config_support.h
tests_unit_test_config_dictionary_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_config_settings_SOURCES = tests/unit/test_config_settings.c tests/unit/config_support.h
tests_unit_test_config_settings_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_config_matter_SOURCES = tests/unit/test_config_matter.c tests/unit/config_support.h
tests_unit_test_config_matter_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
EXTRA_DIST += tests/adapters
tests_unit_test_config_sources_SOURCES = tests/unit/test_config_sources.c tests/unit/config_support.h
tests_unit_test_config_sources_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
tests_unit_test_form_SOURCES = tests/unit/test_form.c tests/unit/config_support.h
tests_unit_test_form_LDADD = libbd_config.a libbd_record.a libbd_base.a $(XML_LIBS) $(CRYPTO_LIBS) -lunistring $(CMOCKA_LIBS)
