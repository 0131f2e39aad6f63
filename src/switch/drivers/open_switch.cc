#include "drivers/open_switch.h"

#include <utility>

#include "gnmi/gnmi_switch.h"
#include "scpi/scpi_switch.h"
#include "tl1/tl1_switch.h"

namespace mixnet {

std::unique_ptr<OpticalSwitch> open_switch(const SwitchAddress& address, PortSlice slice,
                                           Env& env) {
  switch (address.protocol) {
    case SwitchProtocol::kTl1:
      return open_tl1_switch(address, std::move(slice), env);
    case SwitchProtocol::kScpi:
      return open_scpi_switch(address, std::move(slice), env);
    case SwitchProtocol::kGnmi:
      return open_gnmi_switch(address, std::move(slice), env);
  }
  return nullptr;
}

}  // namespace mixnet
