# Every target makes .venv and installs what it needs. On a fresh machine with Python and make:
#   make demo     train on real data with the fused kernels
#   make test     run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS ?=
BUDGET ?=
ALLOW_NO_GPU ?=
ALLOW_MISSING ?=
ALL ?=
SIMULATOR := NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1
# what holds for every loss: on the CPU, and on the arrays of every library that has a GPU, simulated or not
GENERIC := tests/test_generic.py tests/test_edges.py tests/test_errors.py tests/test_ulp.py
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo demo-distributed test test-long test-simulator test-oldest oldest test-cuda test-ptx test-gpu test-nojit mutants test-others test-adapters bench bench-gpu docs lint type clean

# One stamp for each set of requirements; a change of the pins installs again.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/$*.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

demo: $(VENV)/demo.stamp
	@$(BIN)/python -m demo

# the same loss over Dask: two worker processes, of which one is killed
demo-distributed: $(VENV)/demo-distributed.stamp
	@$(BIN)/python -m demo.distributed

# what a newcomer runs; the targets below are slower, and CI runs them all
test: $(VENV)/cuda.stamp
	@$(BIN)/python -m pytest -m "not slow and not long"

# kernels on disk, settings of Numba, CUDA kernels compiled, and the package without each of Numba's private names
test-long: $(VENV)/cuda.stamp
	@$(BIN)/python -m pytest -m "slow or long"

# the CUDA kernels in Numba's simulator, by the tests that hold for every loss
test-simulator: $(VENV)/cuda.stamp
	@$(SIMULATOR) $(BIN)/python -m pytest tests/test_cuda.py $(GENERIC)

# the oldest Numba and NumPy that pyproject.toml allows, in an environment of their own
test-oldest:
	@$(MAKE) --no-print-directory VENV=.venv-oldest oldest

oldest: $(VENV)/oldest.stamp
	@$(BIN)/python -m pytest -m "not long" tests

# what the CUDA kernels compute, in the simulator and compiled, and what they are compiled to: needs no card
test-cuda: test-ptx test-simulator
	@$(BIN)/python -m pytest tests/test_cuda_ptx.py tests/test_cuda_host.py

# the compiled CUDA kernels, as NVVM makes them and as nvJitLink links them, run without a card; ALL=1 takes every
# combination of what is tested, for hours
test-ptx: $(VENV)/cuda.stamp
	@ALL=$(ALL) $(BIN)/python -m pytest tests/ptx

# the same on a card, with CuPy, torch and Numba; ALLOW_NO_GPU=1 passes where there is no card, ALLOW_MISSING=1 without
# one of the three or compute-sanitizer
test-gpu: $(VENV)/gpu.stamp
	@ALLOW_NO_GPU=$(ALLOW_NO_GPU) ALLOW_MISSING=$(ALLOW_MISSING) $(BIN)/python -m tests.devices -n0 -m gpu tests/test_cuda.py tests/test_gpu.py $(GENERIC)

test-nojit: $(VENV)/cuda.stamp
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m "not long"

# puts single faults into the code, one at a time, and sees that their tests fail: for some tens of minutes
mutants: $(VENV)/cuda.stamp
	@$(BIN)/python -m tests.mutants

# what the pages say of other libraries, with those libraries
test-others: $(VENV)/others.stamp
	@$(BIN)/python -m pytest -n0 tests/test_others.py

# the adapters, in the libraries for which they are
test-adapters: $(VENV)/adapters.stamp
	@$(BIN)/python -m pytest tests/adapters fastloss/torch.py fastloss/jax.py

# make bench PEERS="torch jax" installs and measures them too
bench: $(VENV)/bench.stamp $(PEERS:%=$(VENV)/peer-%.stamp)
	@$(BIN)/python -m bench

# on a GPU, with torch and CuPy, and with Liger and quack where they are installed; BUDGET=540 stops in time, and the
# same command goes on from there
bench-gpu: $(VENV)/gpu.stamp
	@$(BIN)/python -m bench.gpu $(BUDGET:%=--budget %)

# the documentation, into site/; a warning is an error
docs: $(VENV)/docs.stamp
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(VENV)/dev.stamp
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) .venv-oldest build dist site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
