#include "service/bug_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/text_format.h>
#include <sys/utsname.h>

#include "region/region_snapshot.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostProcBytes = 4'096;

std::string milliseconds(Duration span) {
  return fmt::format("{} ms", static_cast<double>(span.ns) / 1e6);
}

std::string files_text(const TlsFiles& files) {
  if (!files.given()) return "none";
  return fmt::format("cert {}, key {}, ca {}", files.cert, files.key, files.ca);
}

template <typename Value>
std::string shown_list(const std::vector<Value>& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

/// Field by field, by hand: a field that comes later is not told by mistake.
std::string settings_text(const DaemonSettings& settings) {
  const RegionConfig& region = settings.region;
  std::string text;
  const auto line = [&](std::string_view name, const auto& value) {
    text += fmt::format("{}: {}\n", name, value);
  };
  line("file", settings.input);
  line("switch", settings.address.shown());
  line("servers", region.servers);
  line("optical NICs of a server", region.optical_nics);
  line("EPS NICs of a server", region.eps_nics);
  line("positions", shown_list(settings.slice()));
  line("policy", to_string(region.policy));
  line("allocator", to_string(region.allocator));
  line("budget", region.budget);
  line("moves a minute", region.moves_per_minute);
  line("switch delay", milliseconds(region.switch_delay));
  line("drain", milliseconds(region.drain));
  line("command time-out", milliseconds(region.command_timeout));
  line("read time-out", milliseconds(region.read_timeout));
  line("audit period", milliseconds(region.audit_period));
  line("NIC up", settings.nic_up_measured ? "measured" : "given");
  line("maintenance windows", settings.maintenance.size());
  line("pins", settings.pins.size());
  line("store", settings.store.string());
  line("durability", to_string(settings.store_options.durability));
  line("api", settings.api);
  line("page", settings.page);
  line("TLS", files_text(settings.tls));
  line("peers", shown_list(settings.peers));
  line("observes", settings.observes);
  line("insecure", settings.insecure);
  return text;
}

std::string proc_text(Env& env, const char* path) {
  std::string text;
  if (env.read(path, kMostProcBytes, text)) return {};
  return text;
}

/// The switch's own words, or an entry of the trail that was cut, may be no UTF-8, which a client
/// would refuse to read.
std::string as_ascii(std::string text) {
  for (char& c : text) {
    if ((c < 0x20 && c != '\n' && c != '\t') || c > 0x7e) c = '?';
  }
  return text;
}

}  // namespace

std::string host_facts(Env& env) {
  utsname host{};
  ::uname(&host);
  std::string text = fmt::format("kernel: {} {} {}\n", host.sysname, host.release, host.machine);
  const std::string up = proc_text(env, "/proc/uptime");
  text += fmt::format("up: {} s\n", up.substr(0, up.find(' ')));
  const std::string load = proc_text(env, "/proc/loadavg");
  text += fmt::format("load: {}\n", load.substr(0, load.find('\n')));
  const std::string status = proc_text(env, "/proc/self/status");
  for (const std::string_view name : {"VmRSS:", "VmHWM:", "Threads:"}) {
    const std::size_t at = status.find(name);
    if (at == std::string::npos) continue;
    text += status.substr(at, status.find('\n', at) - at) + "\n";
  }
  return text;
}

std::string bug_report(const BugReportParts& parts) {
  std::string text = fmt::format("mixnetd {}\n\n== host\n{}\n== settings\n{}\n== status\n",
                                 parts.version, parts.host, settings_text(parts.settings));
  std::string status;
  google::protobuf::TextFormat::PrintToString(parts.status, &status);
  text += status + "\n== alarms\n";
  for (const v1::Happening& alarm : parts.alarms) {
    text += fmt::format("{} {} tenant {}: {}\n", alarm.at_ns(), alarm.code(), alarm.tenant(),
                        alarm.text());
  }
  text += "\n== audit trail\n";
  for (const AuditEntry& entry : parts.audit) {
    text += fmt::format("{} {}: {}\n", entry.at.ns, entry.who, entry.what);
  }
  return as_ascii(text + "\n== state\n" + write_snapshot(parts.state) + "\n");
}

}  // namespace mixnet
