#!/usr/bin/env bash
# python-environment.sh everything|tests: sees to a Python that has what the build of the Python
# package (everything), or also the tests, need; silent when there is one. Debian's is one where
# install-dependencies.sh installed its packages. Elsewhere this makes a virtual environment,
# build/venv, of the first Python in PATH that can, and installs tests/requirements.txt there:
# nobody's own Python is touched. cmake/MixnetPython.cmake finds either.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

needed=(numpy)
[[ $1 != tests ]] || needed+=(matplotlib google.protobuf selenium)
venv=build/venv

# Whether the Python $1 has its C headers and all modules that follow.
has() {
  local python=$1
  shift
  "$python" - "$@" >/dev/null 2>&1 <<'PYTHON'
import importlib.util, os, sys, sysconfig
assert sys.version_info >= (3, 9)
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
assert all(importlib.util.find_spec(name).origin for name in sys.argv[1:])
PYTHON
}

if [[ -x $venv/bin/python3 ]] && has $venv/bin/python3 pybind11 "${needed[@]}"; then exit 0; fi
if has /usr/bin/python3 "${needed[@]}" && [[ -e /usr/include/pybind11/pybind11.h ]]; then
  # One of an earlier day would come before it.
  rm -rf "$venv"
  exit 0
fi

mkdir -p build
log=$(mktemp)
trap 'rm -f "$log"' EXIT
made=
while read -r python; do
  if has "$python" venv ensurepip && "$python" -m venv --clear "$venv" >"$log" 2>&1; then
    made=yes
    break
  fi
done < <(type -ap python3 python; echo /usr/bin/python3)
if [[ ! $made ]]; then
  echo "python-environment: no Python in PATH is of version 3.9 or later and has its C headers and" \
       "the module venv; install one (Debian: python3-dev, python3-venv)" >&2
  exit 1
fi
echo "Making $venv of $("$venv"/bin/python3 -c 'import sys; print(sys.base_prefix)')"
if ! "$venv"/bin/python3 -m pip install --quiet -r tests/requirements.txt >"$log" 2>&1 </dev/null; then
  rm -rf "$venv"
  echo "python-environment: pip failed ($(grep '^ERROR:' "$log" | tail -n 1));" \
       "install the modules of tests/requirements.txt for /usr/bin/python3, or put a package index in reach" >&2
  exit 1
fi
