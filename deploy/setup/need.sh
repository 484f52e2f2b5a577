#!/bin/sh
# Makes sure that programs are there: need.sh PROGRAM=DEBIAN-PACKAGE ...
# Installs what is missing when root on Debian, otherwise says what to install.
set -eu
missing=""

for pair in "$@"; do
    program=${pair%%=*} package=${pair#*=}
    case $program in
        postgresql-server) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null ;;
        fonts) fc-list 2>/dev/null | grep -q . ;;
        *) command -v "$program" >/dev/null ;;
    esac || missing="$missing $package"
done

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Please install:$missing   (on Debian: apt-get install$missing)" >&2
    exit 1
fi
echo "Installing$missing ..."
apt-get update -qq
# shellcheck disable=SC2086  # a list of package names
DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
