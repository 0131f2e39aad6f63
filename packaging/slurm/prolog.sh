#!/bin/sh
# PrologSlurmctld=/usr/share/mixnet/slurm/prolog.sh in slurm.conf: the job's servers become a tenant.
# Status 0 in any case (tenant.sh).
"${0%/*}/tenant.sh" add
exit 0
