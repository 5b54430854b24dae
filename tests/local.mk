include tests/gen/local.mk

LINTS = tests/lint/format.sh tests/lint/layers.sh
E2E = tests/e2e/gateway.sh
TESTS += $(LINTS) $(E2E)
EXTRA_DIST += $(LINTS) $(E2E) tests/e2e/demo.sh tests/e2e/lib.sh tests/e2e/samples.tsv tests/bench

# The contract as the daemon serves it: made of the one file that people read.
noinst_DATA = schemas/openapi.json
CLEANFILES += schemas/openapi.json
schemas/openapi.json: $(top_srcdir)/schemas/openapi.yaml
	@$(MKDIR_P) schemas
	$(AM_V_GEN)$(PYTHON) -c 'import json,sys,yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding="utf-8")), open(sys.argv[2], "w", encoding="utf-8"), ensure_ascii=False)' $(top_srcdir)/schemas/openapi.yaml $@
