#!/usr/bin/env bash
# try_on_debian.sh SUITE [TARGET...]: makes a fresh Debian (bookworm, trixie) in a folder, copies the
# last commit into it, runs the make targets (run, then test) there and says what each cost. As
# root, with debootstrap; takes 1 GB, and Debian's packages from where this machine's apt does.
# The folder and all that runs there goes when it ends, also when it is interrupted.
#   TRY_FOLDER   the folder's parent: /tmp
#   CCACHE_DIR   if set, compiles with ccache, and this is the cache
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  echo "try_on_debian: $1; usage: scripts/try_on_debian.sh bookworm|trixie [TARGET...]" >&2
  exit 2
}
[[ ${1:-} =~ ^[a-z]+$ ]] || usage "names no Debian suite"
((EUID == 0)) || usage "needs root, for debootstrap and chroot"
command -v debootstrap >/dev/null || usage "debootstrap is not installed (apt-get install debootstrap)"
suite=$1
shift
targets=("$@")
((${#targets[@]})) || targets=(run test)

# The first Debian mirror of this machine's apt; none: debootstrap's own.
mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+\/debian)\/? .*/\2/p'
  { cat /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    sed -nE 's/^URIs: *([^ ]+\/debian)\/?( .*)?$/\1/p'
}

# What this machine's apt is told of proxies, certificates and dates.
apt_settings() {
  apt-config dump --format '%f "%v";%n' |
    grep -E '^Acquire::(https?::(Proxy|CaInfo|Verify)|Check-|Retries)' || true
}

# From here on in a process and a mount namespace of its own, which go with all that is in them.
if [[ ! ${TRY_ROOT:-} ]]; then
  TRY_ROOT=$(mktemp -d "${TRY_FOLDER:-/tmp}/debian-$suite-XXXXXX")
  export TRY_ROOT
  child=
  clean() {
    trap - EXIT INT TERM HUP
    [[ ! $child ]] || { kill "$child" 2>/dev/null && wait "$child"; } || true
    rm -rf --one-file-system "$TRY_ROOT"
  }
  trap clean EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  unshare --mount --pid --fork --kill-child "scripts/${BASH_SOURCE[0]##*/}" "$suite" "${targets[@]}" \
    </dev/null &
  child=$!
  wait "$child" && status=0 || status=$?
  child=
  exit "$status"
fi

root=$TRY_ROOT/root
log=$TRY_ROOT/log
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
[[ ! ${http_proxy:-} ]] || export http_proxy
echo "== $suite: debootstrap"
# No mirror found: debootstrap's own.
debootstrap --variant=minbase --include=ca-certificates,make "$suite" "$root" \
  $(mirror | head -n 1) >"$log" 2>&1 || { tail -n 3 "$log" >&2; exit 1; }
apt_settings >"$root/etc/apt/apt.conf.d/00host"

# What apt, Chromium and MPI look for.
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/mixnet"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
git archive HEAD | tar -x -C "$root/mixnet"

inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 CI=true \
    ${http_proxy:+http_proxy="$http_proxy"} "${compiler_cache[@]}" "$@"
}
packages() { inside dpkg-query --show | wc -l; }

compiler_cache=()
if [[ ${CCACHE_DIR:-} ]]; then
  inside sh -c 'apt-get -qq update && apt-get -qq install --no-install-recommends ccache' >"$log" 2>&1 ||
    { tail -n 3 "$log" >&2; exit 1; }
  mkdir -p "$CCACHE_DIR" "$root/ccache"
  mount --bind "$CCACHE_DIR" "$root/ccache"
  compiler_cache=(CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=/ccache CCACHE_BASEDIR=/mixnet
                  CCACHE_NOHASHDIR=1)
fi

TIMEFORMAT="%R s elapsed, %U s of CPU and %S s of the system's"
for target in "${targets[@]}"; do
  before=$(packages)
  echo "== $suite: make $target"
  time inside make -C /mixnet "$target"
  echo "== $suite: make $target took $(($(packages) - before)) packages more than the $before there"
done
