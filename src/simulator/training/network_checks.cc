#include "training/network_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "fabric/fabric_error.h"
#include "fabric/packet_fabric.h"
#include "training/cluster_health.h"

namespace mixnet {
namespace {

constexpr int kMostNvl72Gpus = 72;

}  // namespace

NetworkOptions network_in_use(NetworkOptions options, const ParallelPlan& plan) {
  if (plan.idle_gpus_per_server() == 0) return options;
  const std::int64_t there = plan.gpus_of_server();
  const std::int64_t used = std::int64_t{options.nics_per_server} * plan.gpus_per_server;
  if (options.nics_per_server < 1 || options.nics_per_server > there || used % there != 0) {
    throw Error("--nics-per-server",
                fmt::format("{} for {} GPUs leave no whole number for the {} in use",
                            options.nics_per_server, there, plan.gpus_per_server),
                "leave the flag out: one a GPU");
  }
  options.nics_per_server = static_cast<int>(used / there);
  options.optical_degree =
      static_cast<int>(std::int64_t{options.optical_degree} * plan.gpus_per_server / there);
  return options;
}

void check_network_options(const NetworkOptions& options, const ParallelPlan& plan) {
  const int nics = options.nics_per_server;
  if (nics < 1 || nics > plan.gpus_per_server || plan.gpus_per_server % nics != 0) {
    throw Error(
        "--nics-per-server",
        fmt::format("{} does not divide the {} GPUs of a server", nics, plan.gpus_per_server),
        "give every NIC the same number of GPUs");
  }
  if (options.optical_degree < 0 || options.optical_degree >= nics) {
    throw Error(
        "--degree",
        fmt::format("{} of a server's {} NICs cannot be optical", options.optical_degree, nics),
        fmt::format("give 0 to {}: pipeline and data parallelism need an electrical NIC",
                    nics - 1));
  }
  if (!(options.oversubscription >= 1 && options.oversubscription <= 1000)) {
    throw Error("--oversubscription", fmt::format("{} is out of range", options.oversubscription),
                "give a ratio from 1 to 1000");
  }
  if (options.spare_nics < 0 || options.spare_nics > nics) {
    throw Error("--spare-nics", fmt::format("{} is out of range", options.spare_nics),
                fmt::format("give 1 to {}", nics));
  }
  if (options.hashed.flows_per_pair < 1 || options.hashed.flows_per_pair > 1024) {
    throw Error("--flows-per-pair",
                fmt::format("{} is out of range", options.hashed.flows_per_pair),
                "give a whole number from 1 to 1024");
  }
}

void check_schedule(int vpp, PipelineSchedule schedule) {
  if (vpp <= 1 || schedule == PipelineSchedule::k1F1B) return;
  throw Error("--vpp", fmt::format("does not go with --schedule {}", to_string(schedule)),
              "virtual stages have a schedule of their own: leave one of them out");
}

void check_domains(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                   const ParallelPlan& plan) {
  for (const FabricKind kind : fabrics) {
    if (!divides_gpu_bandwidth(kind)) continue;
    if (options.nics_per_server != plan.gpus_per_server) {
      throw FabricError(kind, "--nics-per-server",
                        fmt::format("{} NICs for {} GPUs: {} has one a GPU",
                                    options.nics_per_server, plan.gpus_per_server, to_string(kind)),
                        "leave the flag out");
    }
    if (kind == FabricKind::kNvl72 && plan.gpus_of_server() > kMostNvl72Gpus) {
      throw FabricError(kind, "--gpus-per-server",
                        fmt::format("an nvl72 domain has no {} GPUs", plan.gpus_of_server()),
                        fmt::format("give up to {}; 64 are used of them", kMostNvl72Gpus));
    }
  }
}

void check_failures(std::span<const FabricKind> fabrics, const NetworkOptions& options,
                    const ParallelPlan& plan, std::span<const Failure> failures) {
  (void)ClusterHealth(failures, plan, options.nics_per_server, Backup::kPool);
  for (const Failure& failure : failures) {
    if (failure.part != FailedPart::kLink) continue;
    const DeadLink link = {failure.tier, failure.index};
    const bool known = std::ranges::any_of(fabrics, [&](FabricKind kind) {
      if (kind == FabricKind::kTopoOpt || kind == FabricKind::kIdeal) return false;
      const int optical = kind == FabricKind::kMixNet ? options.optical_degree : 0;
      return PacketFabric(kind, plan.servers(), options.nics_per_server - optical,
                          options.oversubscription, PathPolicy::kEcmp, {&link, 1})
                 .dead_links() > 0;
    });
    if (known) continue;
    throw Error("--fail", fmt::format("'{}': no fabric here has that link", failure.text),
                "give a lower number, or a tier of these fabrics (docs/failures.md)");
  }
}

}  // namespace mixnet
