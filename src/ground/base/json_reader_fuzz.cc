// Any bytes as JSON: a document that a JsonReader can be walked over with every getter, or an
// Error.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/json_reader.h"

namespace {

template <typename Call>
void attempt(Call&& call) {
  try {
    call();
  } catch (const mixnet::Error&) {
  }
}

void walk(const mixnet::JsonReader& reader) {
  attempt([&] { reader.string(); });
  attempt([&] { reader.boolean(); });
  attempt([&] {
    if (!std::isfinite(reader.number(-1e308))) std::abort();
  });
  attempt([&] {
    if (reader.integer(-5, 5) < -5 || reader.integer(-5, 5) > 5) std::abort();
  });
  if (reader.value().is_array()) {
    for (std::size_t i = 0; i < reader.size(); ++i) walk(reader.at(i));
  }
  if (reader.value().is_object()) {
    for (const std::string& key : reader.keys()) {
      if (reader.has(key)) walk(reader.at(key));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] {
    const nlohmann::json document = mixnet::parse_json(text, "fuzz.json");
    walk(mixnet::JsonReader(document, "fuzz.json"));
  });
  return 0;
}
