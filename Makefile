# The whole interface: run, check, test, bench.
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: install run check test test-slow bench clean

install:
	@bash scripts/install.sh

run: install
	@$(PY) scripts/run.py

check: install
	@bash scripts/check.sh

test: install
	@bash scripts/test.sh

bench: install
	@$(PY) -m bench.ingest
	@$(PY) -m bench.plan_compile

clean:
	rm -rf $(VENV) node_modules build controller/web/static/dist
