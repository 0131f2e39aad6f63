// Any bytes as what a client asks of the gNMI service: Get, Set, Subscribe. A refusal, or an
// answer; and a Set that is taken is one that the device takes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontends/gnmi_subscription.h"
#include "frontends/sonic_view.h"
#include "gnmi/quiet_grpc.h"

namespace {

using namespace mixnet;

void get(const std::string& bytes, const EmulatedSwitch& device, const SonicPorts& ports) {
  gnmi::GetRequest request;
  if (!request.ParseFromString(bytes)) return;
  // The same table over and over is slow, not wrong.
  while (request.path_size() > 4) request.mutable_path()->RemoveLast();
  const gnmi::GetResponse response = answer_get(request, device, ports);
  if (response.notification_size() != std::max(1, request.path_size())) std::abort();
}

void set(const std::string& bytes, bool bypass, EmulatedSwitch& device, const SonicPorts& ports) {
  gnmi::SetRequest request;
  if (!request.ParseFromString(bytes)) return;
  const SonicSet planned = plan_set(request, bypass, device, ports);
  if (planned.paths.remove.empty() && planned.paths.add.empty()) return;
  device.request(planned.paths, {});
  for (const RequestAnswer& answer : device.take_answers()) {
    if (answer.refusal != Refusal::kNone) std::abort();
  }
}

void subscribe(const std::string& bytes, const EmulatedSwitch& device, const SonicPorts& ports) {
  gnmi::SubscribeRequest request;
  if (!request.ParseFromString(bytes) || !request.has_subscribe()) return;
  GnmiSubscription subscription(request.subscribe(), device, ports);
  const MonotonicTime start = MonotonicTime() + std::chrono::hours(1);
  subscription.all(start);
  subscription.news(start, true);
  if (subscription.due()) subscription.news(*subscription.due(), false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quiet_grpc();
  if (size == 0) return 0;
  EmulatedSwitchConfig config;
  config.ports = 8;
  config.sides = (data[0] & 1) == 0 ? Sides::kOne : Sides::kTwo;
  EmulatedSwitch device(config);
  static const SonicPorts kPorts(8);
  PathRequest standing;
  standing.add = {{1, 5}, {5, 1}, {2, 6}, {6, 2}};
  device.request(standing, {});
  device.take_answers();
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch ((data[0] >> 1) % 3) {
      case 0:
        get(bytes, device, kPorts);
        break;
      case 1:
        set(bytes, (data[0] & 8) != 0, device, kPorts);
        break;
      default:
        subscribe(bytes, device, kPorts);
    }
  } catch (const GnmiRefusal&) {
  }
  return 0;
}
