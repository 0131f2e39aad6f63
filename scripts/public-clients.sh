#!/usr/bin/env bash
# public-clients.sh: sees to clients that we did not write, for the tests that hold our servers to them, in
# a virtual environment of their own, build/venv-clients; silent when they are there. They come from PyPI:
# where that cannot be reached, it says so in a line, and those tests skip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clients=(pygnmi==0.8.15)
venv=build/venv-clients
python=$venv/bin/python3

if [[ -x $python ]] && "$python" -c 'import pygnmi.client' >/dev/null 2>&1; then exit 0; fi

mkdir -p build
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while read -r candidate; do
  "$candidate" -m venv --clear "$venv" >"$log" 2>&1 || continue
  echo "Installing ${clients[*]} into $venv"
  if "$python" -m pip install --quiet "${clients[@]}" >"$log" 2>&1 </dev/null; then exit 0; fi
  break
done < <(type -ap python3 python; echo /usr/bin/python3)
rm -rf "$venv"
echo "public-clients: ${clients[*]} cannot be installed ($(grep -E '^(ERROR|Error)' "$log" | tail -n 1)):" \
     "tests against them are skipped" >&2
