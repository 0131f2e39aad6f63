// How the values of an enum are written: in flags, files and results. One table an enum, beside it:
//
//   enum class Colour { kRed, kBlue };
//   template <>
//   struct Names<Colour> {
//     static constexpr std::string_view kWhat = "colour";
//     static constexpr NamedValue<Colour> kTable[] = {
//         {"red", Colour::kRed}, {"blue", Colour::kBlue}, {"azure", Colour::kBlue}};
//   };
//
// gives to_string(Colour::kBlue) == "blue" and parse<Colour>("azure", "--paint") == Colour::kBlue.
// The first name of a value is the one that is written; any further one is an alias, which is read
// and never named. Case does not matter in what is read.
//
// Pure and thread-safe; O(names).
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

template <typename Enum>
struct NamedValue {
  std::string_view name;
  Enum value;
};

/// Specialised for each enum that has names: kWhat, what a value is called in errors, and kTable.
template <typename Enum>
struct Names;

template <typename Enum>
concept NamedEnum = requires {
  { Names<Enum>::kWhat } -> std::convertible_to<std::string_view>;
  { Names<Enum>::kTable[0].value } -> std::convertible_to<Enum>;
};

template <NamedEnum Enum>
constexpr std::string_view to_string(Enum value) {
  for (const NamedValue<Enum>& known : Names<Enum>::kTable) {
    if (known.value == value) return known.name;
  }
  return "?";
}

/// The names that are written, in the table's order.
template <NamedEnum Enum>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const NamedValue<Enum>& known : Names<Enum>::kTable) {
    if (to_string(known.value) == known.name) names.emplace_back(known.name);
  }
  return names;
}

/// Whether two words are the same but for the case of ASCII letters.
bool same_word(std::string_view a, std::string_view b);

/// Throws the Error of a word that is none of `known`: "INPUT: unknown WHAT 'NAME'; did you mean
/// ...".
[[noreturn]] void refuse_name(std::string_view name, std::string_view input, std::string_view what,
                              std::span<const std::string> known);

/// The value of that name; `input` names the flag or file that it came from. Throws Error, with a
/// did-you-mean, when there is none.
template <NamedEnum Enum>
Enum parse(std::string_view name, std::string_view input) {
  for (const NamedValue<Enum>& known : Names<Enum>::kTable) {
    if (same_word(known.name, name)) return known.value;
  }
  refuse_name(name, input, Names<Enum>::kWhat, names_of<Enum>());
}

}  // namespace mixnet
