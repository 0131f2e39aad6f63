#include "emulated_host.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <set>

#include "attach_locks.h"
#include "base/error.h"
#include "base/text_file.h"
#include "control_conversation.h"
#include "frontends/device_host.h"
#include "frontends/gnmi_service.h"
#include "frontends/scpi_frontend.h"
#include "frontends/text_server.h"
#include "frontends/tl1_frontend.h"
#include "ocs/switch_error.h"

namespace mixnet::ocs {
namespace {

using asio::ip::tcp;

/// How often the far ends of attached interfaces are asked whether light enters.
constexpr std::chrono::milliseconds kLookAtCarrier{20};

/// Many clients, among them hostile ones: as many descriptors as we may have.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // fewer serve as well
}

void tell(std::string_view line) {
  static_cast<void>(system_env().print(Env::Stream::kError, fmt::format("mixnet-ocs: {}\n", line)));
}

class Program {
 public:
  explicit Program(const OcsConfig& config)
      : config_(config),
        plane_({.ports = config.device.ports, .carrier = config.carrier, .detach_on_stop = true}),
        host_(io_, config.device,
              [this](int from, int to, MonotonicTime lit_at) {
                plane_.light_changed(from, to, lit_at);
                watch_plane();
              }),
        carrier_timer_(io_),
        plane_timer_(io_),
        signals_(io_, SIGINT, SIGTERM) {}

  void run() {
    raise_descriptors();
    // Whoever reads our alarms may end before us: that must not end the switch.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    plug_in();
    restore();
    // Before it touches an interface: a second one with the same flags ends here, and leaves those
    // of the first alone.
    listen();
    attach();
    for (const Fault& fault : config_.faults) host_.device().strike(fault, host_.now());
    is_ready_ = true;
    alarms_ = host_.on_event([](const SwitchEvent& event) {
      tell(event.port == 0
               ? fmt::format("{}: {}", to_string(event.level), event.text)
               : fmt::format("{}: port {}: {}", to_string(event.level), event.port, event.text));
    });
    changes_ = host_.on_change([this] { save(); });
    signals_.async_wait([this](const std::error_code& error, int) {
      if (!error) io_.stop();
    });
    host_.step();
    print("ready\n");
    io_.run();
  }

 private:
  static void print(std::string_view line) {
    if (const std::error_code reason = system_env().print(Env::Stream::kOut, line)) {
      throw Error("standard output", fmt::format("cannot be written ({})", reason.message()));
    }
  }

  void plug_in() {
    PortLight& light = host_.device().light();
    for (const PositionSettings& settings : config_.positions) {
      light.set_label(settings.position, settings.label);
      if (settings.power_dbm) light.set_input(settings.position, settings.power_dbm);
      if (settings.dark) light.set_input(settings.position, std::nullopt);
      light.set_fibre_loss(settings.position, FibreEnd::kIn, settings.in_loss_db);
      light.set_fibre_loss(settings.position, FibreEnd::kOut, settings.out_loss_db);
    }
    host_.device().refresh_light(host_.now());
  }

  void restore() {
    if (config_.state.empty() || system_env().kind(config_.state) == Env::FileKind::kNone) {
      save();  // that it can be written is found out now
      return;
    }
    host_.device().restore(read_text_file(config_.state), config_.state, host_.now());
  }

  void save() {
    if (config_.state.empty()) return;
    try {
      write_text_file(config_.state, host_.device().snapshot());
      save_failed_ = false;
    } catch (const Error& error) {
      if (!is_ready_) throw;
      // A full disk must not darken a switch; once said is enough.
      if (!std::exchange(save_failed_, true)) tell(error.what());
    }
  }

  // The data plane.

  void attach() {
    if (config_.attach.empty()) return;
    locks_.emplace(config_.attach);
    plane_.attach(config_.attach);
    // What stands from an earlier run is made to agree with what the switch holds.
    for (int from = 1; from <= config_.device.ports; ++from) {
      plane_.light_changed(from, host_.device().path_from(from), host_.now());
    }
    PortLight& light = host_.device().light();
    std::set<int> plugged;
    for (const PositionSettings& settings : config_.positions) plugged.insert(settings.position);
    for (const PortAttachment& port : config_.attach) {
      sent_[port.position] = light.input(port.position);
      plugged.insert(port.position);
    }
    // Where some positions have NICs, those of which nothing is said have none.
    for (int position = 1; position <= config_.device.ports; ++position) {
      if (!plugged.contains(position)) light.set_input(position, std::nullopt);
    }
    host_.device().refresh_light(host_.now());
    news_.emplace(io_, plane_.news_fd());
    await_news();
    look_at_carrier();
  }

