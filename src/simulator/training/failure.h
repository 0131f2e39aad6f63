// What can fail in a training cluster, as users write it:
//
//   nic:SERVER.NIC    a NIC. On mixnet NICs 0 to degree - 1 of a server are those on the optical
//                     switch, the others are electrical.
//   link:SERVER.NIC   the cable of that NIC, or its port of the optical switch: the same.
//   link:TIER.INDEX   a link between switches, both directions: tor-up, core-up or leaf-up, counted
//                     as in packet_fabric.h.
//   ocs:REGION        the optical switch of a region: stage * replicas + replica.
//   gpu:RANK          a GPU, by its rank.
//   server:SERVER     a server with all that is in it.
//
// With @TIME behind it, as in nic:3.1@2s, it fails that long after the start of the iteration;
// without, it had failed before. Plain values; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"
#include "base/units.h"

namespace mixnet {

enum class FailedPart { kNic, kLink, kOcs, kGpu, kServer };

template <>
struct Names<FailedPart> {
  static constexpr std::string_view kWhat = "part";
  static constexpr NamedValue<FailedPart> kTable[] = {{"nic", FailedPart::kNic},
                                                      {"link", FailedPart::kLink},
                                                      {"ocs", FailedPart::kOcs},
                                                      {"gpu", FailedPart::kGpu},
                                                      {"server", FailedPart::kServer}};
};

struct Failure {
  FailedPart part = FailedPart::kNic;
  int index = 0;     ///< of the server, region or rank
  int nic = 0;       ///< kNic, as which a NIC's cable counts, too
  std::string tier;  ///< kLink, with `index`
  std::optional<Time> at;
  std::string text;  ///< as it was written
};

/// Throws Error, naming `input`, on anything but the above.
Failure parse_failure(std::string_view text, std::string_view input);

}  // namespace mixnet
