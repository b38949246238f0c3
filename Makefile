# Two commands, each enough on a fresh machine with python3 (3.11 or newer), make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test coverage bench lint format clean

demo: $(VENV)/.installed
	$(BIN)/python fixtures/demo.py

test: $(VENV)/.test-installed lint
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

coverage: $(VENV)/.test-installed
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term

# Fetches code and tools from PyPI, takes a quarter of an hour at most, and writes docs/benchmarks.md.
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run $(BENCH)

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.test-installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[github,test]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info