  void await_news() {
    news_->async_wait(asio::posix::stream_descriptor::wait_read,
                      [this](const std::error_code& error) {
                        if (error) return;
                        for (const PortNews& news : plane_.refresh()) {
                          tell(fmt::format("{} at port {}: {}", news.interface, news.position,
                                           !news.problem.empty() ? news.problem
                                           : news.attached       ? "is attached again"
                                                                 : "has gone"));
                        }
                        await_news();
                      });
  }

  /// A NIC that is down sends no light.
  void look_at_carrier() {
    bool changed = false;
    PortLight& light = host_.device().light();
    for (const PortAttachment& port : config_.attach) {
      const std::optional<bool> shines = plane_.has_carrier(port.position);
      if (!shines || *shines == light.input(port.position).has_value()) continue;
      light.set_input(port.position, *shines ? sent_[port.position] : std::nullopt);
      changed = true;
    }
    if (changed) {
      host_.device().refresh_light(host_.now());
      host_.step();
    }
    carrier_timer_.expires_after(kLookAtCarrier);
    carrier_timer_.async_wait([this](const std::error_code& error) {
      if (!error) look_at_carrier();
    });
  }

  /// Interfaces that come up when their light does.
  void watch_plane() {
    const std::optional<MonotonicTime> next = plane_.next_event();
    if (!next || next == plane_due_) return;
    plane_due_ = next;
    plane_timer_.expires_at(*next);
    plane_timer_.async_wait([this](const std::error_code& error) {
      if (error) return;
      plane_due_.reset();
      plane_.advance(host_.now());
      watch_plane();
    });
  }

  // The servers.

  std::unique_ptr<TextServer> serve(std::string_view name, const std::string& at,
                                    std::string_view flag, StartConversation start,
                                    bool loopback_only) {
    if (at.empty()) return nullptr;
    const tcp::endpoint endpoint = parse_endpoint(at, flag);
    if (loopback_only && !endpoint.address().is_loopback()) {
      throw Error(flag, fmt::format("{} is not the loopback", at), "as in 127.0.0.1:8082");
    }
    auto server = std::make_unique<TextServer>(io_, endpoint, flag, std::move(start),
                                               [this] { return !host_.is_rebooting(); });
    if (!loopback_only) {
      drops_.push_back(host_.on_drop([server = server.get()] { server->close_all(); }));
    }
    const tcp::endpoint got = server->endpoint();
    const bool is_v6 = got.address().is_v6();
    print(fmt::format("{} {}{}{}:{}\n", name, is_v6 ? "[" : "", got.address().to_string(),
                      is_v6 ? "]" : "", got.port()));
    return server;
  }

  void listen() {
    tl1_ = serve("tl1", config_.tl1, "--tl1",
                 tl1_conversations(host_, {.users = config_.tl1_users}), false);
    scpi_ = serve("scpi", config_.scpi, "--scpi", scpi_conversations(host_), false);
    control_ =
        serve("control", config_.control, "--control", control_conversations(host_, plane_), true);
    if (!config_.gnmi.empty()) {
      const tcp::endpoint endpoint = parse_endpoint(config_.gnmi, "--gnmi");
      const std::string host = endpoint.address().to_string();
      gnmi_ = std::make_unique<GnmiService>(host_, GnmiOptions{.host = host,
                                                               .port = endpoint.port(),
                                                               .cert = config_.cert,
                                                               .key = config_.key,
                                                               .ca = config_.ca,
                                                               .users = config_.gnmi_users});
      const bool is_v6 = endpoint.address().is_v6();
      print(
          fmt::format("gnmi {}{}{}:{}\n", is_v6 ? "[" : "", host, is_v6 ? "]" : "", gnmi_->port()));
    }
  }

  const OcsConfig& config_;
  asio::io_context io_{1};
  std::optional<AttachLocks> locks_;
  DataPlane plane_;
  DeviceHost host_;
  std::map<int, std::optional<double>> sent_;
  asio::steady_timer carrier_timer_;
  asio::steady_timer plane_timer_;
  std::optional<MonotonicTime> plane_due_;
  std::optional<asio::posix::stream_descriptor> news_;
  asio::signal_set signals_;
  std::vector<DeviceHost::Subscription> drops_;
  DeviceHost::Subscription alarms_;
  DeviceHost::Subscription changes_;
  std::unique_ptr<TextServer> tl1_;
  std::unique_ptr<TextServer> scpi_;
  std::unique_ptr<TextServer> control_;
  std::unique_ptr<GnmiService> gnmi_;
  bool is_ready_ = false;
  bool save_failed_ = false;
};

}  // namespace

void run_emulated_switch(const OcsConfig& config) { Program(config).run(); }

}  // namespace mixnet::ocs
