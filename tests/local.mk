include tests/gen/local.mk
include tests/reference/local.mk

LINTS = tests/lint/clang.sh tests/lint/docs.sh tests/lint/format.sh tests/lint/layers.sh tests/lint/lists.sh tests/lint/rules.sh tests/lint/service.sh
E2E = \
	tests/e2e/atrest.sh \
	tests/e2e/backtest.sh \
	tests/e2e/cases.sh \
	tests/e2e/cli.sh \
	tests/e2e/confine.sh \
	tests/e2e/contract.sh \
	tests/e2e/database.sh \
	tests/e2e/disputes.sh \
	tests/e2e/feeds.sh \
	tests/e2e/folders.sh \
	tests/e2e/gateway.sh \
	tests/e2e/grants.sh \
	tests/e2e/history.sh \
	tests/e2e/hostile.sh \
	tests/e2e/keys.sh \
	tests/e2e/load.sh tests/e2e/look_up.sh \
	tests/e2e/made.sh \
	tests/e2e/matters.sh \
	tests/e2e/obligations.sh \
	tests/e2e/pull.sh tests/e2e/pull_files.sh tests/e2e/pull_forms.sh tests/e2e/pull_ftps.sh \
	tests/e2e/readme.sh \
	tests/e2e/sandbox.sh tests/e2e/sealed.sh tests/e2e/senders.sh \
	tests/e2e/silence.sh \
	tests/e2e/stand_in.sh \
	tests/e2e/trail.sh tests/e2e/upload.sh \
	tests/e2e/slow.sh tests/e2e/tls.sh tests/e2e/watches.sh \
	tests/e2e/witness.sh
TESTS += $(LINTS) $(E2E)
EXTRA_DIST += tests/e2e/hostile.py tests/e2e/receiver.py tests/e2e/signed.py tests/e2e/ahead.c tests/e2e/contract.py tests/e2e/contract.yaml tests/e2e/scan.py tests/e2e/faults.c tests/e2e/ends.c tests/e2e/cutter.py tests/e2e/holder.py tests/e2e/refuser.py
check_PROGRAMS += tests/e2e/leftovers
tests_e2e_leftovers_SOURCES = tests/e2e/leftovers.c tests/unit/leftovers.h
tests_e2e_leftovers_LDADD = $(STORE_TEST_LIBS)
EXTRA_DIST += $(LINTS) $(E2E) tests/e2e/demo.sh tests/e2e/differences.jq tests/e2e/lib.sh tests/e2e/samples.tsv tests/tsan.supp
# Departments that stand in for the real ones, in tests and in the demonstration.
EXTRA_DIST += tests/stand_in/__main__.py tests/stand_in/departments.py tests/stand_in/faults.py tests/stand_in/many.py tests/stand_in/records.py \
	tests/stand_in/seals.py tests/stand_in/wire.py
