# Two commands for people: `make demo` and `make test`. Each does all its own set-up.
# Needs only Python >= 3.11 with venv, git and make.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint types imports tests clean

demo: $(VENV)/.demo
	@$(BIN)/neckline demo

test: lint types imports tests

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

tests: $(VENV)/.dev
	$(BIN)/pytest

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "neckline needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing neckline into $(VENV) (once; about a minute)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[virtual]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing neckline and its development tools into $(VENV) (once; about a minute)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[virtual,export,dev]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache ./*.egg-info
