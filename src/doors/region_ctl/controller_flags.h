// The flags of every command that speaks with a daemon, and how its calls end.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/instant.h"
#include "client/region_client.h"

namespace mixnet::ctl {

struct ControllerFlags {
  std::string controller = "127.0.0.1:7411";
  std::string ca, cert, key;
  std::string limit = "10s";
  std::string json;

  /// `has_json`: the command has an answer that programs want.
  void add(CLI::App& command, bool has_json = true);
  /// Throws Error.
  std::unique_ptr<RegionClient> open() const;
  /// For each call, and for waiting.
  Duration time() const;
};

/// A command that takes no other flags.
void add_command(CLI::App& app, const char* name, const char* about, const char* example,
                 void (*action)(const ControllerFlags& flags));

/// What `command` does. A refusal by the daemon is one line, and status 1.
void on_call(CLI::App& command, std::function<void()> action);

}  // namespace mixnet::ctl
