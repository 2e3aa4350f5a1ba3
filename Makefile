# Everything a newcomer needs: `make run` and `make test`. Only Python 3.11+ and make have to be there.
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin

# Some machines forbid Python to keep what it compiled: each of the many programs below would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-postgresql check check-types check-rest bench clean lock messages

setup: .venv/ready ## virtual environment, locked dependencies with hashes, front end, messages
	@$(BIN)/python tools/assets.py build
	@$(BIN)/python tools/messages.py compile

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing dependencies …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/ready

run: setup ## serve Pingcheng with its demonstration data on http://127.0.0.1:$(PORT)
	@$(BIN)/shaodao run --demo --port $(PORT)

test: setup ## all tests: fast ones on SQLite, then what depends on the database on PostgreSQL, then the browser
	$(BIN)/python tools/test.py

test-postgresql: setup ## every test on PostgreSQL (DATABASE_URL names the server), before a release
	$(BIN)/python -m pytest -n 2 -m "not browser and not nodb"

check: setup ## style, types, floors, translations, generated documents; types take as long as the rest, so beside it
	@$(MAKE) --no-print-directory -j 2 check-types check-rest

check-types:
	$(BIN)/mypy

check-rest:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tools/messages.py check
	$(BIN)/python tools/lifecycle_doc.py --check
	$(BIN)/python -m django makemigrations --check --dry-run --settings shaodao.config.settings

bench: setup ## every benchmark, side by side with a peer where there is one
	@for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script; done

lock: ## after a change of pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	tools/lock.sh

clean:
	rm -rf .venv var node_modules frontend/node_modules shaodao/static/build
