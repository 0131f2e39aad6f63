#!/usr/bin/env bash
# Installs the Debian packages that the build needs and that are missing; silent when none is. With
# --tests, also those that only tests need. What clang adds (make fuzz, tidy, format) is not among
# them.
set -euo pipefail

packages=(g++ cmake ninja-build pkg-config libfmt-dev nlohmann-json3-dev libcli11-dev libgtest-dev
          libgmock-dev libbenchmark-dev libglpk-dev libflatbuffers-dev flatbuffers-compiler
          libltdl-dev libyaml-cpp-dev libopenmpi-dev openmpi-bin libjs-chart.js python3
          python3-dev python3-numpy pybind11-dev)
[[ ${1:-} != --tests ]] ||
  packages+=(python3-matplotlib python3-protobuf python3-selenium chromium chromium-driver time
             similarity-tester)

if ! command -v dpkg-query >/dev/null; then
  # Not Debian: CMake says what it does not find.
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

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
