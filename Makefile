# The whole interface: run, check, test, bench.
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: arm-wheels install run check test test-slow bench bench-agent bench-alert bench-selftest clean

install:
	@bash scripts/install.sh

run: install
	@$(PY) scripts/run.py

check: install
	@bash scripts/check.sh

test: install
	@bash scripts/test.sh -m "not slow"

# The journeys that take minutes: alerts, stations, `make run` itself, the shell.
test-slow: install
	@bash scripts/test.sh -m slow

# What the station program costs a board: memory, processor, traffic, writes, start errors.
bench-agent: install
	@$(PY) -m bench.agent

bench: install
	@$(PY) -m bench.ingest
	@$(PY) -m bench.plan_compile

# From the press to the loudspeakers of a whole province; installs Mosquitto through apt where it is missing.
STATIONS := 2340
bench-alert: install
	@$(PY) -m bench.alert $(STATIONS)

# Asks the package index which wheels there are for ARM boards.
arm-wheels: install
	@$(PY) scripts/arm_wheels.py

# Whether a station tells a sick horn from a well one, by fault: thousands of trials on simulated horns.
bench-selftest: install
	@$(PY) -m bench.selftest

clean:
	rm -rf $(VENV) node_modules build controller/web/static/dist
