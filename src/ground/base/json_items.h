// Large JSON documents, read item by item: an object of which one member is a long array, such as a
// profile's "traceEvents". Each element of the array is handed over by itself and then forgotten,
// so that memory goes with the largest element and not with the document.
//
// Linear in the text; about 60 MB a second. Thread-safe.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mixnet {

struct JsonItems {
  std::string_view array;                          ///< name of the member that is read by item
  std::function<void(nlohmann::json& item)> item;  ///< each of its elements, in order
  /// Each other member of the document.
  std::function<void(const std::string& name, nlohmann::json& value)> other;
};

/// Throws Error with line and column where the text is not one JSON object, or nests deeper than
/// 100 levels; and what the two functions throw. Items before an error have been handed over.
void read_json_items(std::string_view text, std::string_view input, const JsonItems& sink);

}  // namespace mixnet
