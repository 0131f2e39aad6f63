// "Did you mean": the nearest of a few known names to one that was mistyped.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mixnet {

/// "did you mean 'fat-tree'? known: a, b, c" when one of `known` is near `name` (edit distance at
/// most a third of its length, letters compared without case), else "known: a, b, c".
std::string suggest(std::string_view name, std::span<const std::string> known);

}  // namespace mixnet
