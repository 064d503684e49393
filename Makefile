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
.PHONY: help setup servers demo test tests check lint docs campaign rehearse bench bench-check upgrade-check walk release-check soak up down status lock audit licences sbom clean

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
	$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m "not bench and not rehearsal"

rehearse: setup servers ## disasters and the way back: a restored service, a lost broker
	@$(PYTHON) $(LOCAL)/servers install --rehearsal
	$(BIN)/pytest -q -n 0 -m rehearsal tests/rehearsals

bench-check: setup servers ## the long measurements of bench/, tiny: they run, and yield figures that can be
	$(BIN)/pytest -q -m bench

# ROOT= a Debian by debootstrap to copy; BIND= what the container sees of this machine too, such as its certificates
walk: ## the installation guide, typed on an empty Debian in a container (root; a quarter of an hour)
	@$(PYTHON) deploy/walk $(if $(ROOT),--root $(ROOT)) $(foreach path,$(BIND),--also-bind $(path))

upgrade-check: setup servers ## from a former version while it works: make upgrade-check FROM=<revision>
	KUNDVAL_UPGRADE_FROM="$(FROM)" $(BIN)/pytest -q -s -n 0 tests/upgrade/from_revision.py

release-check: setup ## what is missing before this is a release
	@$(BIN)/python docs/check_release.py

# ROUNDS= or MINUTES= how many; SEED= draws the same again, with ROUND= that one alone;
# EACH=1 one kind of fault a round, each in its turn; CLUSTER=1 on several hosts (root)
campaign: setup servers ## rounds of faults on a busy suite, and after each the proof that nothing was lost
	@$(BIN)/python -W ignore -m tests.faults.campaign $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(findstring command,$(origin MINUTES)),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(ROUND),--round $(ROUND)) \
		$(if $(EACH),--each) $(if $(CLUSTER),--cluster)

bench: setup servers ## measured claims, with peers beside
	$(BIN)/python -m bench

MINUTES ?= 10
soak: setup servers ## hold four fifths of what this machine can do for MINUTES (10): does anything grow?
	$(BIN)/python -m bench.soak --minutes $(MINUTES)

audit: setup ## look up known vulnerabilities of the locked packages, and keep what was found (needs the network)
	@$(BIN)/python -m deploy.supply audit

licences: setup ## write deploy/supply/LICENCES.md anew; what is not settled, with status 1
	@$(BIN)/python -m deploy.supply licences

sbom: setup ## what the suite is made of, as CycloneDX: var/sbom
	@$(BIN)/python -m deploy.supply sbom

docs: setup ## pages of the events and methods to browse: var/docs/index.html
	@$(BIN)/python docs/build_site.py

lock: ## write requirements.txt anew from requirements.in
	$(PYTHON) -m venv var/lock-venv
	var/lock-venv/bin/pip install -q uv
	var/lock-venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --upgrade requirements.in -o requirements.txt
	! grep -nE '://|--(extra-)?index|--find-links' requirements.txt
	@$(MAKE) --no-print-directory setup
	$(BIN)/python deploy/images/subset.py --write

clean: ## end what runs, remove var/, .venv and caches
	-@$(PYTHON) $(LOCAL)/suite down
	@$(PYTHON) $(LOCAL)/servers down --all --wipe
	rm -rf var .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	rm -rf contracts/*.egg-info chassis/*.egg-info services/*/*.egg-info
