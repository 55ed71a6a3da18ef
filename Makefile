# Two commands do all the set-up: `make demo` and `make test`. `make check` runs every gate.
# Each makes its own virtual environment and needs Python 3.11 or newer, and nothing else.

PYTHON ?= python3
MODEL ?=
UV_LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint check lock site clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

demo: .venv/installed ## the main job on real data; MODEL=ollama:NAME asks a real model
	@.venv/bin/python examples/demo.py $(if $(MODEL),--model $(MODEL))

test: .venv-dev/installed ## every test; says at the end what could not run here
	@tools/test .venv-dev/bin/python

lint: .venv-dev/installed ## style, types and the arrows between packages
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy
	.venv-dev/bin/lint-imports --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }

check: lint test ## every gate

site: .venv-dev/installed ## build the documents as a site in build/site, which needs no network
	@.venv-dev/bin/mkdocs build
	@echo "open build/site/index.html; searching needs a server: python3 -m http.server -d build/site"

lock: ## write the lock files anew (needs uv)
	$(UV_LOCK) --extra local-store --extra build --output-file requirements/run.lock
	$(UV_LOCK) --all-extras --output-file requirements/dev.lock
	$(UV_LOCK) --extra web --extra distributed --extra mcp --extra otel --extra build \
	    --constraint requirements/dev.lock --output-file requirements/service.lock

clean: ## remove what the commands above made
	rm -rf .venv .venv-dev .hypothesis .mypy_cache .pytest_cache .ruff_cache .lint-imports.log

.venv/installed: requirements/run.lock pyproject.toml
	@tools/make-venv "$(PYTHON)" .venv requirements/run.lock

.venv-dev/installed: requirements/dev.lock pyproject.toml
	@tools/make-venv "$(PYTHON)" .venv-dev requirements/dev.lock
