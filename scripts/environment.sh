#!/bin/sh
# Creates .venv and installs one requirement file with its hashes, then the project itself. Usage: environment.sh embedded|dev
# make calls it only if the requirement file or pyproject.toml is newer than the stamp written at the end.
set -eu
cd "$(dirname "$0")/.."
wanted=$1

usable() { # a Python that is new enough and can create environments
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && "$1" -c 'import ensurepip, venv' 2>/dev/null
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.14 python3.13 python3.12 python3.11; fi
  for python; do
    if usable "$python"; then
      echo "$python"
      return
    fi
  done
}

explain() {
  found=$("${PYTHON:-python3}" --version 2>/dev/null) || found="no ${PYTHON:-python3}"
  cat >&2 <<MESSAGE
ordersys requires Python 3.11 or newer with the venv module. Found: $found.
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv
  another Python:  make PYTHON=/path/to/python3.12 ...
MESSAGE
  exit 2
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
  python=$(find_python)
  [ -n "$python" ] || explain
  "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@"; }

echo "Installing $(grep -c '==' "requirements/$wanted.txt") packages into .venv (requirements/$wanted.txt) ..." >&2
# --no-deps: the file is complete; there is nothing to resolve.
pip install --no-deps --require-hashes -r "requirements/$wanted.txt"
pip install --no-deps --no-build-isolation -e .
[ "$wanted" != dev ] || touch .venv/.embedded # dev contains all of embedded, in the same versions
touch ".venv/.$wanted"
