#include "sweep/sweep_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

Json json_of(const StudyValue& value) { return value.text ? Json(*value.text) : Json(nullptr); }

/// FNV-1a, 64 bits: tells a changed file, no more.
std::string fingerprint(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : content) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return fmt::format("fnv1a:{:016x}", hash);
}

/// The file that a flag's value leads to: "config.json", a folder that holds one, or what follows
/// "matrix:". Empty when there is none.
fs::path file_of(const std::string& value) {
  const auto is_file = [](const fs::path& path) {
    return system_env().kind(path) == Env::FileKind::kFile;
  };
  for (const std::string& text : {value, value.substr(value.find(':') + 1)}) {
    if (is_file(text)) return text;
    fs::path config = fs::path(text) / "config.json";
    if (is_file(config)) return config;
  }
  return {};
}

}  // namespace

SweepPlan::SweepPlan(Study study, std::string command)
    : study_(std::move(study)), command_(std::move(command)) {
  std::size_t product = 1;
  for (const StudySetting& setting : study_.settings) {
    product *= setting.values.size();
    if (product > kMostPoints) {
      throw Error(study_.input, fmt::format("has more than {} points", kMostPoints),
                  "divide it into several studies");
    }
  }
  std::vector<std::size_t> choice(study_.settings.size());
  const auto excluded = [&](const StudyExclusion& rule) {
    return std::ranges::all_of(rule.matches, [&](const StudyExclusion::Match& match) {
      return std::ranges::find(match.values, choice[match.setting]) != match.values.end();
    });
  };
  for (std::size_t number = 0; number < product; ++number) {
    std::size_t rest = number;
    for (std::size_t s = choice.size(); s-- > 0; rest /= study_.settings[s].values.size()) {
      choice[s] = rest % study_.settings[s].values.size();
    }
    if (std::ranges::none_of(study_.exclusions, excluded)) {
      points_.push_back(static_cast<std::uint32_t>(number));
    }
  }
  if (points_.empty()) {
    throw Error(study_.input, "excludes every point", "remove a rule under 'exclude'");
  }
}

const StudyValue& SweepPlan::value(std::size_t point, std::size_t setting) const {
  std::size_t rest = points_.at(point);
  for (std::size_t s = study_.settings.size(); --s > setting;) {
    rest /= study_.settings[s].values.size();
  }
  const std::vector<StudyValue>& values = study_.settings.at(setting).values;
  return values[rest % values.size()];
}

std::vector<std::string> SweepPlan::arguments(std::size_t point) const {
  std::vector<std::string> words;
  for (std::size_t s = 0; s < study_.settings.size(); ++s) {
    const StudySetting& setting = study_.settings[s];
    const StudyValue& value = this->value(point, s);
    if (!value.text) continue;
    const std::string flag = "--" + setting.flag;
    if (setting.is_switch) {
      words.push_back(flag);
    } else if (value.text->starts_with('-')) {
      words.push_back(flag + "=" + *value.text);  // or it would be taken for a flag
    } else {
      words.push_back(flag);
      words.push_back(*value.text);
    }
  }
  return words;
}

std::string SweepPlan::command_line(std::size_t point) const {
  std::string line = command_;
  for (const std::string& word : arguments(point)) line.append(" ").append(shell_quoted(word));
  return line;
}

Json SweepPlan::axes(std::size_t point) const {
  Json axes = Json::object();
  for (std::size_t s = 0; s < study_.settings.size(); ++s) {
    if (study_.settings[s].is_axis) axes[study_.settings[s].flag] = json_of(value(point, s));
  }
  return axes;
}

Json SweepPlan::identity(std::string_view program, std::span<const StudyFlag> flags) const {
  Json axes = Json::object();
  Json fixed = Json::object();
  Json files = Json::object();
  for (const StudySetting& setting : study_.settings) {
    const auto flag = std::ranges::find(flags, setting.flag,
                                        [](const StudyFlag& known) { return known.names.front(); });
    for (const StudyValue& value : setting.values) {
      if (setting.is_axis) {
        axes[setting.flag].push_back(json_of(value));
      } else {
        fixed[setting.flag] = json_of(value);
      }
      if (flag == flags.end() || !flag->names_file || !value.text) continue;
      const fs::path file = file_of(*value.text);
      if (!file.empty()) files[file.string()] = fingerprint(read_text_file(file));
    }
  }
  Json rules = Json::array();
  for (const StudyExclusion& exclusion : study_.exclusions) {
    Json& rule = rules.emplace_back(Json::object());
    for (const StudyExclusion::Match& match : exclusion.matches) {
      const StudySetting& setting = study_.settings[match.setting];
      for (const std::size_t value : match.values) {
        rule[setting.flag].push_back(json_of(setting.values[value]));
      }
    }
  }
  return {{"schema", "mixnet.sweep/1"}, {"program", program}, {"command", command_},
          {"points", points()},         {"axes", axes},       {"fixed", fixed},
          {"exclude", rules},           {"files", files}};
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::vector<std::string> shell_words(std::string_view line, std::string_view input) {
  std::vector<std::string> words;
  bool in_word = false;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (!quoted && c == ' ') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\'') {
      quoted = !quoted;
      continue;
    }
    if (!quoted && c == '\\' && i + 1 < line.size()) c = line[++i];
    words.back() += c;
  }
  if (quoted) throw Error(input, "has a quote that does not end", "close it with '");
  return words;
}

}  // namespace mixnet
