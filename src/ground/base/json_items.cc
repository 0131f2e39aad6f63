#include "base/json_items.h"

#include "base/error.h"
#include "base/json_reader.h"

namespace mixnet {

void read_json_items(std::string_view text, std::string_view input, const JsonItems& sink) {
  using Event = nlohmann::json::parse_event_t;
  const auto refuse = [&] { throw Error(input, "is not a JSON object", "give one JSON document"); };
  std::string name;  // of the document's member that is read
  bool is_in_array = false;
  // What it returns false for is forgotten.
  const auto take = [&](int depth, Event event, nlohmann::json& value) {
    if (event == Event::key) {
      if (depth == 1) name = value.get_ref<const std::string&>();
      return true;
    }
    if (event == Event::object_start || event == Event::array_start) {
      if (depth == 0 && event == Event::array_start) refuse();
      if (depth == 1) is_in_array = event == Event::array_start && name == sink.array;
      return true;
    }
    if (depth == 0) {
      if (event == Event::value) refuse();
      return true;
    }
    if (depth == 2 && is_in_array) {
      sink.item(value);
      return false;
    }
    if (depth > 1) return true;
    if (!is_in_array || event != Event::array_end) sink.other(name, value);
    is_in_array = false;
    return false;
  };
  parse_json(text, input, take);
}

}  // namespace mixnet
