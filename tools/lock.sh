#!/usr/bin/env bash
# Writes the two lock files: versions and hashes, no registry address. Run after a change of pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
common=(--universal --python-version 3.11 --generate-hashes --no-header --no-annotate
        --no-emit-index-url --no-emit-find-links --no-emit-build-options --quiet)
uv=.venv/bin/uv
$uv pip compile pyproject.toml "${common[@]}" -o requirements.lock
$uv pip compile pyproject.toml --extra dev -c requirements.lock "${common[@]}" -o requirements-dev.lock
