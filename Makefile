# Everything is one `make` away; `.ci/run` and people run the same targets.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := $(or $(shell command -v uv 2>/dev/null),$(PYTHON) -m uv)

# A stamp says what the environment holds: `demo` needs less than `test`, and neither installs twice.
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed

export UV_PYTHON_DOWNLOADS = never
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo dev test faults fuzz mutants histories check format schema docs migration bench bench-live reconcile screenshots lock lock-check web

# An environment whose interpreter is gone is made anew, whatever its stamps say.
ifneq ($(shell test -x $(BIN)/python && echo there),there)
.PHONY: $(RUNTIME) $(DEVELOPMENT)
endif

help: ## Show this list
	@echo 'make TARGET, where TARGET is one of'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile
	@echo 'PYTHON=python3.12 chooses the interpreter, ARGS="..." is handed on, e.g. make demo ARGS="--no-open"'

setup: $(DEVELOPMENT) ## Make .venv with everything that development needs

demo: $(RUNTIME) ## Run the whole shop on this machine: database, gateways, storefront
	@$(BIN)/orderpulse demo $(ARGS)

dev: $(DEVELOPMENT) ## Run the server on the embedded database, or on DATABASE_URL
	@$(BIN)/orderpulse serve $(ARGS)

test: $(DEVELOPMENT) ## Run the tests, or some of them: ARGS="tests/domain -k refund"
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

faults: $(DEVELOPMENT) ## Plant faults and count what is lost or doubled: ARGS="kills --count 1000" (docs/faults.md)
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(DEVELOPMENT) ## Send 200 generated operations of every kind to a server: ARGS="1000" sends more
	@GENERATED_EXAMPLES=$(or $(ARGS),200) $(BIN)/python -m pytest tests/protocols/test_generated_operations.py

# Files of tests run side by side, each process with a database of its own.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile

# One tool's complaint doesn't keep the next one from being heard.
check: $(DEVELOPMENT) lock-check ## Lint, check formatting, types, import layers, the Dockerfile, the locks
	@status=0; for tool in 'ruff check .' 'ruff format --check .' mypy 'lint-imports --no-logo --no-cache' \
	  'hadolint Dockerfile'; do echo "$$tool"; $(BIN)/$$tool || status=1; done; exit $$status

mutants: $(DEVELOPMENT) ## Plant each seeded defect and see a test catch it: ARGS="lock" runs those named so
	@$(BIN)/python -m tests.mutants $(ARGS)

histories: $(DEVELOPMENT) ## Play a million histories of orders against the reference: ARGS="0 50000" plays others
	@$(BIN)/python -m tests.domain.drawing $(or $(ARGS),0 1000000)

format: $(DEVELOPMENT) ## Format the Python source and mend what can be mended by itself
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

schema: $(DEVELOPMENT) ## Print the GraphQL schema into schema/schema.graphql, and its reference into docs/api.md
	$(BIN)/python -m schema

docs: schema ## Write the pages that are made from the source: API, errors, settings, state machines
	$(BIN)/python -m tests.app.settings_page
	$(BIN)/python -m tests.schema.errors_page
	$(BIN)/python -m tests.domain.state_machines_page

migration: $(DEVELOPMENT) ## Draft a migration from the tables: m="Say what changes" DSN=postgresql://...
	@test -n "$$m" && test -n "$$DSN" || { echo 'Say what changes, and name a database that may be' \
	  'migrated: make migration m="Add the order number" DSN=postgresql://user@host/name' >&2; exit 2; }
	$(BIN)/alembic -x dsn="$$DSN" upgrade head
	$(BIN)/alembic -x dsn="$$DSN" revision --autogenerate -m "$$m"

bench: $(DEVELOPMENT) ## Run the benchmarks and print their ratios
	@$(BIN)/python -m bench $(ARGS)

bench-live: $(DEVELOPMENT) ## Open 10,000 websockets and print memory, pushes, a storm, stalled readers: ARGS="--sockets 1000"
	@$(BIN)/python -m bench.live $(ARGS)

reconcile: $(DEVELOPMENT) ## Drop 1,000 payments' webhooks and print how soon they are found all the same
	@$(BIN)/python -m bench.reconcile

screenshots: $(DEVELOPMENT) ## Draw the demo's pages into docs/screenshots (needs Chromium)
	@$(BIN)/python -m tests.web.screenshots

web: ## Build the pages into app/web/static (needs node and npm)
	cd web && npm ci && npm run build

lock: ## Pin every dependency with its hashes (needs uv); ARGS="--upgrade" takes the newest
	@$(call compile,requirements.lock,requirements-dev.lock,$(ARGS))

# In step means: compiling again, with the present pins as the preference, changes nothing.
# Without uv, tests/house/test_locks.py still compares the locks with pyproject.toml.
lock-check: $(DEVELOPMENT)
	@$(BIN)/python -m pytest -q tests/house/test_locks.py
	@if $(UV) --version >/dev/null 2>&1; then \
	  drafts=$$(mktemp -d) && trap 'rm -rf "$$drafts"' EXIT; \
	  cp requirements.lock requirements-dev.lock "$$drafts" || exit 1; \
	  $(call compile,"$$drafts/requirements.lock","$$drafts/requirements-dev.lock",--quiet) || exit 1; \
	  diff -u requirements.lock "$$drafts/requirements.lock" && \
	  diff -u requirements-dev.lock "$$drafts/requirements-dev.lock" || \
	  { echo 'The locks are out of step with pyproject.toml: run make lock' >&2; exit 1; }; \
	fi

# compile(runtime lock, development lock, arguments): the second holds the first, pin for pin.
PIN = $(UV) pip compile pyproject.toml --group build --generate-hashes --universal --python-version 3.11 \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
compile = $(PIN) $(3) -o $(1) >/dev/null && $(PIN) $(3) --group dev -c $(1) -o $(2) >/dev/null

# Each lock is installed by hash; the project itself without a look at any index.
install = $(BIN)/python -m pip install -qq --no-input --require-hashes -r $(1) && \
  $(BIN)/python -m pip install -qq --no-input --no-deps --no-build-isolation -e .

$(RUNTIME): requirements.lock pyproject.toml
	@$(interpreter)
	@echo 'Installing what running needs into $(VENV), once'
	@$(call install,requirements.lock)
	@touch $@

$(DEVELOPMENT): requirements-dev.lock requirements.lock pyproject.toml
	@$(interpreter)
	@echo 'Installing what development needs into $(VENV), once'
	@$(call install,requirements-dev.lock)
	@touch $(RUNTIME) $@

# Debian ships the interpreter without ensurepip, and a virtual environment made without it has no pip.
define interpreter
command -v "$(PYTHON)" >/dev/null || \
  { echo 'There is no $(PYTHON). On Debian or Ubuntu: apt-get install python3 python3-venv' >&2; exit 1; }; \
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "$(PYTHON) is $$("$(PYTHON)" -V 2>&1), and Orderpulse needs 3.11 or newer: make PYTHON=python3.12 ..." >&2; \
    exit 1; }; \
"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
  { echo '$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; }; \
$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
endef
