# Figures beside the peers: built and run by `make bench` only.
bench_programs = tests/bench/bench_load tests/bench/bench_intake tests/bench/bench_store tests/bench/bench_append
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

tests_bench_bench_load_SOURCES = tests/bench/bench_load.c tests/bench/load.h tests/bench/now.h \
	tests/bench/load_connection.c tests/bench/load_process.c
tests_bench_bench_load_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)

# Slow clients on purpose: a few of them in the tests, 13,000 by `make slow`.
check_PROGRAMS += tests/bench/slow
tests_bench_slow_SOURCES = tests/bench/slow.c tests/bench/load.h tests/bench/now.h tests/bench/load_connection.c \
	tests/bench/windows.c tests/bench/windows.h
tests_bench_slow_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)

# A department that is asked on the spot, cases that wait for it, and fresh ones: by `make looking-up`.
look_up_programs = tests/bench/look_up_department tests/bench/look_up_fresh tests/bench/look_up_waiting
EXTRA_PROGRAMS += $(look_up_programs)
CLEANFILES += $(look_up_programs)
tests_bench_look_up_department_SOURCES = tests/bench/look_up_department.c tests/bench/now.h
tests_bench_look_up_fresh_SOURCES = tests/bench/look_up_fresh.c tests/bench/load.h tests/bench/now.h \
	tests/bench/load_connection.c tests/bench/windows.c tests/bench/windows.h
tests_bench_look_up_fresh_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)
tests_bench_look_up_waiting_SOURCES = tests/bench/look_up_waiting.c tests/bench/load.h tests/bench/now.h \
	tests/bench/load_connection.c
tests_bench_look_up_waiting_LDADD = libbd_base.a $(SSL_LIBS) $(CRYPTO_LIBS) -lunistring

tests_bench_bench_intake_SOURCES = tests/bench/bench_intake.c
tests_bench_bench_intake_LDADD = libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) -lunistring

tests_bench_bench_append_SOURCES = tests/bench/bench_append.c
tests_bench_bench_append_LDADD = $(LMDB_LIBS)
tests_bench_bench_store_SOURCES = tests/bench/bench_store.c
tests_bench_bench_store_LDADD = $(LMDB_LIBS)

.PHONY: bench
bench:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) $(bench_programs)
	bash $(top_srcdir)/tests/bench/bench.sh $(abs_top_srcdir) $(abs_top_builddir) $(abs_top_builddir)/bench

.PHONY: slow
slow:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) tests/bench/slow
	bash $(top_srcdir)/tests/bench/slow.sh $(abs_top_srcdir) $(abs_top_builddir) $(abs_top_builddir)/slow

.PHONY: loading
loading:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) tests/bench/bench_append tests/bench/bench_store tests/gen/bidui_gen
	bash $(top_srcdir)/tests/bench/loading.sh $(abs_top_srcdir) $(abs_top_builddir) $(abs_top_builddir)/loading

.PHONY: looking-up
looking-up:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) $(look_up_programs) tests/gen/bidui_gen
	bash $(top_srcdir)/tests/bench/look_up.sh $(abs_top_srcdir) $(abs_top_builddir) $(abs_top_builddir)/looking-up

# By name, as in tests/reference; the programs are none of those that are built with everything.
EXTRA_DIST += tests/bench/README.md tests/bench/bench.sh tests/bench/bench_append.c tests/bench/bench_intake.c tests/bench/bench_load.c tests/bench/bench_store.c tests/bench/growth.svg \
	tests/bench/load.h tests/bench/load_connection.c tests/bench/load_process.c tests/bench/loading.py tests/bench/loading.sh tests/bench/look_up.sh tests/bench/look_up_department.c tests/bench/look_up_fresh.c tests/bench/look_up_waiting.c tests/bench/now.h tests/bench/nws.xsd \
	tests/bench/packet.xsd tests/bench/peers.sh tests/bench/report.py tests/bench/slow.c tests/bench/slow.sh tests/bench/tax_service.xsd \
	tests/bench/taxml.xsd tests/bench/ten-elements.xml tests/bench/windows.c tests/bench/windows.h
