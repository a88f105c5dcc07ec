# Two commands on a fresh machine: `git clone …`, then `make run`. Needs python3 >= 3.11 with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK_VENV := .venv-lock
ARGS ?=
# Test processes at a time; 0 is one test after the other. More than there are processors, since many
# tests wait for a bot, a disk or a socket.
WORKERS ?= 4
UPGRADE ?=

# Stamps: each is touched when its step succeeded, so that a second call has nothing to do.
# Both locks pin the same versions (`make lock` sees to it); the development lock only adds
# packages. One environment therefore serves `make run` and `make test`, in any order.
RUNTIME := $(VENV)/.stamp-runtime
PROJECT := $(VENV)/.stamp-project
DEV := $(VENV)/.stamp-dev

# `make run ARGS="--verbose"` passes options to `run`; `make run ARGS="import …"` is another command.
COMMAND = $(if $(filter-out -%,$(firstword $(ARGS))),$(ARGS),run $(ARGS))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test coverage check docs bench soak lock clean
.PHONY: check-lint check-format check-types check-imports

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(PROJECT) ## Start the bot in paper mode; ARGS="…" adds options or names another command.
	@$(BIN)/market-bot $(COMMAND)

test: check ## Run the checks, then every test but the soak tests (what CI runs).
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

coverage: $(DEV) ## Run the same tests and say which lines they never reached; takes twice as long.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term-missing:skip-covered

check: check-lint check-format check-types check-imports ## Run the linter, the formatter, the type checker and the import contracts.

check-lint: $(DEV)
	$(BIN)/ruff check .

check-format: $(DEV)
	$(BIN)/ruff format --check .

check-types: $(DEV)
	$(BIN)/mypy

check-imports: $(DEV)
	$(BIN)/lint-imports

docs: $(DEV) ## Build the documentation as pages to read offline, into build/site.
	@$(BIN)/python -m mkdocs build --strict
	@echo "open build/site/index.html"

bench: $(DEV) ## Run the benchmarks; ARGS="…" is passed on.
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(DEV) ## Run the long tests, with many more generated examples.
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -m soak $(ARGS)

# --universal locks every supported platform and Python at once; no index or host is written down.
COMPILE = $(LOCK_VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' --extra analytics --group build $(UPGRADE)

lock: ## Resolve both lock files again; UPGRADE=--upgrade takes the newest versions.
	@test -x $(LOCK_VENV)/bin/uv || { $(PYTHON) -m venv $(LOCK_VENV) && $(LOCK_VENV)/bin/python -m pip install -q uv; }
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --extra polymarket --constraints requirements.lock \
		--output-file requirements-dev.lock
	@! grep -nE '://|^ *--(index|extra-index|find-links)' requirements.lock requirements-dev.lock

clean: ## Remove the environments, the caches and what was built; your data stays.
	rm -rf $(VENV) $(LOCK_VENV) build dist htmlcov .coverage .coverage.* .hypothesis
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name one with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": name another with PYTHON=…")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install python3-venv (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV), once; this takes less than a minute"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock | $(BIN)/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(PROJECT): pyproject.toml $(RUNTIME)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(PROJECT)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
