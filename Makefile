# Every target does its own set-up: `make run` and `make test` work on a machine with only Python and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Each core takes neighbouring tests, which share what they compile.
PARALLEL := --numprocesses=auto --maxprocesses=8 --dist=worksteal

.PHONY: setup run test test-all lint bench bench-peers bench-scaling calibration faults catalogue points columns docs metrics clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The default sweep: figures, tables and numbers into results/default/.
run: $(READY)
	$(BIN)/gradest run

# Under 10 minutes on two cores.
test: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

# Everything, every check of every estimator on every problem included: an hour on two cores.
test-all: $(READY)
	$(BIN)/python -m pytest $(PARALLEL)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Throughput as a share of what it cannot exceed, compile seconds, memory and growth, against what they are to be, into
# results/bench/: a quarter of an hour.
bench: $(READY)
	$(BIN)/python -m gradest.benchmarks.bench.speed

# The same against other people's estimators, each in an environment of its own, made here if it can be: half an hour.
bench-peers: $(READY)
	$(BIN)/python -m gradest.benchmarks.bench.peers

# Time against workers, simulated with a real dask cluster's overhead, into results/bench/scaling.md: half a minute.
bench-scaling: $(READY)
	$(BIN)/python -m gradest.benchmarks.bench.scaling

# How often the intervals and tests are right, by simulation, into results/calibration/: about five minutes.
calibration: $(READY)
	$(BIN)/python -m gradest.benchmarks.bench.calibration

# What is damaged, killed, full or strange on purpose, and what came of it, into results/faults/: a quarter of an hour.
faults: $(READY)
	$(BIN)/python -m tests.faults

# docs/catalogue.md, from the classes.
catalogue: $(READY)
	$(BIN)/python -m gradest.benchmarks.catalogue.page

# The trained points of our presets, problems/trained/: a minute. Whoever changes what training makes of θ raises
# `training_revision` first.
points: $(READY)
	$(BIN)/python -m gradest.benchmarks.catalogue.points

# docs/columns.md, from the fields of the tables' rows.
columns: $(READY)
	$(BIN)/python -m gradest.benchmarks.folders.columns_page

# README and docs/ as a site that needs no network, with a page of each reference run and a gallery of them:
# build/docs/index.html.
docs: $(READY)
	$(BIN)/python -m mkdocs build --quiet

# What a reader meets: density, chained conditionals, long functions, and the floors of the rooms.
metrics: $(READY)
	$(BIN)/python -m tests.support.metrics

clean:
	rm -rf $(VENV) build *.egg-info
