#include "sweep/study_file.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/suggest.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;
constexpr std::string_view kExclude = "exclude";
constexpr std::string_view kExample = "a study has lines such as 'fabric: [fat-tree, mixnet]'";

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Notes where a document begins, and nothing else.
class DocumentStart final : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> mark;

  void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*at*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*at*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*at*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*at*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*at*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}
};

/// Where the second document begins. (YAML::LoadAll() would tell, too, but on text such as ",a"
/// yaml-cpp finds documents without end at one place.)
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart first;
  DocumentStart second;
  if (parser.HandleNextDocument(first)) parser.HandleNextDocument(second);
  return second.mark;
}

class Reader {
 public:
  Reader(std::string_view input, std::span<const StudyFlag> flags) : flags_(flags) {
    study_.input = input;
  }

  Study read(const std::string& text);

 private:
  using Mapping = std::pair<YAML::Node, YAML::Node>;  // a key and its value

  Error error(const YAML::Node& at, std::string_view problem, std::string_view remedy) const {
    return error(at.Mark(), problem, remedy);
  }
  Error error(const YAML::Mark& mark, std::string_view problem, std::string_view remedy) const {
    if (mark.is_null()) return {study_.input, problem, remedy};
    return {fmt::format("{}:{}:{}", study_.input, mark.line + 1, mark.column + 1), problem, remedy};
  }

  /// The pairs of a mapping, no key twice.
  std::vector<Mapping> pairs(const YAML::Node& map) const;
  std::string key(const YAML::Node& node) const;
  const StudyFlag& flag(const YAML::Node& key) const;
  StudyValue value(const YAML::Node& node, const StudyFlag& flag) const;
  std::vector<StudyValue> values(const YAML::Node& node, const StudyFlag& flag) const;
  StudySetting setting(const Mapping& pair) const;
  StudyExclusion exclusion(const YAML::Node& rule) const;

  Study study_;
  std::span<const StudyFlag> flags_;
};

Study Reader::read(const std::string& text) {
  if (const auto second = second_document(text)) {
    throw error(*second, "a second document begins here", "put each study in its own file");
  }
  const YAML::Node document = YAML::Load(text);
  if (!document.IsDefined() || document.IsNull()) throw Error(study_.input, "is empty", kExample);
  if (!document.IsMap()) throw error(document, "is no study", kExample);
  YAML::Node exclude(YAML::NodeType::Undefined);
  for (const Mapping& pair : pairs(document)) {
    if (key(pair.first) == kExclude) {
      exclude.reset(pair.second);
      if (!exclude.IsSequence()) {
        throw error(pair.first, "is not a list of rules",
                    "write one rule a line, such as '- {fabric: fat-tree, degree: 4}'");
      }
      continue;
    }
    StudySetting setting = this->setting(pair);
    const auto same = [&](const StudySetting& other) { return other.flag == setting.flag; };
    if (std::ranges::any_of(study_.settings, same)) {
      throw error(pair.first, fmt::format("'{}' is given twice", setting.flag),
                  "write all its values in one list");
    }
    study_.settings.push_back(std::move(setting));
  }
  if (exclude.IsDefined()) {
    for (const YAML::Node& rule : exclude) study_.exclusions.push_back(exclusion(rule));
  }
  return std::move(study_);
}

std::vector<Reader::Mapping> Reader::pairs(const YAML::Node& map) const {
  std::vector<Mapping> pairs;
  std::vector<std::string> keys;
  for (const auto& pair : map) {
    const std::string name = key(pair.first);
    if (std::ranges::find(keys, name) != keys.end()) {
      throw error(pair.first, fmt::format("'{}' is given twice", shown(name)),
                  "write all its values in one list");
    }
    keys.push_back(name);
    pairs.emplace_back(pair.first, pair.second);
  }
  return pairs;
}

std::string Reader::key(const YAML::Node& node) const {
  if (!node.IsScalar()) throw error(node, "a key is not a word", kExample);
  return node.Scalar();
}

const StudyFlag& Reader::flag(const YAML::Node& node) const {
  const std::string name = key(node);
  std::vector<std::string> known;
  for (const StudyFlag& flag : flags_) {
    if (std::ranges::find(flag.names, name) != flag.names.end()) return flag;
    known.insert(known.end(), flag.names.begin(), flag.names.end());
  }
  if (name.starts_with("--")) {
    throw error(node, fmt::format("'{}' has dashes", shown(name)),
                "write flags without them, as in 'fabric: mixnet'");
  }
  const std::string hint = suggest(name, known);
  const auto end = hint.starts_with("did you mean") ? hint.find('?') : std::string::npos;
  throw error(node, fmt::format("there is no flag '{}'", shown(name)),
              end == std::string::npos ? "see 'mixnet compare --help' for those there are"
                                       : hint.substr(0, end + 1));
}

