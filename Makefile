# One entry for everything; needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test check conformance bench docs clean

help:                 ## what can be made
	@echo 'make TARGET [PYTHON=python3.11]'
	@while IFS= read -r line; do case "$$line" in [a-z]*:*'## '*) \
		printf '  %-12s %s\n' "$${line%%:*}" "$${line##*## }";; esac; done < Makefile

setup: $(VENV)/.installed     ## make .venv with the project in it; again only when pyproject.toml changed
$(VENV)/.installed: pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON) here. Ottla needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ottla needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/.check-installed: $(VENV)/.test-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[check]'
	@touch $@

run: setup            ## start a development node: no configuration, data gone at exit
	$(BIN)/ottla dev

test: $(VENV)/.test-installed      ## the tests that need Python alone
	$(BIN)/python -m pytest -q --ignore=tests/conformance --ignore=tests/reach

check: $(VENV)/.check-installed    ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: $(VENV)/.check-installed   ## other people's clients and Kafka's own tools
	$(BIN)/python -m pytest -q tests/conformance tests/reach

bench: $(VENV)/.check-installed    ## Ottla beside Apache Kafka, one run, ratios
	$(BIN)/python -m benchmarks

docs: setup           ## write the generated reference pages anew; tests say when they are not current
	$(BIN)/python docs/reference/write_settings.py
	$(BIN)/python -m ottla.cli.reference > docs/reference/cli.md

clean:                ## remove .venv and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
