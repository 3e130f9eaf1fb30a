# Everything from a fresh clone: needs Python 3.11 or later with venv, make and git. PYTHON=... chooses a Python.
export PYTHON
BIN = .venv/bin
# A PostgreSQL, keys and a state folder for one command, gone afterwards.
THROWAWAY = $(BIN)/python -m credservice.local throwaway
TEMPLATES = $(shell git ls-files '*.html')

.PHONY: help run test lint bench lock clean

help:
	@echo "make run    serve on http://localhost:8000 (PORT=...), state under var/ (VAR_DIR=...)"
	@echo "make test   run the tests (DATABASE_URL=... for another PostgreSQL than the embedded one)"
	@echo "make lint   check style, types, import contracts, migrations, settings and templates"
	@echo "make bench  measure throughput and latency"
	@echo "make lock   lock the newest dependencies that pyproject.toml allows"
	@echo "make clean  remove .venv and caches; var/ holds keys and data and is left"

run:
	@requirements/install run
	@exec $(BIN)/python -m credservice.local run

test:
	@requirements/install dev
	@exec $(BIN)/pytest -n 2

lint:
	@requirements/install dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/bandit -q -ll -ii -c pyproject.toml -r credservice exchange provisioning credservice_client
	$(if $(TEMPLATES),$(BIN)/djlint --quiet --lint $(TEMPLATES))
	$(THROWAWAY) $(BIN)/python manage.py makemigrations --check --dry-run
	$(THROWAWAY) env ENVIRONMENT=production PUBLIC_URL=https://credentials.example.com $(BIN)/python manage.py check --deploy --fail-level WARNING

bench:
	@requirements/install dev
	@exec $(BIN)/python -m tests.bench

lock:
	@requirements/lock

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
	@if [ -d var ]; then echo "var/ holds keys and data and is left."; fi
