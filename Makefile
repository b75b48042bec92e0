# One entry for everything; needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHEEL := .venv-wheel
# Files of tests go to this many processes at once: most of them wait for servers, not for a processor.
WORKERS ?= 4
PYTEST := -m pytest -q -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: sim help setup run test check fuzz hunt conformance bench wheel wheel-test wheel-bench docs clean

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
	$(BIN)/python $(PYTEST) --ignore=tests/conformance --ignore=tests/reach

check: $(VENV)/.check-installed    ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(VENV)/.test-installed      ## mutate what decoders read: MINUTES=10 TARGET=records; guided by coverage with atheris
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),1) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target '$(TARGET)')

hunt: $(VENV)/.test-installed      ## properties with examples nobody has seen
	$(BIN)/python -m pytest -q --hypothesis-profile=fresh tests/properties

conformance: $(VENV)/.check-installed   ## other people's clients and Kafka's own tools
	$(BIN)/python $(PYTEST) tests/conformance tests/reach

bench: $(VENV)/.check-installed    ## Ottla beside Apache Kafka, one run, ratios; BENCH='--quick' for a look
	$(BIN)/python -m benchmarks $(BENCH)

wheel: $(WHEEL)/.installed    ## dist/*.whl with the hot modules compiled (needs a C compiler), installed in .venv-wheel
$(WHEEL)/.installed: pyproject.toml hatch_build.py $(shell find src -name '*.py') | $(VENV)/.installed
	rm -f dist/ottla-*.whl
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(PYTHON) -m venv $(WHEEL)
	$(WHEEL)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/ottla-*.whl
	$(WHEEL)/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls dist/ottla-*.whl)[test]"
	$(WHEEL)/bin/ottla --version
	@touch $@

wheel-test: $(WHEEL)/.installed    ## the tests that need Python alone, on the compiled wheel
	$(WHEEL)/bin/python $(PYTEST) --ignore=tests/conformance --ignore=tests/reach --ignore=tests/planted

SEEDS ?= 200
STEPS ?= 300
sim: $(VENV)/.test-installed       ## the node in simulated worlds: SEEDS=200 STEPS=300, or SEED=7 for one; SIM="--world groups" for groups
	@$(BIN)/python -m tests.simulation --steps $(STEPS) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(SIM)

wheel-bench: $(WHEEL)/.installed $(VENV)/.check-installed    ## the bench, with the node from the compiled wheel
	OTTLA_TEST_PYTHON=$(WHEEL)/bin/python $(BIN)/python -m benchmarks

docs: setup           ## write the generated reference pages anew; tests say when they are not current
	$(BIN)/python docs/reference/write_settings.py
	$(BIN)/python -m ottla.cli.reference > docs/reference/cli.md

clean:                ## remove .venv and everything that was built
	rm -rf $(VENV) $(WHEEL) build dist .mypy_cache .pytest_cache .ruff_cache
