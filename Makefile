# Everything from a fresh clone: needs Python 3.11 or later with venv, make and git. PYTHON=... chooses a Python.
export PYTHON
# The tests start some hundred processes, and each would compile the whole tree anew.
unexport PYTHONDONTWRITEBYTECODE
BIN = .venv/bin
# A PostgreSQL, keys and a state folder for one command, gone afterwards.
THROWAWAY = $(BIN)/python -m credservice.devserver throwaway
TEMPLATES = $(shell git ls-files '*.html')

.PHONY: help run check test lint lint-style lint-types lint-security lint-site bench drill lock clean

help:
	@echo "make run    serve on http://localhost:8000 (PORT=...), state under var/ (VAR_DIR=...)"
	@echo "make check  lint, and run the tests that start no server: before each commit"
	@echo "make test   run all tests (DATABASE_URL=... for another PostgreSQL than the embedded one)"
	@echo "make lint   check style, types, import contracts, migrations, settings and templates"
	@echo "make bench  measure the service beside a hand-written peer (ARGS=--quick: in a minute or two)"
	@echo "make drill  kill processes under load (ROUNDS=100), and fail a PostgreSQL cluster over; counts what is lost: nothing"
	@echo "make lock   lock the newest dependencies that pyproject.toml allows"
	@echo "make clean  remove .venv and caches; var/ holds keys and data and is left"

run:
	@requirements/install run
	@exec $(BIN)/python -m credservice.devserver run

check: lint
	@exec $(BIN)/pytest -n 2 -q -m "not slow"

test:
	@requirements/install dev
	@exec $(BIN)/pytest -n 2

lint:
	@requirements/install dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-site lint-types lint-security lint-style

lint-style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(if $(TEMPLATES),$(BIN)/djlint --quiet --lint $(TEMPLATES))

lint-types:
	$(BIN)/mypy .

lint-security:
	$(BIN)/bandit -q -ll -ii -c pyproject.toml -r credservice exchange provisioning credservice_client

lint-site:
	$(THROWAWAY) $(BIN)/python manage.py makemigrations --check --dry-run
	$(THROWAWAY) env ENVIRONMENT=production PUBLIC_URL=https://credentials.example.com $(BIN)/python manage.py check --deploy --fail-level WARNING

bench:
	@requirements/install dev
	@exec $(BIN)/python -m tests.bench $(ARGS)

drill:
	@requirements/install dev
	$(BIN)/python -m tests.drill kill $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.drill failover $(if $(SEED),--seed $(SEED))

lock:
	@requirements/lock

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
	@if [ -d var ]; then echo "var/ holds keys and data and is left."; fi
