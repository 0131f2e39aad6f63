// Any bytes as what a switch answers: a GetResponse of each table, and what a stream tells. An
// Error, or a state whose entries are possible, and from which a change can be planned that names
// what it is to name only.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "gnmi/quiet_grpc.h"
#include "gnmi/sonic_state.h"
#include "gnmi/sonic_watch.h"

namespace {

using namespace mixnet;

void read_state(const std::string& bytes, bool is_config) {
  static const SonicPorts kPorts(16);
  gnmi::GetResponse response;
  if (!response.ParseFromString(bytes)) return;
  std::optional<gnmi::GetResponse> config;
  std::optional<gnmi::GetResponse> state;
  (is_config ? config : state) = response;
  const SonicState read = SonicState::decode(config, state, kCrossConnectTable, kPorts);
  for (const auto& [patch, entry] : read.entries) {
    if (!kPorts.numbering().is_possible(patch) || entry.key.empty()) std::abort();
  }
  const SwitchChange change{{{1, 2}}, {{1, 3}}};
  const ChangePlan plan = plan_change(change, read.holding({}), kPorts.numbering());
  const gnmi::SetRequest request = read.set_request(plan, kPorts, {});
  if (request.delete__size() + request.update_size() > 6) std::abort();
}

void watch(const std::string& bytes) {
  static const SonicPorts kPorts(16);
  static const PortSlice kSlice = {1, 2, 3};
  SonicWatch seen(kPorts, kSlice, std::string(kPortTable));
  gnmi::SubscribeResponse sync;
  sync.set_sync_response(true);
  gnmi::SubscribeResponse message;
  if (!message.ParseFromString(bytes)) return;
  for (int turn = 0; turn < 2; ++turn) {
    seen.take(message);
    seen.take(sync);
    seen.expect("1A", "2B");
  }
  for (const SwitchEvent& event : seen.events()) {
    if (!in_slice(kSlice, event.port)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quiet_grpc();
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] % 3 == 0) {
      watch(bytes);
    } else {
      read_state(bytes, data[0] % 3 == 1);
    }
  } catch (const Error&) {
  }
  try {
    SonicTable table;
    decode_rows({"CONFIG_DB", "OCS_PORT", "", ""}, bytes, table);
    SonicTable again;
    decode_rows({"CONFIG_DB", "OCS_PORT", "", ""}, to_json(table), again);
    if (again.size() != table.size()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
