#include "moe/model_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "base/suggest.h"
#include "base/text_file.h"
#include "moe/model_config.h"
#include "moe/model_names.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

fs::path presets_folder() { return data_directory() / "models"; }

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

/// "ORG/NAME" as on the hub: the preset whose source it is, or whose variant.
std::optional<Model> find_hub_preset(std::string_view wanted) {
  for (const std::string& name : model_names()) {
    Model model = read_preset(name);
    const bool is_source = model.source.starts_with(std::string(wanted) + " ");
    if (is_source || is_variant_of(wanted, name) || is_variant_of(wanted, model.title))
      return model;
  }
  return std::nullopt;
}

/// A path such as "." has no name of its own: that of the folder which it leads to is meant.
Model read_model_of_user(const fs::path& file) {
  if (system_env().kind(file) == Env::FileKind::kOther) {
    throw Error(file.string(), "is not a regular file, but a device or a pipe",
                "write it to a file first");
  }
  Model model = read_model(file);
  if (!is_nameless(file)) return model;
  std::error_code ignored;
  std::string name = name_of_file(fs::absolute(file, ignored).lexically_normal());
  if (name.empty()) name = system_env().real_path(file).parent_path().filename().string();
  if (name.empty()) return model;
  if (model.title == model.name) model.title = name;
  model.name = name;
  return model;
}

/// The hub's cache of one model: the snapshot that `main` is at, or the only one.
fs::path snapshot_in(const fs::path& cache) {
  const fs::path main = cache / "refs" / "main";
  if (system_env().kind(main) == Env::FileKind::kFile) {
    std::string hash;
    if (!system_env().read(main, 100, hash)) {
      while (!hash.empty() && hash.back() <= ' ') hash.pop_back();
      if (!hash.empty()) return cache / "snapshots" / hash;
    }
  }
  std::vector<std::string> names;
  const bool is_listed = !system_env().list(cache / "snapshots", names);
  if (!is_listed || names.size() != 1) return {};
  return cache / "snapshots" / fs::path(names.front()).filename();
}

/// The file of a model in its folder; empty when there is none.
fs::path config_in(const fs::path& folder) {
  for (const char* name : {"config.json", "params.json", "original/config.json"}) {
    if (system_env().kind(folder / name) != Env::FileKind::kNone) return folder / name;
  }
  if (system_env().kind(folder / "snapshots") != Env::FileKind::kFolder) return {};
  const fs::path snapshot = snapshot_in(folder);
  if (snapshot.empty()) return {};
  const fs::path file = snapshot / "config.json";
  return system_env().kind(file) == Env::FileKind::kNone ? fs::path() : file;
}

/// "ORG/NAME", which may as well be a path.
bool is_hub_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < name.size() &&
         name.find('/', slash + 1) == std::string_view::npos && name.front() != '.' &&
         !name.ends_with(".json");
}

[[noreturn]] void refuse_unknown(std::string_view name) {
  if (is_hub_name(name)) {
    throw Error(fmt::format("model '{}'", name),
                "is neither a file nor a variant of a model that comes with the program",
                "give the path of its config.json, as downloaded from the hub");
  }
  throw Error(fmt::format("model '{}'", name),
              "is neither a model that comes with the program nor a config.json or its folder",
              suggest(name, model_names()));
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
    if (!surely_path || is_hub_name(name_or_path)) {
      if (std::optional<Model> preset = find_hub_preset(name_or_path)) return *std::move(preset);
    }
    refuse_unknown(name_or_path);
  }
  if (kind != Env::FileKind::kFolder) return read_model_of_user(path);
  const fs::path file = config_in(path);
  if (file.empty()) {
    throw Error(path.string(), "the folder holds no config.json",
                "give a folder of a HuggingFace model, or the path of its config.json");
  }
  return read_model_of_user(file);
}

Model find_model_beside(const std::string& name, const std::filesystem::path& folder) {
  const std::vector<std::string> presets = model_names();
  if (!name.empty() && std::ranges::find(presets, name) == presets.end()) {
    for (const char* const below : {".", "models"}) {
      const std::filesystem::path file = folder / below / (name + ".json");
      if (system_env().kind(file) == Env::FileKind::kFile) return find_model(file.string());
    }
  }
  return find_model(name);
}

}  // namespace mixnet
