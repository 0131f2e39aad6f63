#include "cli/list_command.h"

#include <fmt/format.h>

#include <memory>

#include "cli/answer_flags.h"

namespace mixnet::cli {

void add_list_command(Program& app, const std::string& name, const std::string& description,
                      Listing (*make)()) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(fmt::format("Example: mixnet {0} --json {0}.json", name));
  const auto json = std::make_shared<JsonAnswer>();
  add_json_flag(app, *command, *json, "Also write them as JSON");
  command->callback([json, name, make] {
    const bool quiet = answers_on_stdout(*json);
    const Listing listing = make();
    if (!json->empty()) {
      const nlohmann::ordered_json document = {{"schema", fmt::format("mixnet.{}/1", name)},
                                               {name, listing.list}};
      write_output(*json, document.dump(2) + "\n");
    }
    if (!quiet) listing.table.print();
  });
}

}  // namespace mixnet::cli
