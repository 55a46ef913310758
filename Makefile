# Everything a clean clone needs: Python 3.11, git and make.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test whole-test check style types bench browser-test lock schema clean

# Bytecode is kept, also where the environment says otherwise: Prefect starts in half the time, and tests start it often.
export PYTHONDONTWRITEBYTECODE :=

# uv installs the pinned packages in seconds; pip only brings uv. Stamps keep both from running twice.
$(VENV)/.user: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $$(command -v $(PYTHON) || command -v python3) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.user requirements-dev.txt requirements-oracles.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -r requirements-oracles.txt
	@touch $@

UV_VERSION := 0.13.8

install: $(VENV)/.user
	@echo "Installed: $(BIN)/skuflow --help"

# Status 3 (some SKUs not complete) is an outcome that the table explains, not a failure of the demo.
demo: $(VENV)/.user
	@$(BIN)/skuflow run samples/products.csv --out kits || test $$? -eq 3

# A file's tests stay together, since many share a server; the long files come first, so that both workers end together.
test: $(VENV)/.dev
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not whole" tests/flows tests/contract tests/unit

# Server, worker, receiver and emulators together, with kills in between: some twenty minutes.
whole-test: $(VENV)/.dev
	@$(BIN)/pytest -m whole tests/flows

# The gallery and the pages of Prefect's UI in Debian's chromium; three and a half minutes.
browser-test: $(VENV)/.dev
	@if command -v chromium > /dev/null || command -v chromium-browser > /dev/null; then $(BIN)/pytest tests/browser; \
	else echo "browser-test: nothing tested, there is no Chromium on this machine; install Debian's package chromium"; fi

check: style types

style: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks

schema: $(VENV)/.user
	@$(BIN)/python -m skuflow.listing.schema > docs/kit.schema.json
	@$(BIN)/python -m skuflow.notices.schema > docs/webhook.schema.json

# Pins without download addresses, for every platform.
lock: $(VENV)/.user
	@$(BIN)/uv pip compile -q --universal --no-header --no-annotate --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --no-header --no-annotate --python-version 3.11 requirements-dev.in -o requirements-dev.txt

# .skuflow stays: it holds the ledger and what was paid for.
clean:
	@rm -rf $(VENV) kits
