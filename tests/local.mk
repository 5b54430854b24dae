include tests/gen/local.mk

LINTS = tests/lint/format.sh tests/lint/layers.sh
TESTS += $(LINTS)
EXTRA_DIST += $(LINTS)

# The contract as the daemon serves it: made of the one file that people read.
noinst_DATA = schemas/openapi.json
CLEANFILES += schemas/openapi.json
schemas/openapi.json: $(top_srcdir)/schemas/openapi.yaml
	@$(MKDIR_P) schemas
	$(AM_V_GEN)$(PYTHON) -c 'import json,sys,yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding="utf-8")), open(sys.argv[2], "w", encoding="utf-8"), ensure_ascii=False)' $(top_srcdir)/schemas/openapi.yaml $@
