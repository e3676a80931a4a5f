# ordersys: `make` without a target lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?=
STACK ?= embedded
ARGS ?=
export PYTHON

BIN := .venv/bin

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@printf '\nARGS="..." passes arguments to the command: make up ARGS="--scale worker=2", make test ARGS="tests/unit -x".\n'

##@ Run
.PHONY: up down status logs migrate
up: stack .venv/.embedded ## start everything on this machine, wait until it is ready, print addresses and an example
	@sh scripts/page.sh build || true
	@$(BIN)/ordersys up $(ARGS)

down: .venv/.embedded ## stop what `make up` started; data stays in .ordersys
	@$(BIN)/ordersys down $(ARGS)

status: .venv/.embedded ## list processes, addresses and readiness
	@$(BIN)/ordersys status $(ARGS)

logs: .venv/.embedded ## print the last log lines (ARGS="worker -f" follows one role or server)
	@$(BIN)/ordersys logs $(ARGS)

migrate: .venv/.embedded ## upgrade the schema of the configured database
	@$(BIN)/ordersys migrate $(ARGS)

.PHONY: audit
audit: .venv/.embedded ## check that nothing was lost, done twice or left undone (ARGS="--ledger PATH --json"; exit code 1 otherwise)
	@$(BIN)/ordersys audit $(ARGS)

.PHONY: page
page: .venv/.embedded ## serve the web page from its sources, for a running stack (Vite)
	@sh scripts/page.sh dev

.PHONY: stack
stack:
	@case "$(STACK)" in \
	  embedded) ;; \
	  compose) echo "STACK=compose is not available yet; use STACK=embedded." >&2; exit 2 ;; \
	  *) echo "Unknown STACK '$(STACK)'; use STACK=embedded." >&2; exit 2 ;; \
	esac

##@ Develop
.PHONY: test chaos check bench fmt lock clean
# One at a time where whole stacks have the machine; all else two at a time, for its servers mostly wait.
ALONE := tests/e2e tests/page tests/chaos/test_chaos_run.py

test: .venv/.dev ## run all tests on real servers, which they start and stop themselves
ifeq ($(strip $(ARGS)),)
	@status=0; $(BIN)/pytest -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE)) || status=1; $(BIN)/pytest $(ALONE) || status=1; exit $$status
else
	@$(BIN)/pytest $(ARGS)
endif

chaos: .venv/.dev ## run hundreds of faults under load, then the audit; half an hour (ARGS="--help")
	@$(BIN)/python -m tests.chaos $(ARGS)

check: .venv/.dev ## check format, lint, types, import rules, sizes, requirement files and the page; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/sizes.py
	@$(BIN)/python scripts/requirements.py check
	@$(BIN)/python scripts/page_api.py check
	@sh scripts/page.sh check

bench: .venv/.embedded ## measure throughput, latency and cost against ceilings (ARGS="saga api --quick"; docs/performance.md)
	@$(BIN)/python -m benchmarks $(ARGS)

fmt: .venv/.dev ## format the code and apply automatic fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@sh scripts/page.sh fmt

lock: .venv/.dev ## generate requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/python scripts/requirements.py lock $(ARGS)

.PHONY: page-api
page-api: .venv/.dev ## update the page's API client from the API
	@$(BIN)/python scripts/page_api.py write

clean: ## stop the stack, then delete .venv, .ordersys (with all data) and all caches
	@if [ -x $(BIN)/ordersys ] && [ -d .ordersys ]; then $(BIN)/ordersys down; fi
	@rm -rf .venv .ordersys frontend/node_modules frontend/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pyproject.toml too: it names the program's entry point, which is written at installation.
.venv/.embedded: requirements/embedded.txt pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh embedded

.venv/.dev: requirements/dev.txt pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh dev
