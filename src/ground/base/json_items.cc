#include "base/json_items.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"

namespace mixnet {
namespace {

constexpr std::size_t kMaxDepth = 100;

/// Builds the value that is handed over next; `open_` leads to where the parser is in it.
class ItemBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  ItemBuilder(std::string_view text, std::string_view input, const JsonItems& sink)
      : text_(text), input_(input), sink_(sink) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return true; }  // not in text

  bool start_object(std::size_t /*size*/) override { return open(nlohmann::json::object()); }
  bool start_array(std::size_t /*size*/) override {
    if (open_.empty() && depth_ == 1 && name_ == sink_.array) {
      depth_ = 2;
      return true;
    }
    return open(nlohmann::json::array());
  }
  bool key(string_t& name) override {
    (open_.empty() ? name_ : key_) = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t byte, const std::string& /*token*/,
                   const nlohmann::json::exception& why) override {
    if (dynamic_cast<const nlohmann::json::out_of_range*>(&why) != nullptr) {
      throw Error(input_, "holds a number that does not fit");
    }
    throw json_syntax_error(text_, input_, byte);
  }

 private:
  bool open(nlohmann::json value) {
    if (depth_ == 0) {
      if (!value.is_object()) return put(nullptr);
      depth_ = 1;
      return true;
    }
    if (open_.size() == kMaxDepth) throw Error(input_, "nests deeper than 100 levels");
    if (open_.empty()) {
      value_ = std::move(value);
      open_.push_back(&value_);
    } else {
      open_.push_back(add(std::move(value)));
    }
    return true;
  }

  bool close() {
    if (open_.empty()) {  // of the array, or of the document
      --depth_;
      return true;
    }
    open_.pop_back();
    if (open_.empty()) hand_over();
    return true;
  }

  bool put(nlohmann::json value) {
    if (depth_ == 0) throw Error(input_, "is not a JSON object", "give one JSON document");
    if (open_.empty()) {
      value_ = std::move(value);
      hand_over();
    } else {
      add(std::move(value));
    }
    return true;
  }

  nlohmann::json* add(nlohmann::json value) {
    nlohmann::json& inside = *open_.back();
    if (inside.is_array()) return &inside.emplace_back(std::move(value));
    return &(inside[key_] = std::move(value));
  }

  void hand_over() {
    if (depth_ == 2) {
      sink_.item(value_);
    } else {
      sink_.other(name_, value_);
    }
    value_ = nullptr;
  }

  std::string_view text_, input_;
  const JsonItems& sink_;
  std::size_t depth_ = 0;  ///< 0 before the document, 1 in it, 2 in the array
  std::string name_;       ///< of the document's member
  std::string key_;        ///< in the value
  nlohmann::json value_;
  std::vector<nlohmann::json*> open_;  ///< objects and arrays of the value, outermost first
};

}  // namespace

void read_json_items(std::string_view text, std::string_view input, const JsonItems& sink) {
  ItemBuilder builder(text, input, sink);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
}

}  // namespace mixnet
