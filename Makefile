# Two commands matter: `make study` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= results/three-poles
WORKERS ?= 2
TEST := -m pytest -n $(WORKERS) --dist worksteal

.PHONY: study test test-slow check lock clean

study: $(VENV)/run.stamp
	$(BIN)/talik run three-poles --out $(OUT)

test: $(VENV)/dev.stamp
	$(BIN)/python $(TEST)

test-slow: $(VENV)/dev.stamp
	$(BIN)/python $(TEST) -m slow

check: $(VENV)/dev.stamp
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "talik needs Python 3.11 or newer, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements/dev.txt
	@touch $@

# Remake the lock files: universal (3.11 and newer), with hashes, without naming a host.
lock:
	printf 'talik[all] @ .\nhatchling\neditables\n' > requirements/.run.in
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-package talik --no-annotate --no-header requirements/.run.in -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-package talik --no-annotate --no-header -c requirements/run.txt --group dev requirements/.run.in -o requirements/dev.txt
	rm requirements/.run.in

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
