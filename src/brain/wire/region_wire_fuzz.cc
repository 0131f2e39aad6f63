// Any bytes as a record, and as each request that a client may send: an event, or an Error. What
// was read is written and read again the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "wire/region_wire.h"

namespace {

using namespace mixnet;

void stays(const RecordedEvent& record) {
  const std::string once = encode_record(record);
  if (encode_record(decode_record(once, "again")) != once) std::abort();
}

template <typename Wire>
void try_request(const std::string& bytes) {
  Wire wire;
  if (!wire.ParseFromString(bytes)) return;
  try {
    stays({Instant{}, false, from_wire(wire)});
  } catch (const Error&) {
  }
}

void try_topology(const std::string& bytes) {
  v1::Topology wire;
  if (!wire.ParseFromString(bytes)) return;
  try {
    const TopologyAnnouncement said = from_wire(wire);
    if (!(from_wire(to_wire(said)) == said)) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    stays(decode_record(bytes, "fuzz"));
  } catch (const Error&) {
  }
  try_request<v1::DemandReport>(bytes);
  try_request<v1::PhaseMark>(bytes);
  try_request<v1::HealthReport>(bytes);
  try_request<v1::TenantAdd>(bytes);
  try_request<v1::TenantRemove>(bytes);
  try_request<v1::ServerDrain>(bytes);
  try_request<v1::CircuitPin>(bytes);
  try_request<v1::SwitchHold>(bytes);
  try_topology(bytes);
  return 0;
}
