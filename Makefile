# Everything works from a fresh clone: each target first makes .venv fit. `make help` lists the targets.
# Settings are environment variables; make hands on its own arguments as such, so `make run PORT=9000` will do.

SETUP := sh deploy/setup.sh
RUN := .venv/bin/python -m
PACKAGES := config.py $(wildcard models tasks web workers deploy benchmarks tests migrations)

.DEFAULT_GOAL := help
.PHONY: help run test rush storm chaos bench lint format types clean setup-local setup-dev

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: setup-local ## start the whole platform with embedded servers; Ctrl-C stops it (PORT, HOST, DATA_DIR, SCALE, …)
	@exec $(RUN) deploy.run

test: setup-dev ## run the whole suite against real servers (PYTEST_ARGS)
	@exec $(RUN) pytest $(PYTEST_ARGS)

chaos: setup-local ## a soak under faults, and its checker (SECONDS_, SEED, CLIENTS, ARGS="--json FILE --keep DIR")
	@exec $(RUN) tests.chaos $(ARGS)

rush: setup-local ## send a crowd to a running shop and check every verdict (SHOPPERS, URL, …)
	@exec $(RUN) benchmarks.rush

storm: setup-local ## send a storm of webhooks to a running shop and check all money (WEBHOOKS, URL, …)
	@exec $(RUN) benchmarks.storm

bench: setup-local ## measure, print a table, write benchmarks/latest.json
	@exec $(RUN) benchmarks.speed

lint: setup-dev ## check style and layout
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: setup-dev ## put style and layout right
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

types: setup-dev ## check types
	@$(RUN) mypy $(PACKAGES)

clean: ## remove .venv and caches; the data directory stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +

setup-local:
	@$(SETUP) local

setup-dev:
	@$(SETUP) dev
