# ordersys: bare `make` lists what there is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?=
STACK ?= embedded
ARGS ?=
export PYTHON

BIN := .venv/bin

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@printf '\nARGS="..." hands more to the command: make up ARGS="--scale worker=2", make test ARGS="tests/unit -x".\n'

##@ Run it here
.PHONY: up down status logs migrate
up: stack .venv/.embedded ## start everything on this machine, wait until it answers, print addresses and an example
	@sh scripts/page.sh build || true
	@$(BIN)/ordersys up $(ARGS)

down: .venv/.embedded ## stop what `make up` started; the data stays in .ordersys
	@$(BIN)/ordersys down $(ARGS)

status: .venv/.embedded ## what runs, where, and whether it is ready
	@$(BIN)/ordersys status $(ARGS)

logs: .venv/.embedded ## the last log lines (ARGS="worker -f" follows one role or server)
	@$(BIN)/ordersys logs $(ARGS)

migrate: .venv/.embedded ## bring the database of the configuration to the newest schema
	@$(BIN)/ordersys migrate $(ARGS)

.PHONY: audit
audit: .venv/.embedded ## was anything lost, done twice or left undone? (ARGS="--ledger PATH --json"; exit 1 when it was)
	@$(BIN)/ordersys audit $(ARGS)

.PHONY: page
page: .venv/.embedded ## the web page as you edit it, for a stack that runs (Vite's own server)
	@sh scripts/page.sh dev

.PHONY: stack
stack:
	@case "$(STACK)" in \
	  embedded) ;; \
	  compose) echo "STACK=compose is not there yet: this version has the embedded stack only." >&2; exit 2 ;; \
	  *) echo "STACK is embedded or compose, not '$(STACK)'." >&2; exit 2 ;; \
	esac

##@ Work on it
.PHONY: test chaos check bench fmt lock clean
# One at a time where whole stacks have the machine; all else two at a time, for its servers mostly wait.
ALONE := tests/e2e tests/page tests/chaos/test_chaos_run.py

test: .venv/.dev ## all tests, on real servers that the tests start and stop themselves
ifeq ($(strip $(ARGS)),)
	@status=0; $(BIN)/pytest -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE)) || status=1; $(BIN)/pytest $(ALONE) || status=1; exit $$status
else
	@$(BIN)/pytest $(ARGS)
endif

chaos: .venv/.dev ## the long run: kills, stops and cuts by the hundred under load, then the audit (ARGS="--help")
	@$(BIN)/python -m tests.chaos $(ARGS)

check: .venv/.dev ## format, lint, types, import rules, sizes, requirement files, the page; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/sizes.py
	@$(BIN)/python scripts/requirements.py check
	@$(BIN)/python scripts/page_api.py check
	@sh scripts/page.sh check

bench: .venv/.embedded ## what it does per second and what it costs, against its ceilings (ARGS="saga api --quick"; docs/performance.md)
	@$(BIN)/python -m benchmarks $(ARGS)

fmt: .venv/.dev ## format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@sh scripts/page.sh fmt

lock: .venv/.dev ## make requirements/*.txt from pyproject.toml (ARGS=--upgrade takes newer versions)
	@$(BIN)/python scripts/requirements.py lock $(ARGS)

.PHONY: page-api
page-api: .venv/.dev ## bring the page's typed API client up to date with the API
	@$(BIN)/python scripts/page_api.py write

clean: ## stop the stack, then delete .venv, .ordersys (all its data) and every cache
	@if [ -x $(BIN)/ordersys ] && [ -d .ordersys ]; then $(BIN)/ordersys down; fi
	@rm -rf .venv .ordersys frontend/node_modules frontend/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.embedded: requirements/embedded.txt scripts/environment.sh
	@sh scripts/environment.sh embedded

.venv/.dev: requirements/dev.txt scripts/environment.sh
	@sh scripts/environment.sh dev
