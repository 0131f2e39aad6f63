// Any bytes as what clients ask of a region, call after call: method, caller, length and message.
// What is decoded and allowed goes to a controller with a switch that obeys; no crash, no state
// that breaks an invariant, nothing done for whom the table forbids it, and a dry run that changes
// nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/daemon_settings.h"
#include "region/region_controller.h"
#include "service/event_request.h"
#include "service/plan_preview.h"
#include "service/state_view.h"
#include "wire/region_channel.h"
#include "wire/region_wire.h"

namespace {

using namespace mixnet;

constexpr Instant kNow = Instant::unix_seconds(1'795'766'400);
constexpr int kMostCalls = 8;

RegionState begun() {
  RegionConfig config;
  config.servers = 4;
  config.optical_nics = 2;
  config.eps_nics = 1;
  config.budget = 100;
  RegionController controller(config);
  controller.handle(kNow, Tick{});
  controller.handle(kNow, DeviceState{controller.state().last_id, {}});
  controller.handle(kNow, TenantAdd{1, {0, 1, 2}});
  controller.handle(kNow, DeviceState{controller.state().last_id, {}});
  return controller.state();
}

/// What that region is called.
const DaemonSettings& named() {
  static const DaemonSettings settings = parse_daemon_settings(R"(
switch: scpi://127.0.0.1
servers:
  - {name: s0, nics: [{interface: a, ocs: 1}, {interface: b, ocs: 2}, {interface: c}]}
  - {name: s1, nics: [{interface: a, ocs: 3}, {interface: b, ocs: 4}, {interface: c}]}
  - {name: s2, nics: [{interface: a, ocs: 5}, {interface: b, ocs: 6}, {interface: c}]}
  - {name: s3, nics: [{interface: a, ocs: 7}, {interface: b, ocs: 8}, {interface: c}]}
)",
                                                               "region.yaml");
  return settings;
}

class Region {
 public:
  Region() : controller_(kBegun) {}

  template <typename Wire>
  void take(Method method, const Caller& caller, const std::string& bytes) {
    Wire wire;
    if (!wire.ParseFromString(bytes)) return;
    const EventRequest asked = read_request(wire, named());
    const RegionState& state = controller_.state();
    if (!refuse_method(caller, method).empty()) return;
    if (asked.tenant && !refuse_tenant(caller, *asked.tenant).empty()) return;
    if (asked.part &&
        !refuse_part(caller, asked.part->first, asked.part->second, state.config, state.owner)
             .empty()) {
      return;
    }
    if (caller.role == Role::kViewer) std::abort();
    give(asked.event);
    obey();
  }
  void plan(const std::string& bytes) {
    v1::DemandReport wire;
    if (!wire.ParseFromString(bytes)) return;
    const PlanPreview preview = preview_plan(controller_.state(), from_wire(wire), kNow);
    if (static_cast<std::size_t>(preview.ports_moved) > controller_.state().lit.size())
      std::abort();
    to_wire(preview);
  }
  /// What viewers see of it.
  void look() const {
    const RegionState& state = controller_.state();
    check_state(state, "fuzz");
    status_of(state, {kNow, 1, 1, true});
    if (announced_to(state, 0)) std::abort();
  }

 private:
  void give(const Event& event) {
    for (const Decision& decision : controller_.handle(kNow, event)) {
      const auto* command = std::get_if<DeviceCommand>(&decision);
      if (command == nullptr) continue;
      for (const PortPair& pair : command->disconnect) std::erase(lit_, pair);
      lit_.insert(lit_.end(), command->connect.begin(), command->connect.end());
    }
  }
  void obey() {
    for (int i = 0; i < 4; ++i) {
      for (const Slice& slice : controller_.state().slices) {
        if (slice.step == Step::kSwitching) {
          give(DeviceAnswer{slice.awaited, true, -1, false, {}});
          break;
        }
        if (slice.step == Step::kReading) {
          give(DeviceState{slice.awaited, lit_});
          break;
        }
      }
    }
  }

  inline static const RegionState kBegun = begun();
  RegionController controller_;
  std::vector<PortPair> lit_;
};

Caller caller_by(std::uint8_t byte) {
  static const std::vector<std::string> kUris[] = {
      {}, {"mixnet:viewer"}, {"mixnet:trainer/1"}, {"mixnet:trainer/2"}, {"mixnet:operator"}};
  return caller_of_certificate(kUris[byte % 5], "fuzz", "::1");
}

void call(Region& region, std::uint8_t byte, const Caller& caller, const std::string& bytes) {
  const auto method = static_cast<Method>(byte % method_rules().size());
  switch (method) {
    case Method::kReportDemand:
      return region.take<v1::DemandReport>(method, caller, bytes);
    case Method::kMarkPhase:
      return region.take<v1::PhaseMark>(method, caller, bytes);
    case Method::kReportHealth:
      return region.take<v1::HealthReport>(method, caller, bytes);
    case Method::kAddTenant:
      return region.take<v1::TenantAdd>(method, caller, bytes);
    case Method::kRemoveTenant:
      return region.take<v1::TenantRemove>(method, caller, bytes);
    case Method::kDrainServer:
      return region.take<v1::ServerDrain>(method, caller, bytes);
    case Method::kPinCircuit:
      return region.take<v1::CircuitPin>(method, caller, bytes);
    case Method::kHoldSwitch:
      return region.take<v1::SwitchHold>(method, caller, bytes);
    case Method::kPlan:
      return region.plan(bytes);
    default:
      return region.look();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  keep_grpc_quiet();
  Region region;
  for (int i = 0; i < kMostCalls && size >= 3; ++i) {
    const std::uint8_t method = data[0];
    const Caller caller = caller_by(data[1]);
    const std::size_t length = std::min<std::size_t>(data[2], size - 3);
    // The last message takes all that is left, so that a plain message is an input, too.
    const std::size_t taken = i + 1 == kMostCalls || length == 255 ? size - 3 : length;
    const std::string bytes(reinterpret_cast<const char*>(data) + 3, taken);
    try {
      call(region, method, caller, bytes);
    } catch (const Error&) {
    }
    data += 3 + taken;
    size -= 3 + taken;
  }
  region.look();
  return 0;
}
