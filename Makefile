# Five words: run, test, check, bench, faults. `make` alone lists them.
# Everything that is made lies in .venv, .cache, node_modules, static/dist and data, all of them ignored by git.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench faults engines

PY := .venv/bin/python
STYLES := $(shell find static -path static/dist -prune -o -type f \( -name '*.scss' -o -name '*.css' -o -name '*.mjs' \) -print)

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS='	' read -r word what; do printf 'make %-7s %s\n' "$$word" "$$what"; done

# exec: the service takes make's place in the process tree, so that a signal reaches it and its end is make's.
run: .venv/.runtime static/dist/.built ## set everything up and serve the demo on http://127.0.0.1:8000
	@exec .venv/bin/dutyline run

test: .venv/.dev static/dist/.built engines check ## check, then every test: units, both databases, faults, browser
	@$(PY) -m pytest -n 3 --dist worksteal

check: .venv/.dev ## format, lint, types, layers and dependencies
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy .
	@.venv/bin/lint-imports
	@.venv/bin/deptry .

bench: .venv/.dev static/dist/.built engines ## measure it, with its references in the same run
	@$(PY) -m bench $(BENCH)

faults: .venv/.dev static/dist/.built engines ## break its parts one after the other, longer than in `make test` (SEED=n, ROOT=1)
	@$(PY) -m pytest tests/faults -n 2 --dist worksteal -rP --fault-seconds 60 $(if $(SEED),--seed $(SEED)) $(if $(ROOT),--fault-root) $(FAULTS)

engines: .venv/.dev
	@setup/engines

.venv/.runtime: requirements.lock requirements-redis.lock setup/python
	@setup/python requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	@setup/python requirements-dev.lock
	@touch $@

static/dist/.built: package-lock.json package.json setup/assets $(STYLES) | .venv/.runtime
	@setup/assets
	@touch $@
