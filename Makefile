# From a fresh clone, with Python >= 3.11 and make: `make demo` and `make test` do everything.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test test-full test-guarded lint types format bench clean

help:  ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/ready-to-run  ## set up, then learn handwritten digits and show every stage (start here)
	$(BIN)/python examples/digits.py

test: lint types  ## set up, then check style, types and the default tier of tests
	$(PYTEST)

test-full: lint types  ## the same with every test: all cases, all sizes
	$(PYTEST) --full

test-guarded: $(VENV)/ready-to-develop  ## run the tests of native code between pages that nobody may touch
	$(PYTEST) --guarded tests/backends/llvm

lint: $(VENV)/ready-to-develop  ## check style and layout of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready-to-develop  ## check types, strictly, in all folders
	$(BIN)/python -m tests.repository.typecheck

format: $(VENV)/ready-to-develop  ## lay out the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/ready-to-develop  ## print the figures of every benchmark
	@for file in benchmarks/[a-z]*.py; do \
	    echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" || exit 1; \
	done

venv: $(VENV)/ready-to-develop  ## make .venv with all that development needs

clean:  ## remove all that make made, .venv included
	rm -rf $(VENV) .layout build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The install is editable: edit a file, run again.  Only a changed pyproject.toml installs anew.

$(BIN)/python:
	python=$$(PYTHON="$(PYTHON)" .ci/find-python) && "$$python" -m venv $(VENV)

$(VENV)/ready-to-run: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) ..."
	$(PIP) install --editable '.[examples]'
	@touch $@

$(VENV)/ready-to-develop: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the tools of development ..."
	$(PIP) install --editable '.[dev]'
	@touch $(VENV)/ready-to-run $@
