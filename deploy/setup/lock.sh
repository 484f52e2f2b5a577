#!/bin/sh
# Renews the locks: every library with its version and hashes, for all systems, and no index address.
set -eu
cd "$(dirname "$0")/../.."

lock() {
    output=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header "$@" --output-file "$output"
}

lock runtime pyproject.toml
lock build --group build
lock demo pyproject.toml agent/pyproject.toml --group build --group demo
lock dev pyproject.toml agent/pyproject.toml --group build --group demo --group agent --group test --group lint
lock bench --group bench
