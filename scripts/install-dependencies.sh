#!/usr/bin/env bash
# install-dependencies.sh [--check] GROUP: installs the Debian packages of a group that are missing;
# silent when none is. Each group has those before it:
#   simulator    what the program `mixnet` needs: all that `make run` may ask for
#   everything   what the whole build needs: the default
#   tests        what only tests need
# With --check it installs nothing and fails if one is missing. Where Debian's packages do not give
# Python's part of it, python-environment.sh does. What clang adds (make fuzz, tidy, format) is in
# no group.
set -euo pipefail

check=
[[ ${1:-} != --check ]] || { check=yes; shift; }
group=${1:-everything}

packages=(g++ cmake ninja-build libfmt-dev nlohmann-json3-dev libcli11-dev libyaml-cpp-dev
          libeigen3-dev liblemon-dev libflatbuffers-dev flatbuffers-compiler libjs-chart.js)
everything=(libgtest-dev libgmock-dev libbenchmark-dev libopenmpi-dev openmpi-bin
            libasio-dev libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
            libbpf-dev bpftool clang
            libsqlite3-dev libssl-dev libcpp-httplib-dev prometheus-cpp-dev
            python3 python3-dev python3-numpy pybind11-dev dpkg-dev)
tests=(python3-venv iproute2 python3-matplotlib python3-protobuf python3-selenium chromium chromium-driver time)
case $group in
  simulator) ;;
  everything) packages+=("${everything[@]}") ;;
  tests) packages+=("${everything[@]}" "${tests[@]}") ;;
  *) echo "install-dependencies: '$group' is no group; simulator, everything or tests" >&2; exit 2 ;;
esac

finish() {
  [[ $group == simulator || $check ]] || exec "${BASH_SOURCE[0]%/*}/python-environment.sh" "$group"
  exit 0
}

# Not Debian: CMake says what it does not find.
command -v dpkg-query >/dev/null || finish

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || finish
[[ ! $check ]] || exit 1

give_up() {
  echo "install-dependencies: $1; as root: apt-get install ${missing[*]}" >&2
  exit 1
}

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || give_up "not root, and there is no sudo"
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
install=("${apt[@]}" install --yes --no-install-recommends "${missing[@]}")
# An image's package lists may be absent or stale: fetch them only when the first try says so.
if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
  { "${apt[@]}" update && "${install[@]}"; } >"$log" 2>&1 </dev/null ||
    give_up "apt-get failed ($(grep '^E:' "$log" | tail -n 1))"
fi
rm -f "$log"
finish
