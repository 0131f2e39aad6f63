// `mixnet fabrics`: what fabrics there are.
#include <string>

#include "cli/commands.h"
#include "cli/list_command.h"
#include "fabric/fabric_kind.h"

namespace mixnet::cli {
namespace {

Listing fabrics() {
  Listing all{.table = TextTable(
                  {{"name", Align::kLeft}, {"what it is", Align::kLeft}, {"source", Align::kLeft}}),
              .list = nlohmann::ordered_json::array()};
  for (const FabricKind kind : all_fabrics()) {
    all.table.add_row({std::string(to_string(kind)), std::string(describe(kind)),
                       std::string(fabric_source(kind))});
    all.list.push_back({{"name", to_string(kind)},
                        {"description", describe(kind)},
                        {"source", fabric_source(kind)}});
  }
  return all;
}

}  // namespace

void add_fabrics_command(Program& app) {
  add_list_command(app, "fabrics", "List the fabrics that can be compared", fabrics);
}

}  // namespace mixnet::cli
