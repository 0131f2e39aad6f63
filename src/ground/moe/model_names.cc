#include "moe/model_names.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace mixnet {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == '-' || c == '_' || c == ' ') {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return words;
}

/// "instruct", "v0.1", "2507": what a variant of the same shape is called.
bool says_no_shape(std::string_view word) {
  constexpr std::string_view kWords[] = {"",     "instruct", "base", "chat", "hf",   "it",
                                         "fp8",  "bf16",     "fp4",  "int4", "int8", "awq",
                                         "gptq", "thinking", "zero", "sft",  "dpo",  "gguf"};
  if (std::ranges::find(kWords, word) != std::end(kWords)) return true;
  const bool is_version = word.front() == 'v' && word.size() > 1;
  if (is_version) word.remove_prefix(1);
  if (!is_version && word.size() != 4 && word.size() != 6) return false;  // a date
  return std::ranges::all_of(
      word, [](char c) { return c == '.' || std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

/// "models--mistralai--Mixtral-8x7B-v0.1" -> "Mixtral-8x7B-v0.1"; empty when it is none.
std::string name_in_cache(std::string_view folder) {
  if (!folder.starts_with("models--")) return {};
  const std::size_t last = folder.rfind("--");
  return last < 8 ? std::string() : std::string(folder.substr(last + 2));
}

}  // namespace

std::string letters_and_digits(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) kept += static_cast<char>(std::tolower(byte));
  }
  return kept;
}

bool is_variant_of(std::string_view given, std::string_view name) {
  const std::string wanted = letters_and_digits(name);
  if (wanted.empty()) return false;
  given.remove_prefix(given.rfind('/') == std::string_view::npos ? 0 : given.rfind('/') + 1);
  const std::vector<std::string> words = words_of(given);
  std::string joined;
  for (std::size_t i = 0; i < words.size() && joined.size() < wanted.size(); ++i) {
    joined += letters_and_digits(words[i]);
    if (joined != wanted) continue;
    return std::all_of(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end(),
                       says_no_shape);
  }
  return false;
}

bool is_nameless(const fs::path& file) {
  return file.filename() == "config.json" || file.filename() == "params.json";
}

std::string name_of_file(const fs::path& file) {
  if (!is_nameless(file)) return file.stem().string();
  fs::path folder = file.parent_path();
  if (folder.filename() == "original") folder = folder.parent_path();
  if (folder.parent_path().filename() == "snapshots") {
    const fs::path repository = folder.parent_path().parent_path();
    const std::string name = name_in_cache(repository.filename().string());
    if (!name.empty()) return name;
  }
  const std::string name = folder.filename().string();
  return name == "." || name == ".." ? std::string() : name;
}

}  // namespace mixnet
