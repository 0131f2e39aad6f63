#include "cli/memory_flags.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/flag_group.h"

namespace mixnet::cli {

void MemoryFlags::apply(ComparisonRequest& request, bool paper) const {
  request.memory.looked_at = !paper;
  request.memory.ignored = ignore;
  if (recompute) request.memory.recompute = parse<Recompute>(*recompute, "--recompute");
  IterationOptions& options = request.iteration;
  options.zero = zero.value_or(paper ? 0 : 1);
  if (options.zero < 0 || options.zero > 3) {
    throw Error("--zero", fmt::format("{} is no stage of ZeRO", options.zero),
                "give 0 (every copy has all), 1 (shares of the optimizer), 2 (and of gradients) or "
                "3 (and of parameters)");
  }
  options.moment_bytes = moment_bytes;
  if (moment_bytes != 1 && moment_bytes != 2 && moment_bytes != 4) {
    throw Error("--moment-bytes", fmt::format("{} is no width of a moment", moment_bytes),
                "give 4 (fp32), 2 (bf16) or 1 (fp8)");
  }
}

void add_memory_flags(CLI::App& command, MemoryFlags& flags) {
  const FlagGroup group(command, "Memory of a GPU (docs/memory.md)");
  group.add("--recompute,--recompute-granularity", flags.recompute,
            "What of a layer's forward runs again in backward: none, selective (norms,\n"
            "activation functions, MLA's up-projections) or full (default: the least that fits)");
  group.add("--zero", flags.zero,
            "What replicas share out: 0 nothing, 1 the optimizer (default), 2 gradients, too,\n"
            "3 parameters, too (FSDP)");
  group.add_default("--moment-bytes", flags.moment_bytes,
                    "Bytes of each of Adam's two moments: 4, 2 or 1");
  group.add_switch("--ignore-memory", flags.ignore,
                   "Go on with a job that does not fit; without --recompute, none");
}

}  // namespace mixnet::cli
