// The one family of errors: something that came from outside (a flag, a file, a socket) is wrong.
//
// An Error says which input, what is wrong with it and where, and what would be right. Programs
// print it as one line and exit with status 2. Broken invariants of our own are not Errors.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace mixnet {

class Error : public std::runtime_error {
 public:
  /// `input`: the flag or file, with the place in it ("prices.csv:3", "--bandwidth").
  /// `problem`: what is wrong. `remedy`: what would be right; may be empty.
  /// what() is "input: problem; remedy" on one line (line breaks and control characters in the
  /// parts are replaced, so a hostile file cannot forge a second line).
  Error(std::string_view input, std::string_view problem, std::string_view remedy = {});
};

}  // namespace mixnet
