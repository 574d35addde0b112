# Everything works from a fresh clone: each target first makes .venv fit. `make help` lists the targets.
# Settings are environment variables; make hands on its own arguments as such, so `make run PORT=9000` will do.

SETUP := sh deploy/setup.sh
RUN := .venv/bin/python -m
# More than cores, since tests wait as well; a process that is through takes tests over from another.
PARALLEL := -n 3 --dist worksteal
PACKAGES := config.py requirements/lock.py $(wildcard models tasks web workers deploy benchmarks tests migrations)

# Or each process that starts would compile all of the project again: a quarter of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-all rush storm crowd journey locust chaos bench screenshots lint format types lock words clean setup-local setup-dev

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: setup-local ## start the whole platform with embedded servers; Ctrl-C stops it (PORT, HOST, DATA_DIR, SCALE, …)
	@exec $(RUN) deploy.run

test: setup-dev ## prove every guarantee against real servers (PYTEST_ARGS)
	@exec $(RUN) pytest $(PARALLEL) $(PYTEST_ARGS)

test-all: setup-dev ## the same and what is long by nature, before a release: all views, big crowds, soaks (PYTEST_ARGS)
	@exec $(RUN) pytest $(PARALLEL) -m "" $(PYTEST_ARGS)

locust: setup-dev ## load a running shop by Locust, with its UI at http://localhost:8089 (URL, ARGS="--headless -u 50 -t 60s …")
	@exec $(RUN) locust -f benchmarks/locustfile.py --host $(or $(URL),http://127.0.0.1:8000) $(ARGS)

chaos: setup-local ## a soak under faults, and its checker (SECONDS_, SEED, CLIENTS, ARGS="--json FILE --keep DIR")
	@exec $(RUN) tests.chaos $(ARGS)

rush: setup-local ## send a crowd to a running shop and check every verdict (SHOPPERS, URL, …)
	@exec $(RUN) benchmarks.rush

crowd: setup-local ## hold a crowd of sockets, tell them all, rush (SOCKETS, RUSHERS, UNITS, RECONNECT, URL, …)
	@exec $(RUN) benchmarks.sockets

storm: setup-local ## send a storm of webhooks to a running shop and check all money (WEBHOOKS, URL, …)
	@exec $(RUN) benchmarks.storm

journey: setup-local ## send people all the way from the page to the receipt, and verify it (PEOPLE, UNITS, URL, …)
	@exec $(RUN) benchmarks.journey

bench: setup-local ## measure, print a table, write benchmarks/latest.json
	@exec $(RUN) benchmarks.speed

screenshots: setup-dev ## picture every view of the pages into docs/screens (ARGS="--every --to DIR NAME…")
	@exec $(RUN) tests.screens $(ARGS)

lint: setup-dev ## check style and layout
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: setup-dev ## put style and layout right
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

types: setup-dev ## check types
	@$(RUN) mypy $(PACKAGES)

lock: setup-dev ## pin what requirements/*.in ask for
	@.venv/bin/python requirements/lock.py

words: setup-dev ## gather the pages' words into the catalogues, where new ones then want translating
	@$(RUN) babel.messages.frontend --quiet extract --mapping pyproject.toml --project "Flash sale" --add-location file \
		--keyword NP_:1c,2 --no-wrap --sort-by-file --output-file translations/messages.pot .
	@$(RUN) babel.messages.frontend --quiet update --input-file translations/messages.pot \
		--output-dir translations --no-wrap --ignore-obsolete --no-fuzzy-matching \
		--ignore-pot-creation-date
	@rm translations/messages.pot

clean: ## remove .venv and caches; the data directory stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +

setup-local:
	@$(SETUP) local

setup-dev:
	@$(SETUP) dev
