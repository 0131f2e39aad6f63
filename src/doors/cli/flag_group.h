// The flags that stand under one heading of a command's help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

namespace mixnet::cli {

class FlagGroup {
 public:
  FlagGroup(CLI::App& command, std::string heading)
      : command_(command), heading_(std::move(heading)) {}

  /// `value` must outlive the command.
  template <typename Value>
  CLI::Option* add(const std::string& flag, Value& value, const std::string& help) const {
    return command_.add_option(flag, value, help)->group(heading_);
  }
  /// One whose help shows what it is without the flag.
  template <typename Value>
  CLI::Option* add_default(const std::string& flag, Value& value, const std::string& help) const {
    return add(flag, value, help)->capture_default_str();
  }
  /// One without a value, off unless given.
  CLI::Option* add_switch(const std::string& flag, bool& value, const std::string& help) const {
    return command_.add_flag(flag, value, help)->group(heading_);
  }

 private:
  CLI::App& command_;
  std::string heading_;
};

}  // namespace mixnet::cli
