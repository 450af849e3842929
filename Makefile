# make run     the whole product, on this machine:  make run PORT=8123 DATA_DIR=/srv/transcripts
#              with WhisperX (several GB more):     make run ENGINE=whisperx
# make unit    ruff and the tests that start no site, server, browser or process: 45 seconds
# make test    every check and the fast tests, under five minutes after installation
# make proof   all other tests: kills, full disks, proxies, PgBouncer, long runs, WhisperX (in an
#              environment of its own, 2 GB)
# make lock    after a change in requirements*.txt: name by hash what they bring. Versions stay where
#              they can; newer ones:                make lock UPGRADE="--upgrade-package av"

# HOST, PORT, DATA_DIR and all other settings come from the command line, the environment or .env.
PYTHON ?= python3

VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
# An environment whose Python has gone, as by an upgrade of the system, is made anew; so is, after
# make clean, one that is to have another Python (make PYTHON=python3.12).
ifeq ($(shell $(PY) -c "print(1)" 2>/dev/null),)
$(shell rm -rf $(STAMPS))
endif
# Installed are the files that the locks name by hash, and no others.
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

# What the site itself reads: the command line or the environment, else .env.
ENGINE ?= $(shell sed -n "s/^ENGINE=['\"]*\([a-z-]*\).*/\1/p" .env 2>/dev/null)
# Here the proofs of WhisperX run.
WHISPERX := .venv-whisperx

# What is locked, with the lock beside it; the others keep to the versions of the site's own.
LOCKED := requirements requirements-dev requirements-whisperx requirements-node bench/peers/requirements
COMPILE := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock"

.PHONY: run install install-dev install-whisperx browser unit test check pytest proof hold-ups bench lock clean

run: install $(if $(filter whisperx,$(ENGINE)),install-whisperx)
	@SERVE_PARENT=$$PPID exec $(PY) manage.py serve

install: $(STAMPS)/requirements node_modules/.installed

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements: requirements.lock $(STAMPS)/venv
	$(PIP) -r requirements.lock
	@touch $@

$(STAMPS)/requirements-dev: requirements-dev.lock $(STAMPS)/venv
	$(PIP) -r requirements-dev.lock
	@touch $@ $(STAMPS)/requirements

$(STAMPS)/requirements-whisperx: requirements-whisperx.lock $(STAMPS)/requirements
	@echo "Installing WhisperX: several GB, some minutes."
	$(PIP) -r requirements-whisperx.lock
	@touch $@

# Without it the site runs all the same, and its built-in engine stands in.
install-whisperx: install
	@$(MAKE) --no-print-directory $(STAMPS)/requirements-whisperx || echo "WhisperX CANNOT BE INSTALLED here (pip says why, above). The site starts without it: another engine stands in, and each transcript says so."

$(WHISPERX)/installed: tests/whisperx/install_cpu.py requirements-whisperx.lock
	$(PYTHON) -m tests.whisperx.install_cpu $(WHISPERX)
	@touch $@

node_modules/.installed: package.json package-lock.json requirements-node.lock $(STAMPS)/venv
	$(PY) -m whisperx_site.processes.front_end
	@touch $@

install-dev: $(STAMPS)/requirements-dev node_modules/.installed

browser: install-dev
	@$(PY) -m tests.browser
	@$(PY) -m tests.programs

unit: install-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m pytest --unit -p no:schemathesis -n 2 --dist loadfile

test: install-dev browser check pytest

check: install-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://transcripts.example.org $(PY) manage.py check --deploy --fail-level WARNING

pytest: install-dev browser
	$(PY) -m pytest -m "not proof" -n 3 --dist loadfile

proof: install-dev browser $(WHISPERX)/installed
	$(PY) -m pytest -m "proof and not alone" -n 2 --dist loadfile
	$(PY) -m pytest -m "proof and alone"

$(VENV)/bin/uv: $(STAMPS)/venv
	$(PIP) -r requirements-dev.lock

lock: $(VENV)/bin/uv
	@$(foreach name,$(LOCKED),$(COMPILE) $(UPGRADE) $(if $(filter requirements-%,$(name)),-c requirements.lock) $(name).txt -o $(name).lock &&) true

# Each shape of request that is made to hold up others, for half a minute.
hold-ups: install-dev
	HOSTILE_SECONDS=30 $(PY) -m pytest tests/site/test_hold_ups.py -m "proof and alone" -s

clean:
	rm -rf $(VENV) $(WHISPERX) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

bench: install
	$(PY) -m bench
