# Labcourier. Two commands to begin with: `make demo` and `make test`.
# Everything made here lies in .venv/, assets/ and var/; `make clean` removes it, but for data in var/.

PYTHON ?= python3
PORT   ?= 8000
PY     := .venv/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
STAMPS := .venv/stamps

export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint bench pictures agent-binary lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo "PORT=8001       another port for demo and run"
	@echo "DATA=/a/folder  demo: send your own files instead of simulated ones"
	@echo "ONCE=1          demo: stop after the last step, exit 0 only if every step was right"

setup: $(STAMPS)/demo $(STAMPS)/agent assets/dist/.built var/.migrated var/static/.collected  ## Set everything up (again: only what changed)

demo: setup  ## The main job for real: send, verify, hand over; keeps running until Ctrl-C
	@sh deploy/setup/need.sh curl=curl sha256sum=coreutils
	@$(PY) -m demo --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(ONCE),--once)

run: setup  ## Run the portal on this machine until Ctrl-C
	@$(PY) -m deploy.one_machine --port $(PORT)

test: setup $(STAMPS)/dev $(STAMPS)/peers  ## All checks and tests, on SQLite and PostgreSQL, with agent and browser
	@sh deploy/setup/need.sh curl=curl postgresql-server=postgresql chromium=chromium fonts="fonts-noto-core fonts-dejavu-core" \
		unzip=unzip 7z=p7zip-full bsdtar=libarchive-tools rsync=rsync wget=wget aria2c=aria2 cadaver=cadaver
	@$(PY) -m checks

lint: setup $(STAMPS)/dev  ## Only the checks that run no test: style, types, imports, configuration
	@$(PY) -m checks --only lint

campaign: setup $(STAMPS)/dev  ## Make each fault as often as the promises demand; reports in docs/reports (root: also the full disk)
	@LABCOURIER_CAMPAIGN=1 $(PY) -m pytest -q --show-capture=no -m promise $(or $(ONLY),tests/faults)

bench: setup $(STAMPS)/dev $(STAMPS)/peers $(STAMPS)/bench  ## Measure speed and memory; prints figures beside those of plain tools
	@sh deploy/setup/need.sh rsync=rsync curl=curl zip=zip wget=wget nginx=nginx
	@$(PY) -m bench

pictures: setup $(STAMPS)/dev  ## Take the pictures in docs/images again
	@$(PY) -m pytest -q tests/browser/pictures.py

agent-binary: setup $(STAMPS)/dev  ## The agent as one executable file for this system, in var/agent; tries it and prints size and start time
	@$(PY) -m deploy.agent_binary

lock: $(STAMPS)/dev  ## Renew requirements/*.txt from pyproject.toml and agent/pyproject.toml
	@sh deploy/setup/lock.sh

clean:  ## Remove what was set up; what the portal has received (var/) stays
	rm -rf .venv var/.migrated var/static var/checks assets/node_modules assets/dist peers/node_modules peers/bin .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- stamps: each stands for a step that need not be repeated ------------------------------------------------------

$(STAMPS)/venv:
	@sh deploy/setup/venv.sh $(PYTHON) .venv
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo: requirements/demo.txt | $(STAMPS)/venv
	@echo "Installing what the portal needs ..."
	@$(PIP) install --quiet --require-hashes --requirement requirements/demo.txt
	@touch $@

$(STAMPS)/dev: requirements/dev.txt | $(STAMPS)/demo
	@echo "Installing what the tests need ..."
	@$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

$(STAMPS)/agent: agent/pyproject.toml | $(STAMPS)/demo
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable ./agent
	@touch $@

$(STAMPS)/peers: peers/package-lock.json peers/go/go.sum | $(STAMPS)/demo
	@echo "Building the clients and servers that ours are compared with ..."
	@sh deploy/setup/peers.sh
	@touch $@

$(STAMPS)/bench: requirements/bench.txt | $(STAMPS)/dev
	@$(PIP) install --quiet --require-hashes --requirement requirements/bench.txt
	@touch $@

ASSETS := $(shell find assets -path assets/node_modules -prune -o -path assets/dist -prune -o -type f -print)

assets/dist/.built: $(ASSETS) | $(STAMPS)/demo
	@echo "Building the pages' styles and scripts ..."
	@sh deploy/setup/assets.sh
	@touch $@

var/.migrated: $(wildcard */migrations/*.py) | $(STAMPS)/demo assets/dist/.built
	@mkdir -p var
	@$(PY) manage.py migrate --verbosity 0
	@touch $@

var/static/.collected: assets/dist/.built requirements/demo.txt | var/.migrated
	@$(PY) manage.py collectstatic --no-input --verbosity 0
	@touch $@
