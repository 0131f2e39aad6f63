#include "controller_flags.h"

#include <fmt/format.h>

#include <utility>

#include "base/units.h"
#include "certificates/certificate.h"
#include "commands.h"

namespace mixnet::ctl {

void ControllerFlags::add(CLI::App& command, bool has_json) {
  if (has_json) {
    command.add_option("--json", json, "Also as JSON to this file (-: standard output)");
  }
  const std::string group = "The daemon";
  command.add_option("--controller", controller, "HOST[:PORT] of mixnetd (127.0.0.1:7411)")
      ->envname("MIXNET_CONTROLLER")
      ->group(group);
  command.add_option("--ca", ca, "PEM file: who signed the daemon's certificate")
      ->envname("MIXNET_CA")
      ->group(group);
  command.add_option("--cert", cert, "PEM file: the certificate that says our role")
      ->envname("MIXNET_CERT")
      ->group(group);
  command.add_option("--key", key, "PEM file: its key")->envname("MIXNET_KEY")->group(group);
  command.add_option("--limit", limit, "Give up after so long (10s)")->group(group);
}

std::unique_ptr<RegionClient> ControllerFlags::open() const {
  ControllerAddress address = parse_controller_address(controller, "--controller");
  address.ca = ca;
  address.cert = cert;
  address.key = key;
  auto daemon = std::make_unique<RegionClient>(address);
  if (!cert.empty()) check_key(cert, key);  // gRPC would only say that nobody is there
  return daemon;
}

Duration ControllerFlags::time() const {
  const Time time = parse_time(limit, "--limit");
  if (time > Time::seconds(86'400)) throw Error("--limit", "is too long", "a day at most");
  return Duration::of(time);
}

void add_command(CLI::App& app, const char* name, const char* about, const char* example,
                 void (*action)(const ControllerFlags&)) {
  CLI::App* command = app.add_subcommand(name, about);
  const auto flags = std::make_shared<ControllerFlags>();
  flags->add(*command);
  command->footer(example);
  on_call(*command, [flags, action] { action(*flags); });
}

void on_call(CLI::App& command, std::function<void()> action) {
  command.callback([action = std::move(action)] {
    try {
      action();
    } catch (const RegionCallError& error) {
      const CallFault fault = error.fault();
      if (fault == CallFault::kUnreachable || fault == CallFault::kTimedOut) throw;
      // Lost to nobody: the status says it as well.
      static_cast<void>(
          system_env().print(Env::Stream::kError, fmt::format("mixnet ctl: {}\n", error.what())));
      throw CLI::RuntimeError(kNotSo);
    }
  });
}

}  // namespace mixnet::ctl
