#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"

// Any text is either refused with an Error, or is a state that can be written and read back the
// same, and from which a controller goes on without breaking an invariant.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const mixnet::RegionState state = mixnet::read_snapshot(text, "fuzz");
    if (!(mixnet::read_snapshot(mixnet::write_snapshot(state), "again") == state)) std::abort();
    mixnet::RegionController controller(state);
    try {
      if (state.last_id > std::uint64_t{1} << 60 ||
          state.counters.commands > std::uint64_t{1} << 60 || state.config.ports() > 1000) {
        return 0;  // ids end at 2^62; and large regions are slow
      }
      mixnet::Instant now = state.now.value_or(mixnet::Instant{});
      for (int step = 0; step < 8; ++step) {
        now = std::max(now, controller.next_deadline());
        controller.handle(now, mixnet::Tick{});
        controller.handle(now, mixnet::ServerDrain{step / 2, step % 2 == 0});
        controller.handle(now, mixnet::CircuitPin{{step, step + 7}, step < 6});
        controller.handle(now, mixnet::SwitchHold{step == 4});
        controller.handle(now, mixnet::DeviceState{controller.state().last_id, {}});
        controller.handle(now,
                          mixnet::DeviceAnswer{controller.state().last_id, true, -1, false, {}});
      }
      mixnet::check_state(controller.state(), "after");
    } catch (const mixnet::Error&) {
      std::abort();
    }
  } catch (const mixnet::Error&) {
  }
  return 0;
}
