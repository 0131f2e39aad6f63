// An emulated switch with its servers on the loopback, on a thread of its own, for tests of
// drivers.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drivers/open_switch.h"
#include "frontends/device_host.h"
#include "frontends/gnmi_service.h"
#include "frontends/scpi_frontend.h"
#include "frontends/text_server.h"
#include "frontends/tl1_frontend.h"

namespace mixnet {

inline MonotonicTime from_now(int milliseconds) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

class EmulatedDevice {
 public:
  explicit EmulatedDevice(const EmulatedSwitchConfig& config,
                          EmulatedSwitch::LightChanged light_changed = nullptr)
      : host_(io_, config, std::move(light_changed)),
        tl1_(io_, parse_endpoint("127.0.0.1:0", "tl1"), "tl1", tl1_conversations(host_, {}),
             [this] { return !host_.is_rebooting(); }),
        scpi_(io_, parse_endpoint("127.0.0.1:0", "scpi"), "scpi", scpi_conversations(host_),
              [this] { return !host_.is_rebooting(); }),
        gnmi_(std::make_unique<GnmiService>(
            host_,
            GnmiOptions{
                .port = 0, .cert = "", .key = "", .ca = "", .users = {{"admin", "admin"}}})),
        drops_{host_.on_drop([this] { tl1_.close_all(); }),
               host_.on_drop([this] { scpi_.close_all(); })},
        thread_([this] { io_.run(); }) {}
  EmulatedDevice(const EmulatedDevice&) = delete;
  EmulatedDevice& operator=(const EmulatedDevice&) = delete;
  ~EmulatedDevice() {
    work_.reset();
    io_.stop();
    thread_.join();
    gnmi_.reset();
  }

  SwitchAddress address(SwitchProtocol protocol) const {
    const int port = protocol == SwitchProtocol::kTl1    ? tl1_.endpoint().port()
                     : protocol == SwitchProtocol::kScpi ? scpi_.endpoint().port()
                                                         : gnmi_->port();
    return parse_switch_address(fmt::format("{}://127.0.0.1:{}", to_string(protocol), port),
                                "test");
  }

  std::unique_ptr<OpticalSwitch> open(SwitchProtocol protocol, PortSlice slice = {}) const {
    return open_switch(address(protocol), std::move(slice));
  }

  /// On the device's thread, and waits for it.
  template <typename Function>
  auto with(Function function) {
    std::promise<decltype(function(std::declval<EmulatedSwitch&>()))> done;
    asio::post(io_, [&] {
      if constexpr (std::is_void_v<decltype(function(std::declval<EmulatedSwitch&>()))>) {
        function(host_.device());
        host_.step();
        done.set_value();
      } else {
        auto result = function(host_.device());
        host_.step();
        done.set_value(std::move(result));
      }
    });
    return done.get_future().get();
  }

  std::vector<LightPath> paths() {
    return with([](EmulatedSwitch& device) { return device.paths(); });
  }

  /// Whole circuits that stand.
  std::vector<OpticalCircuit> circuits() {
    std::vector<OpticalCircuit> whole;
    const std::vector<LightPath> all = paths();
    for (const LightPath& path : all) {
      const LightPath back{path.to, path.from};
      if (path.from < path.to && std::ranges::find(all, back) != all.end()) {
        whole.push_back({path.from, path.to});
      }
    }
    return whole;
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  DeviceHost host_;
  TextServer tl1_;
  TextServer scpi_;
  std::unique_ptr<GnmiService> gnmi_;
  std::vector<DeviceHost::Subscription> drops_;
  std::thread thread_;
};

}  // namespace mixnet
