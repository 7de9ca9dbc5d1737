# Two commands do everything from a fresh checkout: `make demo` and `make check`.
# Both keep to a private virtual environment in .venv; pip's own settings (PIP_INDEX_URL, pip.conf ...) are honoured.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo check check-slow lint gate clean

demo: .venv/installed
	$(BIN)/salmonn-eval run --tasks level1

# Two test processes with one thread each: more threads than cores only wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile

check: lint
	$(PYTEST) -m "not slow"

check-slow: .venv/installed-dev
	$(PYTEST) -m slow

# The embedded model answers as it did when its baseline was made, or the gate says how much worse it became.
gate: .venv/installed
	rm -rf results/runs/gate
	$(BIN)/salmonn-eval run --tasks all --run-dir results/runs/gate
	$(BIN)/salmonn-eval check results/runs/gate --baseline results/baselines/salmonn-nano.json

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install -q -e '.[dev]'
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
