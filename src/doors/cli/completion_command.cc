// `mixnet completion SHELL`.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "fabric/fabric_kind.h"
#include "hardware/gpu.h"
#include "moe/model_catalog.h"
#include "policy/switch_policy.h"
#include "shell/completion.h"
#include "shell/output.h"

namespace mixnet::cli {

void add_completion_command(Program& app) {
  CLI::App* command =
      app.add_subcommand("completion", "Print what bash, zsh or fish need to complete commands");
  command->footer(
      "Examples:\n"
      "  source <(mixnet completion bash)\n"
      "  mixnet completion fish > ~/.config/fish/completions/mixnet.fish");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->callback([&app, shell] {
    const std::vector<FlagValues> values = {{"--fabric", names_of<FabricKind>()},
                                            {"--model", model_names()},
                                            {"--gpu", gpu_names()},
                                            {"--reconfiguration", names_of<Reconfiguration>()}};
    write_output("-", completion_script(parse<Shell>(*shell, "shell"),
                                        {app, "mixnet", "help version", values}));
  });
}

}  // namespace mixnet::cli
