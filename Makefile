# make demo: try it.  make test: check it.  make bench: measure it.  make audit: Lighthouse.
# make soak: break it.
PYTHON ?= python3
PORT ?= 8000
INBOX_PORT ?= 1080
ENCODER ?= none
UV_VERSION := 0.13.9
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup
# Tests of one database are enough here: of pages, and of what has no use for either.
ONCE := tests/admin tests/web tests/matching tests/sources tests/delivery tests/mail tests/deploy tests/node tests/test_real_search.py $(addprefix tests/management/test_,demo.py embedded.py rank.py)
export PORT INBOX_PORT

.PHONY: demo test bench bench-matching audit soak install check clean

demo: install
	@$(BIN)/python manage.py demo

test: install check
	$(PYTEST)
	TEST_DATABASE=sqlite $(PYTEST) -m "not browser and not postgresql" $(ONCE:%=--ignore=%)

bench: install
	$(BIN)/python -m tests.benchmarks

bench-matching: install
	DJANGO_SETTINGS_MODULE=digest_service.settings $(BIN)/python -m tests.benchmarks.matching $(ENCODER)

audit: install
	$(BIN)/python -m tests.audit

soak: install
	$(BIN)/python -m tests.soak
	DRILL=1 $(BIN)/python -m pytest tests/drill
	MUTATIONS=1 $(BIN)/python -m pytest -k mutat tests/delivery/bounces tests/flows

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

install: .venv/installed

.venv/installed: pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Paper Round needs Python 3.11 or newer; $(PYTHON) is %d.%d. Try: make $(MAKECMDGOALS) PYTHON=python3.12" % v[:2])'
	@echo "Installing the locked packages into .venv (about a minute the first time) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --frozen --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

clean:
	rm -rf .venv var
