# make setup   create .venv and install, once
# make run     a dry run of sixty trials that ends in a report
# make test    the tests
# make soak    what takes too long for them: hundreds of trials with faults, watched from outside
# make lint    ruff and mypy

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3 || command -v python)
DETECTOR ?= gqstn
TRIALS ?= 60
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup run test soak lint
.DELETE_ON_ERROR:

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
		|| { echo "Python 3.11 or 3.12 is needed: install one, or name yours with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(STAMP)
	$(BIN)/python run_cell.py --detector $(DETECTOR) --trials $(TRIALS) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
