# Everything one does with the project. Each target sets up what it needs in .venv first.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SCALE ?= 0.1
DATA ?= data/tpch-$(SCALE)
RUNS ?= 3
PYTEST_ARGS ?=
BENCH_SCALE ?= 1
BENCH_DATA ?= data/tpch-$(BENCH_SCALE)
BENCH_ARGS ?=
HUNT_ARGS ?= --minutes 5 --processes 2
CHAOS_ARGS ?= --seconds 120

.PHONY: help demo test check lint typecheck golden hunt chaos bench clean

help:
	@echo "make demo       TPC-H (scale $(SCALE)) embedded and on a local cluster, answers checked"
	@echo "make test       the tests"
	@echo "make check      linter, formatter, type checker, tests: what CI runs"
	@echo "make golden     write the golden plans anew; review the difference like code"
	@echo "make hunt       random statements against plain DuckDB: HUNT_ARGS='$(HUNT_ARGS)'"
	@echo "make chaos      queries on a cluster whose executors are killed: CHAOS_ARGS='$(CHAOS_ARGS)'"
	@echo "make bench      the benchmarks at scale $(BENCH_SCALE): BENCH_SCALE=10 BENCH_DATA=folder"
	@echo "make clean      remove what was made here, but for the data"

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Shoal needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "this Python cannot make a virtual environment: install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/pyvenv.cfg pyproject.toml setup.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[tpch]'
	@touch $@

$(VENV)/.dev: $(VENV)/pyvenv.cfg pyproject.toml setup.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/shoal tpch generate --scale $(SCALE) --output $(DATA)
	$(BIN)/shoal tpch run --data $(DATA) --runs $(RUNS) --verify --compare duckdb
	$(BIN)/shoal tpch run --data $(DATA) --runs $(RUNS) --verify --compare duckdb --executors 2 --threads 1

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers do not follow the mapping of an editable install, so a copy is checked.
typecheck: $(VENV)/.dev
	rm -rf build/lib build/typecheck
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--target build/typecheck .
	MYPYPATH=build/typecheck $(BIN)/mypy -p shoal

check: lint typecheck test

golden: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/planner/test_golden_plans.py tests/planner/test_golden_tpcds.py \
		tests/sql/test_features.py::test_page_is_up_to_date \
		tests/engine/test_each_optimisation.py::test_page_is_up_to_date --golden $(PYTEST_ARGS)

hunt: $(VENV)/.dev
	$(BIN)/python -m tests.hunt $(HUNT_ARGS)

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

bench: $(VENV)/.demo
	$(BIN)/shoal tpch generate --scale $(BENCH_SCALE) --output $(BENCH_DATA)
	$(BIN)/python -m shoal.tpch.bench --data $(BENCH_DATA) $(BENCH_ARGS)

clean:
	rm -rf $(VENV) build dist .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
