#!/bin/sh
# Makes a virtual environment: venv.sh PYTHON FOLDER. Says in a sentence what is missing.
set -eu
python=$1 folder=$2

say() { echo "$*" >&2; exit 1; }

command -v "$python" >/dev/null ||
    say "There is no $python. Install Python 3.11 or newer, or name yours: make setup PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    say "Labcourier needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Name a newer one: make setup PYTHON=python3.12"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] ||
        say "$python cannot make virtual environments. Install its venv module, on Debian: apt-get install python3-venv"
    echo "Installing python3-venv ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes python3-venv >/dev/null
fi
"$python" -m venv "$folder"
