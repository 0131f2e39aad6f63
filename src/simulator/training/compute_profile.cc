#include "training/compute_profile.h"

#include <string>

#include "base/json_reader.h"

namespace mixnet {

ComputeProfile parse_compute_profile(std::string_view json, std::string_view input) {
  const nlohmann::json document = parse_json(json, input);
  const JsonReader operations = JsonReader(document, input).at("operations");
  ComputeProfile profile;
  for (const std::string& name : operations.keys()) {
    const auto operation = parse<Operation>(name, operations.place());
    const JsonReader entry = operations.at(name);
    OperationTime time;
    time.forward = parse_time(entry.at("forward").string(), entry.at("forward").place());
    if (name != "optimizer") {
      time.backward = parse_time(entry.at("backward").string(), entry.at("backward").place());
    }
    profile.measured[static_cast<std::size_t>(operation)] = time;
  }
  return profile;
}

}  // namespace mixnet
