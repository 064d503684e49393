# make demo is the quickest way to see it; make test is what has to pass.
PYTHON ?= python3
LOCAL := deploy/local
BIN := .venv/bin

# pip and others want a home; a bare CI may have none
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/var/home
endif

# what was compiled once, pytest's rewritten tests above all, need not be compiled by every process again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup servers demo test tests check lint docs bench bench-check up down status lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

setup: ## .venv with everything; .venv/bin/kundval works afterwards
	@$(PYTHON) $(LOCAL)/setup

servers:
	@$(PYTHON) $(LOCAL)/servers install

demo: setup servers ## a municipality's year through the four services, and what came of it
	@$(PYTHON) $(LOCAL)/suite demo

up: setup servers ## start the four services and the gateway, and leave them up
	@$(PYTHON) $(LOCAL)/suite up

down: ## stop them
	@$(PYTHON) $(LOCAL)/suite down

status: ## are they up?
	@$(PYTHON) $(LOCAL)/suite status

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## lint, types, imports and the quick pure tests: under a minute
	$(BIN)/pytest -q -n 2 -m "not servers and not slow"

test: setup servers ## every test, against real PostgreSQL and RabbitMQ
	@$(MAKE) --no-print-directory --jobs 2 lint tests

# in a fresh checkout one process compiles first what each of the four would else compile, while lint runs beside it
tests:
	@[ -d tests/__pycache__ ] || $(BIN)/pytest -qq --collect-only > /dev/null || true
	$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m "not bench"

bench-check: setup servers ## the long measurements of bench/, tiny: they run, and yield figures that can be
	$(BIN)/pytest -q -m bench

bench: setup servers ## measured claims, with peers beside
	$(BIN)/python -m bench

docs: setup ## pages of the events and methods to browse: var/docs/index.html
	@$(BIN)/python docs/build_site.py

lock: ## write requirements.txt anew from requirements.in
	$(PYTHON) -m venv var/lock-venv
	var/lock-venv/bin/pip install -q uv
	var/lock-venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --upgrade requirements.in -o requirements.txt
	! grep -nE '://|--(extra-)?index|--find-links' requirements.txt

clean: ## end what runs, remove var/, .venv and caches
	-@$(PYTHON) $(LOCAL)/suite down
	@$(PYTHON) $(LOCAL)/servers down --all --wipe
	rm -rf var .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	rm -rf contracts/*.egg-info chassis/*.egg-info services/*/*.egg-info
