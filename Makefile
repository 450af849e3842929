# make run     the whole product, on this machine:  make run PORT=8123 DATA_DIR=/srv/transcripts
# make test    every check and every test, under five minutes after installation
# make proof   the slow proofs: kills, real model downloads that stall, long runs

# HOST, PORT, DATA_DIR and all other settings come from the command line, the environment or .env.
PYTHON ?= python3

VENV := .venv
PY := $(VENV)/bin/python
# Stamps name the Python that made the environment: another one makes it anew.
STAMPS := $(VENV)/stamps
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: run install install-dev browser test check pytest proof bench clean

run: install
	@SERVE_PARENT=$$PPID exec $(PY) manage.py serve

install: $(STAMPS)/requirements node_modules/.installed

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements: requirements.txt constraints.txt $(STAMPS)/venv
	$(PIP) -r requirements.txt
	@touch $@

$(STAMPS)/requirements-dev: requirements-dev.txt requirements.txt constraints.txt $(STAMPS)/venv
	$(PIP) -r requirements-dev.txt
	@touch $@ $(STAMPS)/requirements

node_modules/.installed: package.json package-lock.json $(STAMPS)/venv
	$(PY) -m whisperx_site.front_end
	@touch $@

install-dev: $(STAMPS)/requirements-dev node_modules/.installed

browser: install-dev
	@$(PY) -m tests.browser

test: install-dev browser check pytest

check: install-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://transcripts.example.org $(PY) manage.py check --deploy --fail-level WARNING

pytest: install-dev browser
	$(PY) -m pytest -m "not proof" -n 2 --dist loadfile

proof: install-dev browser
	$(PY) -m pytest -m proof

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

bench: install
	$(PY) -m bench
