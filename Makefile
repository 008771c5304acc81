# Échéance: `make run` shows it, `make test` proves it.

# The first Python on this machine that fits; or give one: make PYTHON=python3.12 run
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	"$$name" -c '$(FITS)' 2>/dev/null && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet install \
	--require-hashes --only-binary :all:

# The pinned tzdata decides, not the system's copy.
export PYTHONTZPATH :=

.DEFAULT_GOAL := help
.PHONY: help run demo test lint prove prove-long control format bench cluster reset doctor

help: ## Say what can be asked
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: $(VENV)/.run ## Start everything on this machine, play the demo once, stay
	@exec $(BIN)/python cli.py up

demo: $(VENV)/.run ## Play the four stories on live parts, then leave
	@exec $(BIN)/python cli.py demo

doctor: $(VENV)/.run ## Say what stands in the way of a start
	@exec $(BIN)/python cli.py doctor

reset: $(VENV)/.run ## Forget everything kept on this machine
	@exec $(BIN)/python cli.py reset

test: lint $(VENV)/.browser $(VENV)/.dovecot ## Lint, types, import contracts and every test
	$(BIN)/pytest -n 2 --dist loadgroup || { test $$? = 1 && $(BIN)/python -m tests.again; }
	$(BIN)/python -m proof --lives 20000

prove: $(VENV)/.dev ## Live lives on every layer, find every planted bug, cause every fault
	$(BIN)/python -m proof --plants --lives 20000
	$(BIN)/python -m proof --layer workflow --plants --lives 300
	$(BIN)/python -m proof --layer system --lives 20
	ECHEANCE_LONG_FAULTS=1 ECHEANCE_CHATTER=3000 $(BIN)/pytest -q tests/faults

prove-long: $(VENV)/.dev ## The same with 5,000,000, 20,000 and 500 lives
	$(BIN)/python -m proof --plants --lives 5000000
	$(BIN)/python -m proof --layer workflow --plants --lives 20000
	$(BIN)/python -m proof --layer system --lives 500

control: $(VENV)/.dev ## Give the same lives to a nightly job, and compare
	$(BIN)/python -m proof.control --lives 2000 --plot docs/pictures/control.svg

lint: $(VENV)/.dev ## Lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Write the code in the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure speed and memory
	@exec $(BIN)/python -m benchmarks

cluster: $(VENV)/.dev ## Build Temporal's own server (needs Go), play and break on it
	@exec $(BIN)/python -m cluster $(ASKED)

# The environment is made again only when what it is made from changes.
$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 ou 3.13 est nécessaire : installez-le, ou make PYTHON=<chemin> run. / Python 3.11, 3.12 or 3.13 is needed: install it, or make PYTHON=<path> run." >&2; exit 1; }
	@"$(PYTHON)" -c '$(FITS)' || { echo "$(PYTHON) : il faut Python 3.11, 3.12 ou 3.13. / $(PYTHON): Python 3.11, 3.12 or 3.13 is needed." >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) && touch $@

$(VENV)/.run: requirements.txt $(VENV)/.python
	@echo "Installation (1 min)… / Installing (1 min)…"
	@$(PIP) -r requirements.txt && touch $@

# A real mail server for the tests of the mailbox; where it cannot be installed they are
# skipped and say so (with CI set they fail). Its service is not started.
$(VENV)/.dovecot: $(VENV)/.python
	@PATH="$$PATH:/usr/sbin" command -v dovecot >/dev/null || test "$$(id -u)" != 0 || sh tests/intake/install_dovecot.sh
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@$(PIP) -r requirements-dev.txt && touch $@

# Letters and pages are looked at in a real browser: the one that is here, else the
# system's package, else Playwright's own. Without any, tests say so, or fail in CI.
$(VENV)/.browser: $(VENV)/.dev
	@$(BIN)/python -m tests.browser 2>/dev/null || { echo "Navigateur… / Browser…"; \
		test "$$(id -u)" = 0 && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium; \
	} >&2 || $(BIN)/playwright install chromium >&2 || true
	@$(BIN)/python -m tests.browser && touch $@ || true
