#include "moe/model_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

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
  std::error_code code;
  const fs::path whole = fs::weakly_canonical(fs::absolute(file, code), code);
  const std::string folder = whole.parent_path().filename().string();
  if (code || folder.empty()) return model;
  if (model.title == model.name) model.title = folder;
  model.name = folder;
  return model;
}

}  // namespace

std::vector<std::string> model_names() {
  const fs::path folder = presets_folder();
  std::error_code code;
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  if (code) {
    throw Error(folder.string(), "the folder of models cannot be read",
                "install the program's data files, or set MIXNET_DATA_DIR to them");
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
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (name_or_path.empty() || !fs::exists(status)) {
    throw Error(fmt::format("model '{}'", name_or_path),
                "is neither a model that comes with the program nor a config.json or its folder",
                suggest(name_or_path, model_names()));
  }
  if (!fs::is_directory(status)) return read_model_of_user(path);
  const fs::path file = path / "config.json";
  if (!fs::exists(file, code)) {
    throw Error(path.string(), "the folder holds no config.json",
                "give a folder of a HuggingFace model, or the path of its config.json");
  }
  return read_model_of_user(file);
}

}  // namespace mixnet
