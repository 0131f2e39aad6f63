// `mixnet ctl completion SHELL`.
#include <memory>
#include <string>

#include "commands.h"
#include "shell/completion.h"
#include "shell/output.h"

namespace mixnet::ctl {

void add_completion_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("completion", "Print what bash, zsh or fish need to complete commands");
  command->footer(
      "Examples:\n"
      "  source <(mixnet completion bash); source <(mixnet ctl completion bash)\n"
      "  mixnet ctl completion fish > ~/.config/fish/completions/mixnet-ctl.fish");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->callback([&app, shell] {
    cli::write_output("-", cli::completion_script(parse<cli::Shell>(*shell, "shell"),
                                                  {app, "mixnet-ctl", "", {}}));
  });
}

}  // namespace mixnet::ctl
