#!/usr/bin/env bash
# ruff, mypy --strict, import directions and the other rules of the house.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/lint-imports --no-logo
$bin/python -m pytest -q -p no:cacheprovider tests/house
