# Everything it needs: Python 3.11 and make. `make help` lists the targets.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo demo-serve test soak lint bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## make .venv with everything in it

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: install  ## the main job on the embedded stack, with real images
	$(BIN)/omega-images demo

demo-serve: install  ## the same, and then its pages in a browser, until Ctrl-C
	$(BIN)/omega-images demo --serve

test: install  ## every test; says at its end what was left out, and why
	$(BIN)/python -m tests.run

soak: install  ## hundreds of real faults under a load, for at most an hour
	$(BIN)/python -m tests.faults.soak $(SOAK)

lint: install  ## formatting, style, types, and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## measure, beside bounds taken in the same run
	$(BIN)/python -m benchmarks

clean:  ## stop the embedded servers; remove their data and the environment
	-[ ! -x $(BIN)/omega-images ] || $(BIN)/omega-images down
	rm -rf .omega $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
