#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "fabric/fabric_kind.h"

namespace mixnet::cli {
namespace {

std::string json_text() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const FabricKind kind : all_fabrics()) {
    list.push_back({{"name", to_string(kind)},
                    {"description", describe(kind)},
                    {"source", fabric_source(kind)}});
  }
  const nlohmann::ordered_json document = {{"schema", "mixnet.fabrics/1"}, {"fabrics", list}};
  return document.dump(2) + "\n";
}

void print_table() {
  TextTable table({{"name", Align::kLeft}, {"what it is", Align::kLeft}, {"source", Align::kLeft}});
  for (const FabricKind kind : all_fabrics()) {
    table.add_row({std::string(to_string(kind)), std::string(describe(kind)),
                   std::string(fabric_source(kind))});
  }
  table.print();
}

}  // namespace

void add_fabrics_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("fabrics", "List the fabrics that can be compared");
  command->footer("Example: mixnet fabrics --json fabrics.json");
  const auto json = std::make_shared<std::string>();
  command->add_option("--json", *json, "Also write them as JSON ('-': only that)")
      ->type_name("FILE");
  command->callback([json] {
    const bool quiet = answers_on_stdout(*json);
    if (!json->empty()) write_output(*json, json_text());
    if (!quiet) print_table();
  });
}

}  // namespace mixnet::cli
