#include "moe/model_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "base/suggest.h"
#include "base/text_file.h"
#include "moe/model_config.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

fs::path presets_folder() { return data_directory() / "models"; }

std::string letters_and_digits(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) kept += static_cast<char>(std::tolower(byte));
  }
  return kept;
}

Model read_model(const fs::path& file) {
  return parse_model_config(read_text_file(file), file.string());
}

Model read_preset(const std::string& name) {
  return read_model(presets_folder() / (name + ".json"));
}

std::optional<Model> find_preset(std::string_view wanted) {
  const std::string key = letters_and_digits(wanted);
  if (key.empty()) return std::nullopt;
  const std::vector<std::string> names = model_names();
  for (const std::string& name : names) {
    if (letters_and_digits(name) == key) return read_preset(name);
  }
  for (const std::string& name : names) {
    Model model = read_preset(name);
    if (letters_and_digits(model.title) == key) return model;
  }
  return std::nullopt;
}

/// "config.json" and "." carry no name of their own: that of the folder they are in is meant.
Model read_model_of_user(const fs::path& file) {
  Model model = read_model(file);
  if (file.filename() != "config.json") return model;
  const fs::path whole = system_env().real_path(file);
  const std::string folder = whole.parent_path().filename().string();
  if (folder.empty()) return model;
  if (model.title == model.name) model.title = folder;
  model.name = folder;
  return model;
}

}  // namespace

std::vector<std::string> model_names() {
  const fs::path folder = presets_folder();
  std::vector<std::string> files;
  if (system_env().list(folder, files)) {
    throw Error(folder.string(), "the folder of models cannot be read",
                "install the program's data files, or set MIXNET_DATA_DIR to them");
  }
  std::vector<std::string> names;
  for (const fs::path file : files) {
    if (file.extension() == ".json") names.push_back(file.stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Model find_model(std::string_view name_or_path) {
  const bool surely_path =
      name_or_path.find('/') != std::string_view::npos || name_or_path.ends_with(".json");
  if (!surely_path) {
    if (std::optional<Model> preset = find_preset(name_or_path)) return *std::move(preset);
  }
  const fs::path path(name_or_path);
  const Env::FileKind kind = system_env().kind(path);
  if (name_or_path.empty() || kind == Env::FileKind::kNone || kind == Env::FileKind::kHidden) {
    throw Error(fmt::format("model '{}'", name_or_path),
                "is neither a model that comes with the program nor a config.json or its folder",
                suggest(name_or_path, model_names()));
  }
  if (kind != Env::FileKind::kFolder) return read_model_of_user(path);
  const fs::path file = path / "config.json";
  if (system_env().kind(file) == Env::FileKind::kNone) {
    throw Error(path.string(), "the folder holds no config.json",
                "give a folder of a HuggingFace model, or the path of its config.json");
  }
  return read_model_of_user(file);
}

}  // namespace mixnet
