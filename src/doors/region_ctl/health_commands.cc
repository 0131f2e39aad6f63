// `mixnet ctl health`, `wait-ready` and `bugreport`.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{200};

void tell(const ControllerFlags& flags, const std::string& trouble) {
  const Json document = {{"ready", trouble.empty()}, {"why", trouble}};
  if (!flags.json.empty()) cli::write_output(flags.json, document.dump(2) + "\n");
  if (flags.json != "-") {
    cli::write_output("-", trouble.empty() ? "ready\n" : fmt::format("not ready: {}\n", trouble));
  }
  if (!trouble.empty()) throw CLI::RuntimeError(kNotSo);
}

void show_health(const ControllerFlags& flags) {
  cli::answers_on_stdout(flags.json);
  tell(flags, trouble_of(flags.open()->status(flags.time())));
}

void wait_ready(const ControllerFlags& flags) {
  cli::answers_on_stdout(flags.json);
  const std::unique_ptr<RegionClient> daemon = flags.open();
  const MonotonicTime end =
      system_env().monotonic_now() + std::chrono::nanoseconds(flags.time().ns);
  for (;;) {
    const MonotonicTime now = system_env().monotonic_now();
    const bool is_last = now >= end;
    try {
      const Duration left{std::max<std::int64_t>((end - now).count(), 1'000'000)};
      const std::string trouble = trouble_of(daemon->status(left));
      if (trouble.empty() || is_last) return tell(flags, trouble);
    } catch (const RegionCallError& error) {
      // A daemon that starts is not there yet; one that refuses will go on to.
      if (is_last || error.fault() == CallFault::kForbidden) throw;
    }
    system_env().sleep_until(std::min(now + kBetweenTries, end));
  }
}

struct ReportFlags {
  ControllerFlags daemon;
  std::string file = "-";
};

void report(const ReportFlags& flags) {
  cli::write_output(flags.file, flags.daemon.open()->bug_report(flags.daemon.time()));
}

}  // namespace

void add_health_command(CLI::App& app) {
  add_command(app, "health", "Whether the region is ready: status 0; 1 where it is not",
              "Example: mixnet ctl health && mixnet ctl tenant add 17 gpu-[0-7]", show_health);
}

void add_wait_ready_command(CLI::App& app) {
  add_command(app, "wait-ready", "Wait until the region is ready, up to --limit",
              "Example: mixnet ctl wait-ready --limit 60s", wait_ready);
}

void add_bugreport_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("bugreport", "All that helps to find a fault, without secrets, as text");
  const auto flags = std::make_shared<ReportFlags>();
  command->add_option("-o,--output", flags->file, "To this file (-: standard output)");
  flags->daemon.add(*command, false);
  command->footer("Example: mixnet ctl bugreport -o report.txt");
  on_call(*command, [flags] { report(*flags); });
}

}  // namespace mixnet::ctl
