# Every target makes .venv and installs what it needs. On a fresh machine with Python and make:
#   make demo     train on real data with the fused kernels
#   make test     run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS ?=
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-nojit bench lint type clean

# One stamp for each set of requirements; a change of the pins installs again.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/$*.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

demo: $(VENV)/demo.stamp
	@$(BIN)/python -m demo

test: $(VENV)/test.stamp
	@$(BIN)/python -m pytest

test-nojit: $(VENV)/test.stamp
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest

# make bench PEERS="torch jax" installs and measures them too
bench: $(VENV)/bench.stamp $(PEERS:%=$(VENV)/peer-%.stamp)
	@$(BIN)/python -m bench

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(VENV)/dev.stamp
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
