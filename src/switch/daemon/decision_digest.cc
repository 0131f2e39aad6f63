// A digest of decisions that is the same on every machine: of numbers, one after another.
#include <algorithm>
#include <cstddef>

#include "base/random.h"
#include "daemon/region_engine.h"

namespace mixnet {
namespace {

constexpr char kTag = 15 << 3 | 1;  // protobuf: field 15, eight bytes
constexpr std::size_t kTailSize = 9;

class Digester {
 public:
  void add(std::uint64_t number) { value_ = mix64(value_ ^ number) + number; }
  void add(std::int64_t number) { add(static_cast<std::uint64_t>(number)); }
  void add(int number) { add(static_cast<std::int64_t>(number)); }
  void add(const PortPair& pair) {
    add(pair.a);
    add(pair.b);
  }
  void add(const Circuit& c) {
    for (const int number : {c.server_a, c.nic_a, c.server_b, c.nic_b}) add(number);
  }
  void add(const Relay& relay) {
    add(relay.from);
    add(relay.to);
    add(relay.via);
  }
  template <typename Item>
  void add(const std::vector<Item>& list) {
    add(static_cast<std::uint64_t>(list.size()));
    for (const Item& item : list) add(item);
  }

  void add(const DeviceCommand& command) {
    add(command.id);
    add(command.tenant);
    add(command.disconnect);
    add(command.connect);
    add(command.time_out.ns);
  }
  void add(const ReadState& read) {
    add(read.id);
    add(read.time_out.ns);
  }
  void add(const TopologyAnnouncement& said) {
    add(said.tenant);
    add(said.epoch);
    add(said.served.sequence);
    add(static_cast<int>(said.closed));
    add(said.circuits);
    add(said.relays);
    add(said.cut);
  }
  void add(const TenantGone& gone) { add(gone.tenant); }
  void add(const Alarm& alarm) {
    add(static_cast<int>(alarm.severity));
    add(static_cast<int>(alarm.code));
    add(alarm.tenant);
    add(alarm.subject);
  }

  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace

std::uint64_t digest(const std::vector<Decision>& decisions) {
  Digester digester;
  for (const Decision& decision : decisions) {
    digester.add(static_cast<std::uint64_t>(decision.index()));
    std::visit([&](const auto& one) { digester.add(one); }, decision);
  }
  return digester.value();
}

std::string with_digest(std::string record, std::uint64_t digest) {
  record.push_back(kTag);
  for (int byte = 0; byte < 8; ++byte) {
    record.push_back(static_cast<char>(digest >> (8 * byte) & 0xff));
  }
  return record;
}

std::optional<std::uint64_t> digest_of(std::string_view record) {
  if (record.size() < kTailSize || record[record.size() - kTailSize] != kTag) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t byte = 0; byte < 8; ++byte) {
    value |= std::uint64_t{static_cast<unsigned char>(record[record.size() - 8 + byte])}
             << (8 * byte);
  }
  return value;
}

}  // namespace mixnet