StudyValue Reader::value(const YAML::Node& node, const StudyFlag& flag) const {
  StudyValue value;
  value.line = node.Mark().line + 1;
  value.column = node.Mark().column + 1;
  if (node.IsNull()) return value;
  if (!node.IsScalar()) {
    throw error(node,
                fmt::format("a value of '{}' is a {}", flag.names.front(),
                            node.IsMap() ? "mapping" : "list"),
                "write several things of one point in one text, as in 'nic:3.1,gpu:4'");
  }
  const std::string& text = node.Scalar();
  if (text.empty()) {
    throw error(node, fmt::format("a value of '{}' is empty", flag.names.front()),
                "write ~ to leave the flag out");
  }
  if (has_control_character(text) || !is_utf8(text)) {
    throw error(node, fmt::format("a value of '{}' is not printable text", flag.names.front()),
                "write it on one line, in UTF-8");
  }
  if (flag.is_switch && text != "true" && text != "false") {
    throw error(node, fmt::format("'{}' is no value of '{}'", shown(text), flag.names.front()),
                "write true or false");
  }
  if (!flag.is_switch || text == "true") value.text = text;
  return value;
}

std::vector<StudyValue> Reader::values(const YAML::Node& node, const StudyFlag& flag) const {
  if (!node.IsSequence()) return {value(node, flag)};
  std::vector<StudyValue> values;
  for (const YAML::Node& element : node) {
    values.push_back(value(element, flag));
    const auto same = [&](const StudyValue& other) { return other.text == values.back().text; };
    if (std::any_of(values.begin(), values.end() - 1, same)) {
      throw error(
          element,
          fmt::format("'{}' stands twice in '{}'", shown(shown(values.back())), flag.names.front()),
          "write each value once");
    }
  }
  if (values.empty()) {
    throw error(node, fmt::format("the list of '{}' is empty", flag.names.front()),
                "write at least one value");
  }
  return values;
}

StudySetting Reader::setting(const Mapping& pair) const {
  const StudyFlag& flag = this->flag(pair.first);
  StudySetting setting;
  setting.flag = flag.names.front();
  setting.is_switch = flag.is_switch;
  setting.is_axis = pair.second.IsSequence();
  if (pair.second.IsNull()) {
    throw error(pair.first, fmt::format("'{}' has no value", setting.flag),
                "give it one, or remove the line");
  }
  setting.values = values(pair.second, flag);
  return setting;
}

StudyExclusion Reader::exclusion(const YAML::Node& rule) const {
  if (!rule.IsMap() || rule.size() == 0) {
    throw error(rule, "is no rule", "write one such as '- {fabric: fat-tree, degree: 4}'");
  }
  StudyExclusion exclusion;
  for (const auto& [name, node] : pairs(rule)) {
    const StudyFlag& flag = this->flag(name);
    const auto setting =
        std::ranges::find(study_.settings, flag.names.front(), &StudySetting::flag);
    if (setting == study_.settings.end()) {
      throw error(name, fmt::format("'{}' is not set in this study", flag.names.front()),
                  "exclude by what the study sets");
    }
    StudyExclusion::Match match;
    match.setting = static_cast<std::size_t>(setting - study_.settings.begin());
    for (const StudyValue& value : values(node, flag)) {
      const auto found = std::ranges::find(setting->values, value.text, &StudyValue::text);
      if (found == setting->values.end()) {
        std::vector<std::string> known;
        for (const StudyValue& other : setting->values) known.emplace_back(shown(other));
        throw error_at(
            study_, value,
            fmt::format("'{}' is no value of '{}' here", shown(shown(value)), setting->flag),
            suggest(shown(value), known));
      }
      match.values.push_back(static_cast<std::size_t>(found - setting->values.begin()));
    }
    const auto same = [&](const auto& other) { return other.setting == match.setting; };
    if (std::ranges::any_of(exclusion.matches, same)) {
      throw error(name, fmt::format("'{}' is given twice", setting->flag),
                  "write all its values in one list");
    }
    exclusion.matches.push_back(std::move(match));
  }
  return exclusion;
}

}  // namespace

Study parse_study(std::string_view text, std::string_view input, std::span<const StudyFlag> flags) {
  if (text.size() > kLargest) {
    throw Error(input, "is larger than 1 MiB", "give a study, a YAML file of flags and values");
  }
  try {
    return Reader(input, flags).read(std::string(text));
  } catch (const YAML::Exception& error) {
    const std::string place =
        error.mark.is_null()
            ? std::string(input)
            : fmt::format("{}:{}:{}", input, error.mark.line + 1, error.mark.column + 1);
    throw Error(place, fmt::format("is not valid YAML ({})", error.msg), kExample);
  }
}

Error error_at(const Study& study, const StudyValue& value, std::string_view problem,
               std::string_view remedy) {
  return {fmt::format("{}:{}:{}", study.input, value.line, value.column), problem, remedy};
}

std::string_view shown(const StudyValue& value) {
  return value.text ? std::string_view(*value.text) : "~";
}

}  // namespace mixnet
