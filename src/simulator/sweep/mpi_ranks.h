// Ranks over MPI.
//
// MPI is not linked to the program but loaded, from libmixnet_mpi.so (src/mpi), when a launcher
// started it: so `mixnet` starts fast and runs where there is no MPI, and one build serves both.
#pragma once

#include <memory>

#include "sweep/ranks.h"

namespace mixnet {

/// Whether an MPI launcher (mpirun, srun) started this process.
bool started_by_mpi();

/// Joins the processes that were started together (MPI_Init); once in a process. Throws Error when
/// the module, or MPI itself, is not there.
std::unique_ptr<Ranks> join_mpi();

}  // namespace mixnet
