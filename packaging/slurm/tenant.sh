#!/bin/sh
# tenant.sh add|remove: what prolog.sh and epilog.sh do. Tells the controller of the region, mixnetd,
# that the servers of the Slurm job in the environment are a tenant, or no longer.
#
# NEVER FAILS A JOB. A prolog that fails would drain nodes or requeue the job, and a job without
# circuits only is slower: whatever goes wrong is logged (syslog, tag mixnet-slurm), the status is 0,
# and it takes at most MIXNET_SECONDS.
#
# /etc/mixnet/slurm.env is read first, if it is there; it may set
#   MIXNET_CONTROLLER                 HOST[:PORT] of mixnetd
#   MIXNET_CA MIXNET_CERT MIXNET_KEY  PEM files; the certificate's role is operator
#   MIXNET_PARTITIONS                 "a b": jobs of other partitions are none of ours; unset: all are
#   MIXNET_SECONDS                    20
#   MIXNET_CTL                        the program, mixnet-ctl
set -u

action=${1:-}

log() {
  if command -v logger >/dev/null 2>&1; then
    logger -t mixnet-slurm -- "job ${SLURM_JOB_ID:-?}: $1" 2>/dev/null && return
  fi
  echo "mixnet-slurm: job ${SLURM_JOB_ID:-?}: $1" >&2
}

# In a shell of its own first: an error of syntax in it would end this one.
settings=${MIXNET_SLURM_ENV:-/etc/mixnet/slurm.env}
if [ -e "$settings" ]; then
  # shellcheck source=/dev/null
  if (. "$settings") >/dev/null 2>&1; then
    set -a
    # shellcheck source=/dev/null
    . "$settings"
    set +a
  else
    log "$settings cannot be read; going on without it"
  fi
elif [ -z "${MIXNET_CONTROLLER:-}" ]; then
  # It looks the same where a folder above it lets us not through.
  log "there is no $settings that we may read; going on without it"
fi

is_ours() {
  [ -n "${MIXNET_PARTITIONS:-}" ] || return 0
  for partition in $MIXNET_PARTITIONS; do
    [ "$partition" != "${SLURM_JOB_PARTITION:-}" ] || return 0
  done
  return 1
}

run() {
  seconds=${MIXNET_SECONDS:-20}
  case $seconds in
    '' | *[!0-9]* | ??????*)
      log "MIXNET_SECONDS is no number: $seconds"
      seconds=20
      ;;
  esac
  # -k: it may be deaf.
  answer=$(timeout -k 2 "$seconds" "${MIXNET_CTL:-mixnet-ctl}" tenant "$@" </dev/null 2>&1)
  status=$?
  case $status in
    0) log "tenant $1: $(printf '%s' "$answer" | tr '\n' ' ')" ;;
    124 | 137) log "tenant $1: no answer in $seconds s; the job goes on without" ;;
    *) log "tenant $1: status $status; the job goes on without: $(printf '%s' "$answer" | tr '\n' ' ')" ;;
  esac
}

nodes=${SLURM_JOB_NODELIST:-${SLURM_NODELIST:-}}
case ${SLURM_JOB_ID:-} in
  '' | *[!0-9]*)
    log "SLURM_JOB_ID is no number; nothing is done"
    exit 0
    ;;
esac
is_ours || exit 0
case $action in
  add)
    if [ -n "$nodes" ]; then
      run add "$SLURM_JOB_ID" "$nodes"
    else
      log "SLURM_JOB_NODELIST is empty; nothing is done"
    fi
    ;;
  remove) run remove "$SLURM_JOB_ID" ;;
  *) log "'$action' is neither add nor remove" ;;
esac
exit 0
