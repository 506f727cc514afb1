# Soundstage's few commands. They need Python 3.11 or newer and make, nothing else: the first one that runs makes
# .venv and fills it with the versions and hashes of requirements.lock.

VENV   ?= .venv
PORT   ?= 4090
ARGS   ?=
JOBS   ?= 2
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
CODE   := simulator contracts tests

# Only what this Makefile installs is on the path; a PYTHONPATH from outside would shadow it.
unexport PYTHONPATH

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check verify mutants examples clients fuzz bench bench-quick new-provider lock readme clean

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Start the simulator on http://127.0.0.1:4090 (PORT=0 picks a free port, ARGS="--speed 100" adds flags)
	@exec $(BIN)/soundstage serve --port $(PORT) $(ARGS)

test: $(STAMP) ## Run the whole test suite (ARGS="-k signing" picks tests, JOBS=4 uses more cores)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

check: $(STAMP) ## Lint, check types and check who may import whom
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy --strict
	$(BIN)/python tests/packaging/types_of_tests.py
	$(BIN)/lint-imports

clients: $(STAMP) ## Run the official OpenAI, LangChain and LiteLLM clients against the simulator (ARGS="--only openai-3")
	$(BIN)/python tests/clients/run.py --envs $(VENV)-clients $(ARGS)

verify: $(STAMP) ## Try every promise of every provider on a simulator (ARGS="--report-html report.html" adds a report)
	$(BIN)/soundstage verify all $(ARGS)

mutants: $(STAMP) ## Make the simulator wrong in every way and see whether the contract suite notices (some minutes)
	$(BIN)/python tests/mutants/run.py --jobs $(JOBS) $(ARGS)

examples: $(STAMP) ## Write anew, for each promise, an exchange that keeps it and one that breaks it (some minutes)
	$(BIN)/python tests/mutants/examples.py --jobs $(JOBS) $(ARGS)

fuzz: $(STAMP) ## Send 20,000 generated requests and check every reply and every credit (ARGS="--seed 7 --provider midsync")
	$(BIN)/python tests/fuzz/run.py $(ARGS)

bench: $(STAMP) ## Measure against a minimal server and write tests/performance/RESULTS.md (some minutes)
	$(BIN)/python tests/performance/bench.py $(ARGS)

bench-quick: $(STAMP) ## The same, short, in a scratch folder; fails below the floors
	$(BIN)/python tests/performance/bench.py --quick --floors --only speed \
	  --out $(VENV)/bench.json --markdown $(VENV)/bench.md $(ARGS)

new-provider: $(STAMP) ## Begin a provider: code, schemas and a fixture with marks where to go on (NAME=acme)
	@$(if $(NAME),,$(error say which: make new-provider NAME=acme))
	$(BIN)/python tests/packaging/new_provider.py $(NAME)

lock: ## Write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --all-extras --upgrade --quiet --output-file requirements.lock

readme: $(STAMP) ## Write the generated tables of README.md and contracts/COVERAGE.md anew
	$(BIN)/python tests/packaging/readme_tables.py --write
	$(BIN)/python -m soundstage_contracts.command.coverage --write

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) $(VENV)-clients .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build

$(BIN)/python:
	@set -e; for python in python3 python3.13 python3.12 python3.11 python; do \
	  if command -v $$python >/dev/null 2>&1 && \
	     $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version)"; \
	    $$python -m venv $(VENV) || { rm -rf $(VENV); \
	      echo "$$python cannot make virtual environments; on Debian and Ubuntu install python3-venv" >&2; exit 1; }; \
	    exit 0; \
	  fi; \
	done; echo "Soundstage needs Python 3.11 or newer on the PATH" >&2; exit 1

# hatchling is in the lock, so building the project's own metadata fetches nothing that has no hash.
$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the versions of requirements.lock (once)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
