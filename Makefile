# Two commands matter: `make demo` shows all of it at work, `make test` runs the tests. Everything is installed into .venv,
# from the lock files alone; nothing is changed outside this folder.

PYTHON ?= python3
ARGS ?=
# One more than there are cores: a test waits for other processes half of its time.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

VENV := .venv
RUN := $(VENV)/installed-run
DEV := $(VENV)/installed-dev
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check --no-input

.PHONY: demo test chaos bench lint lock pictures clean

demo: $(RUN)
	@$(VENV)/bin/python -m pipelines.demo $(ARGS)

test: $(DEV)
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --maxprocesses 4 $(ARGS)

# The fault programme at length: schedules, every way of breaking the protocol, and the figures into docs/reliability.md.
chaos: $(DEV)
	@$(VENV)/bin/python -m pytest -n 2 -m 'long or not long' tests/faults
	@$(VENV)/bin/python -m tests.faults --schedules 10000 --workers 2 --mutants --write $(ARGS)
	@$(VENV)/bin/python -m tests.faults --erp xero --schedules 10000 --workers 2 --mutants --write $(ARGS)

bench: $(DEV)
	@$(VENV)/bin/python -m bench $(ARGS)

lint: $(DEV)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports

# Needs Debian's Chromium (apt-get install chromium), as the tests of the console do.
pictures: $(DEV)
	@$(VENV)/bin/python docs/take_pictures.py $(ARGS)

# Django would come with django-htmx, of which the console takes one file and no code.
NOT_DJANGO = --no-emit-package django --no-emit-package asgiref --no-emit-package sqlparse

# Resolves anew for every Python and platform we support, with hashes and without naming a registry.
lock:
	@command -v uv >/dev/null || { echo "make lock: found no uv, which resolves the lock files: install it"; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
		$(NOT_DJANGO) --upgrade --output-file requirements.lock requirements.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
		$(NOT_DJANGO) --constraint requirements.lock --output-file requirements-dev.lock requirements-dev.in

# Leaves .tieout alone: there is data in it.
clean:
	rm -rf $(VENV) build *.egg-info .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUN): requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(call install,requirements.lock)
	@touch $@

# The development lock holds everything of the other one.
$(DEV): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@$(call install,requirements-dev.lock)
	@touch $(RUN) $@

# setuptools comes first and alone, so that what has no wheel is built with the locked one and without fetching another.
define install
echo "Installing $(1) into $(VENV): a minute or two, once" && \
awk '/^[^ ]/ { is_it = /^setuptools==/ } is_it' $(1) > $(VENV)/setuptools.lock && \
$(PIP) install --require-hashes --no-deps -r $(VENV)/setuptools.lock && \
$(PIP) install --require-hashes --no-deps --no-build-isolation -r $(1) && \
$(PIP) install --no-build-isolation --no-deps --editable .
endef

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
		echo "tieout: found $$($(PYTHON) --version 2>/dev/null || echo nothing) as $(PYTHON), expected Python 3.11 to 3.13:" \
			"name one, as in: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "tieout: $(PYTHON) has no module venv or ensurepip, which Debian and Ubuntu package on their own:" \
			"apt-get install python3-venv, then again"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
