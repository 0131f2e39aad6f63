// `mixnet ctl completion SHELL`.
#include "commands.h"
#include "shell/completion.h"

namespace mixnet::ctl {

void add_completion_command(CLI::App& app) {
  cli::add_completion(
      app, "mixnet-ctl", "", [] { return std::vector<cli::FlagValues>(); },
      "Examples:\n"
      "  source <(mixnet completion bash); source <(mixnet ctl completion bash)\n"
      "  mixnet ctl completion fish > ~/.config/fish/completions/mixnet-ctl.fish");
}

}  // namespace mixnet::ctl
