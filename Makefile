# Celadon's own tasks. `make test` and `make demo` need nothing but Debian or Ubuntu, root or sudo, Python 3.11, git.
SHELL := /bin/bash
BIN := .venv/bin
LOCALE := src/celadon/locale
POT := --no-location --omit-header --sort-output
.DEFAULT_GOAL := help
.PHONY: help setup venv engine images demo demo-down test lint unit e2e bench torture fuzz audit format lock messages schema

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: venv engine images  ## virtual environment, Docker engine and base images: what is missing of them
venv:
	@dev/venv
engine:
	@dev/engine
images: engine
	@dev/images

demo: setup  ## five services from git to production, under load, with a table at the end
	@$(BIN)/python examples/demo.py
demo-down: venv  ## stop the demo and remove what it made
	@$(BIN)/python examples/demo.py --down

test: setup  ## everything: checks, unit tests, stories on the real engine
	@$(MAKE) --no-print-directory --jobs 2 e2e lint unit
lint: venv  ## ruff, mypy, import contracts, message catalogue
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo | tail -n 1
unit: venv  ## the tests that need no engine
	@$(BIN)/pytest -m "not engine"
e2e: setup  ## the stories on the real engine: two at a time, then those that need the host to themselves
	@$(BIN)/pytest -m "engine and not alone" $(if $(filter 0,$(shell id -u)),--dist worksteal --tx 2*popen//python=tests/e2e/own-host)
	@$(BIN)/pytest -m "engine and alone"
bench: setup  ## promote and rollback beside the scripts of others; builds beside Buildx, and users beside builds
	@$(BIN)/python -m bench.run && $(BIN)/python -m bench.build && $(BIN)/python -m bench.beside

torture: setup  ## the whole kill matrix and a hundred rounds under load, and power cuts (hours)
	@$(BIN)/python -m tests.torture && $(BIN)/python -m tests.torture --engine live && \
	$(BIN)/python -m tests.torture --engine cold && $(BIN)/python -m tests.torture.cycles && \
	$(BIN)/python -m tests.torture.cycles --cycles 25 --streams 10 && $(BIN)/python -m tests.torture.power && \
	$(BIN)/python -m tests.torture.capped && $(BIN)/python -m tests.torture.builders

fuzz: venv  ## every reader of other people's bytes for a minute under a coverage-guided fuzzer
	@[ -d .fuzz/packages/atheris ] || \
		$(BIN)/pip install --quiet --disable-pip-version-check --only-binary :all: --target .fuzz/packages atheris
	@PYTHONPATH=.fuzz/packages $(BIN)/python -m tests.fuzz
audit:  ## known vulnerabilities in the locked packages (asks a service on the internet)
	@dev/audit

format: venv  ## let ruff write the code its way
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .
lock:  ## choose the newest packages that fit, and lock them by hash
	@dev/lock
messages: venv  ## write the message catalogues anew, give the translations what is new, and compile them
	@$(BIN)/pybabel --quiet extract $(POT) -o $(LOCALE)/celadon.pot src/celadon
	@$(BIN)/pybabel --quiet extract $(POT) -o $(LOCALE)/click.pot "$$($(BIN)/python -c 'import click; print(*click.__path__)')"
	@for domain in celadon click; do \
		$(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
			--domain $$domain --input-file $(LOCALE)/$$domain.pot --output-dir $(LOCALE) && \
		$(BIN)/pybabel --quiet compile --domain $$domain --directory $(LOCALE) || exit; done
schema: venv  ## write the JSON Schema for editors anew, from the model and the annotated reference
	@$(BIN)/python -m celadon.config.schema
