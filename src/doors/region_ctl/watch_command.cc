// `mixnet ctl watch`: what happens, as it happens, a line each.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "commands.h"
#include "controller_flags.h"
#include "region_view.h"
#include "shell/output.h"

namespace mixnet::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};

struct WatchFlags {
  ControllerFlags daemon;
  int tenant = 0;
  int most = 0;
};

/// Prints lines of several threads, until there are enough.
class Lines {
 public:
  explicit Lines(const WatchFlags& flags) : flags_(flags) {}

  /// False: that was enough.
  bool put(const std::string& text, const Json& document) {
    const std::lock_guard lock(mutex_);
    if (is_enough_) return false;
    if (!flags_.daemon.json.empty() && flags_.daemon.json != "-") {
      const std::error_code error = system_env().append(flags_.daemon.json, document.dump() + "\n");
      if (error) throw Error(flags_.daemon.json, error.message());
    }
    cli::write_output("-", flags_.daemon.json == "-" ? document.dump() + "\n" : text);
    is_enough_ = ++printed_ == flags_.most;
    return !is_enough_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_enough_ = true;
  }
  bool is_enough() {
    const std::lock_guard lock(mutex_);
    return is_enough_;
  }

 private:
  const WatchFlags& flags_;
  std::mutex mutex_;
  int printed_ = 0;
  bool is_enough_ = false;
};

/// Which topology was seen last, of each tenant.
class Topologies {
 public:
  Topologies(const RegionNames& names, Lines& lines) : names_(names), lines_(lines) {}

  bool put(const v1::Topology& topology) {
    const auto last = seen_.find(topology.tenant());
    if (last != seen_.end() && last->second == topology.epoch()) return true;
    seen_[topology.tenant()] = topology.epoch();
    const std::int64_t now = system_env().wall_now().time_since_epoch().count();
    Json document = to_json(topology, names_);
    document["kind"] = "topology";
    document["at_ns"] = now;
    return lines_.put(
        fmt::format("{} topology tenant {}: epoch {}, {}, served {}{}\n", time_text(now),
                    topology.tenant(), topology.epoch(),
                    counted(topology.circuits_size(), "circuit"), phase_text(topology.served()),
                    topology.closed() ? ", closed" : ""),
        document);
  }
  bool is_new(const v1::TenantStatus& tenant) const {
    const auto last = seen_.find(tenant.tenant());
    return last == seen_.end() || last->second != tenant.epoch();
  }

 private:
  const RegionNames& names_;
  Lines& lines_;
  std::map<int, std::uint64_t> seen_;
};

/// Of all tenants: a stream each would be too many for some daemons, so it looks now and then.
void follow_all(RegionClient& daemon, Duration limit, Topologies& topologies, Lines& lines) {
  while (!lines.is_enough()) {
    const v1::Status status = daemon.status(limit);
    for (const v1::TenantStatus& tenant : status.tenants()) {
      if (tenant.tenant() == 0 || !topologies.is_new(tenant)) continue;
      if (!topologies.put(daemon.topology(tenant.tenant(), limit))) return;
    }
    system_env().sleep_until(system_env().monotonic_now() + kBetweenLooks);
  }
}

void watch(const WatchFlags& flags) {
  if (flags.most < 0) throw Error("-n", "is negative", "how many lines are enough");
  cli::answers_on_stdout(flags.daemon.json);
  const std::unique_ptr<RegionClient> daemon = flags.daemon.open();
  const Duration limit = flags.daemon.time();
  const RegionNames names(daemon->region(limit));
  Lines lines(flags);
  Topologies topologies(names, lines);
  std::exception_ptr trouble;
  std::mutex trouble_mutex;
  const auto keep_first = [&](std::exception_ptr error) {
    const std::lock_guard lock(trouble_mutex);
    if (!trouble) trouble = std::move(error);
  };
  std::thread follower([&] {
    try {
      if (flags.tenant == 0) {
        follow_all(*daemon, limit, topologies, lines);
      } else {
        daemon->watch_topology(flags.tenant,
                               [&](const v1::Topology& said) { return topologies.put(said); });
      }
    } catch (...) {
      keep_first(std::current_exception());
    }
    daemon->cancel();
  });
  try {
    daemon->watch_happenings([&](const v1::Happening& happening) {
      return lines.put(happening_text(happening), to_json(happening));
    });
  } catch (...) {
    keep_first(std::current_exception());
  }
  lines.end();
  daemon->cancel();
  follower.join();
  if (trouble) std::rethrow_exception(trouble);
}

}  // namespace

void add_watch_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("watch", "Topologies, alarms and commands as they come, until Ctrl-C");
  const auto flags = std::make_shared<WatchFlags>();
  command->add_option("--tenant", flags->tenant, "Topologies of this one alone (all)");
  command->add_option("-n,--most", flags->most, "End after so many lines (0: never)");
  flags->daemon.add(*command);
  command->footer(
      "Example: mixnet ctl watch --tenant 17\n"
      "--json: an object a line, added to the file. With --tenant its topologies are seen at "
      "once,\n"
      "else those of all twice a second.");
  on_call(*command, [flags] { watch(*flags); });
}

}  // namespace mixnet::ctl
