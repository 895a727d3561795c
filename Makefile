# make train ARGS="--epochs=1 --loss=l2"; likewise generate, evaluate and test
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: train generate evaluate figures test test-fast

train generate evaluate: .venv/installed
	$(BIN)/python $@.py $(ARGS)

figures: .venv/installed
	$(BIN)/python -m evaluation.figures $(ARGS)

test: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n auto --dist=worksteal $(ARGS)

test-fast: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/tested: requirements.txt requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@
