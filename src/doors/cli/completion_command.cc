// `mixnet completion SHELL`.
#include "cli/commands.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "moe/model_catalog.h"
#include "policy/switch_policy.h"
#include "shell/completion.h"

namespace mixnet::cli {
namespace {

std::vector<FlagValues> known_values() {
  return {{"--fabric", names_of<FabricKind>()},
          {"--model", model_names()},
          {"--gpu", gpu_names()},
          {"--reconfiguration", names_of<Reconfiguration>()}};
}

}  // namespace

void add_completion_command(Program& app) {
  add_completion(app, "mixnet", "help version", known_values,
                 "Examples:\n"
                 "  source <(mixnet completion bash)\n"
                 "  mixnet completion fish > ~/.config/fish/completions/mixnet.fish");
}

}  // namespace mixnet::cli
