#!/bin/sh
# Builds what the tests of interoperation and the benches compare with: tusd by Go, tus-js-client and @tus/server by npm.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PWD/.venv/bin:$PATH
(cd peers && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
if command -v go >/dev/null; then
    mkdir -p peers/bin
    (cd peers/go && go build -trimpath -o ../bin/tusd github.com/tus/tusd/v2/cmd/tusd)
else
    echo "There is no Go here, so tusd is not built: what is tested against it is left out." >&2
fi
