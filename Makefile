# Every target sets up what it needs on a machine with only Python 3.11 or newer and make; a second run sets up nothing.

PYTHON_IN := .venv/bin/python
PIP := $(PYTHON_IN) -m pip --quiet --quiet --disable-pip-version-check
DEMO_COMMAND := .venv/bin/tidegate up --demo
REPLAY_COMMAND := $(if $(ARGS),.venv/bin/tidegate replay $(ARGS),.venv/bin/tidegate demo)
TEST_WORKERS ?= 2

# Stamps stand inside the environment, so that removing it forgets them.
RUNTIME := .venv/.stamp-runtime
DEV := .venv/.stamp-dev
PACKAGE := .venv/.stamp-package

# Layers in which every branch is tested (docs: decisions), the others have the lower wall.
COVERED_WHOLLY := src/tidegate/risk/*,src/tidegate/oms/*,src/tidegate/portfolio/*,src/tidegate/events/*

# Kernels are compiled before the tests, a part in each of two processes: every worker, and every process that it starts, would
# compile them for itself otherwise. What is kept already takes a second; without them, tests tell what is wrong.
COMPILE_KERNELS := $(PYTHON_IN) -m tidegate kernels --part venue & $(PYTHON_IN) -m tidegate kernels --part senses && wait $$!

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo replay test coverage lint fix bench soak kills killdrill docs requirements lock mutation clean

help:  ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 16

demo: $(RUNTIME) $(PACKAGE)  ## run the whole service against an emulated venue; Ctrl-C stops it
	@$(DEMO_COMMAND)

replay: $(RUNTIME) $(PACKAGE)  ## replay a market through the whole pipeline (or ARGS="TAPE --strategy NAME")
	@$(REPLAY_COMMAND)

test: $(DEV) $(PACKAGE)  ## run every test (TEST_WORKERS=2 at a time; ARGS go to pytest)
	@-$(COMPILE_KERNELS)
	@$(PYTHON_IN) -m pytest -q -n $(TEST_WORKERS) --dist worksteal $(ARGS)

coverage: $(DEV) $(PACKAGE)  ## run the tests and hold the walls: all branches of what touches money, 90 % elsewhere
	@-$(COMPILE_KERNELS)
	@$(PYTHON_IN) -m pytest -q -n $(TEST_WORKERS) --cov --cov-report= $(ARGS)
	@$(PYTHON_IN) -m coverage report --include='$(COVERED_WHOLLY)' --fail-under=100
	@$(PYTHON_IN) -m coverage report --omit='$(COVERED_WHOLLY)' --fail-under=90

lint: $(DEV) $(PACKAGE)  ## check style, format, types and layers
	@echo "ruff: style" && $(PYTHON_IN) -m ruff check --quiet --output-format concise .
	@echo "ruff: format" && $(PYTHON_IN) -m ruff format --check --quiet .
	@echo "mypy: types" && $(PYTHON_IN) -m mypy
	@echo "import-linter: layers" && .venv/bin/lint-imports --no-logo

fix: $(DEV)  ## repair what the linter can repair, and format
	@$(PYTHON_IN) -m ruff check --fix --quiet . ; $(PYTHON_IN) -m ruff format .

bench: $(RUNTIME) $(PACKAGE)  ## measure the common work at one million quotes (ARGS go to the benchmark)
	@$(PYTHON_IN) benchmarks/common_work.py --n 1000000 $(ARGS)

soak: $(DEV) $(PACKAGE)  ## trade 24 market hours at the emulator, 60 times as fast; fail where memory or files grow (ARGS)
	@$(PYTHON_IN) -m scripts.soak $(ARGS)

kills: $(DEV) $(PACKAGE)  ## kill the trader 200 times under load and look what is left (ARGS: --kills, --lanes, --boundaries)
	@$(PYTHON_IN) -m scripts.kill_harness $(ARGS)

killdrill: $(DEV) $(PACKAGE)  ## kill a trader with 200 open orders in every way, and measure it from outside (ARGS)
	@$(PYTHON_IN) -m scripts.kill_drill $(ARGS)

docs: $(DEV) $(PACKAGE)  ## build the manual into site/
	@echo "mkdocs: site/" && NO_MKDOCS_2_WARNING=1 $(PYTHON_IN) -m mkdocs --quiet build --strict

requirements: $(DEV)  ## write docs/requirements.md from the marks of the tests
	@$(PYTHON_IN) scripts/requirements_table.py

lock: $(DEV)  ## write requirements/*.lock from pyproject.toml
	@scripts/lock $(ARGS)

mutation: $(DEV) $(PACKAGE)  ## change the code of risk, oms, portfolio and events; a change no test notices survives
	@$(PYTHON_IN) -m mutmut run $(ARGS) && $(PYTHON_IN) -m mutmut results
	@$(PYTHON_IN) -m mutmut export-cicd-stats >/dev/null && $(PYTHON_IN) scripts/mutation_score.py

clean:  ## remove the environment and everything that was built
	@rm -rf .venv site mutants htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON_IN):
	@python=$$(scripts/find-python) && echo "setting up .venv with $$($$python --version)" && $$python -m venv .venv

# The locks are whole: without --no-deps an older pip looks for newer versions of what an extra asks for, and finds them unhashed.
$(RUNTIME): requirements/runtime.lock | $(PYTHON_IN)
	@echo "installing what tidegate runs on (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/runtime.lock || { echo "$(INSTALL_FAILED)" >&2; exit 3; }
	@touch $@

# What the developers' lock holds includes what tidegate runs on, in the same versions.
$(DEV): requirements/dev.lock | $(PYTHON_IN)
	@echo "installing what tests, lint and docs need (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/dev.lock || { echo "$(INSTALL_FAILED)" >&2; exit 3; }
	@touch $@

# The build backend comes from whichever lock was installed first, so nothing unlocked is fetched here.
$(PACKAGE): pyproject.toml | $(PYTHON_IN)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

INSTALL_FAILED := The packages could not be installed; check the network or the package index that pip is set up to use.
