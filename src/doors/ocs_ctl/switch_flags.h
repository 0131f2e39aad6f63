// The flags of every command that speaks to a switch.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"

namespace mixnet::ocs {

struct SwitchFlags {
  std::string address = "tl1://127.0.0.1:3082";
  std::string ports;
  std::string limit = "60s";

  void add(CLI::App& app);
  /// Throws Error.
  std::unique_ptr<OpticalSwitch> open() const;
  PortSlice slice() const;
  /// `--limit` from now.
  MonotonicTime dead_line() const;
};

/// "1-17" of a command line. Throws Error.
OpticalCircuit parse_circuit(const std::string& word, const std::string& input);

}  // namespace mixnet::ocs
