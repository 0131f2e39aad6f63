// The hand inside an emulated switch: faults, light and labels, a line of text each. For tests and
// for people with `nc`; only on the loopback.
//
//   fault KIND@STAGE [port=N] ...   strikes now where the stage is idle, else is armed    -> ok
//   heal                            ends all faults                                   -> ok
//   power N DBM|off                 what the NIC at N sends                            -> ok
//   loss N in|out DB                of the fibre at N                                  -> ok
//   label N TEXT                    what is plugged in at N                            -> ok
//   swap A B                        the fibres of two positions, both directions       -> ok
//   faults                          KIND STAGE COUNT lines, those that struck, then `ok`
//   ports                           N STATE PATH IN_DBM OUT_DBM WEAR FRAMES PASSED DARK LABEL lines
// What is wrong: `error TEXT`.
#pragma once

#include <functional>

#include "dataplane/data_plane.h"
#include "frontends/device_host.h"
#include "frontends/text_server.h"

namespace mixnet::ocs {

/// Both must outlive the conversations.
StartConversation control_conversations(DeviceHost& host, const DataPlane& plane);

}  // namespace mixnet::ocs
