## make up      everything on one machine; needs Python 3.11 or newer, make and git
## make test    every check and every test; installs what they need
## make lint    the checks alone
## make faults  the slow tests that break things on purpose
## make bench   measures start, ingestion, memory and size
## make lock    compiles requirements*.txt anew from requirements*.in
## make clean   removes the environment and the caches; data in var/ stays
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
DONE := $(VENV)/installed
CODE := memstack memories tasks_app tests bench manage.py
PYTEST_ARGS ?= -n 2
FAULTS_ARGS ?= -n 4
UV_VERSION := 0.13.9
PIP := $(RUN) -m pip --disable-pip-version-check -qq install --no-deps --require-hashes

.PHONY: help up install install-dev chromium lint test faults bench lock clean types rules

help:
	@sed -n 's/^## //p' Makefile

up: install
	@exec $(RUN) manage.py up --demo

# An environment whose Python has gone is made anew.
$(RUN):
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "MemStack needs Python 3.11 or newer, and there is no $(PYTHON) here; name one: make up PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "MemStack needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1); name another: make up PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

# A finished installation leaves a copy of the list it was made from; ensurepip mends an environment half made.
install: $(RUN)
	@cmp -s requirements.txt $(DONE).txt || { \
	  echo "Installing MemStack's packages into $(VENV) (1.3 GB, about a minute) …"; \
	  $(RUN) -m ensurepip >/dev/null && $(PIP) -r requirements.txt && cp requirements.txt $(DONE).txt; }

install-dev: install
	@cmp -s requirements-dev.txt $(DONE)-dev.txt || { \
	  echo "Installing the packages of the checks and tests …"; \
	  $(PIP) -r requirements-dev.txt && cp requirements-dev.txt $(DONE)-dev.txt; }

chromium:
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium for the browser tests …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "There is no chromium here, so the browser tests are left out; install it to run them."; fi

lint: install-dev
	@$(MAKE) --no-print-directory --output-sync -j 2 types rules

types:
	@$(RUN) -m mypy --no-error-summary $(CODE)

rules:
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m ruff format --check --quiet .
	@$(VENV)/bin/lint-imports --no-logo >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(RUN) -m djlint --quiet --lint templates memories tasks_app
	@$(RUN) manage.py makemigrations --check --dry-run >$(VENV)/migrations.log || { cat $(VENV)/migrations.log; exit 1; }
	@$(RUN) -m tests.migration_lint

test: lint chromium
	@$(RUN) -m pytest --ds tests.settings -q $(PYTEST_ARGS) -m "not slow"

faults: install-dev chromium
	@$(RUN) -m pytest --ds tests.settings -q $(FAULTS_ARGS) -m slow

bench: install-dev
	@$(RUN) -m bench.startup

lock: $(RUN)
	@$(RUN) -m pip --disable-pip-version-check -qq install uv==$(UV_VERSION)
	@$(RUN) -m uv pip compile --quiet --generate-hashes --python-version 3.11 requirements.in -o requirements.txt
	@$(RUN) -m uv pip compile --quiet --generate-hashes --python-version 3.11 -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
