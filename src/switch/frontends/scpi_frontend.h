// The emulated switch's SCPI side, as a Polatis speaks it (tests/data/switch/scpi_polatis.txt).
//
//   :oxc:swit:conn:add, :sub, :only, :stat?, :port?   :oxc:swit:disc:all   :oxc:swit:size?
//   :oxc:swit:port:dis, :enab, :stat?   :pmon:pow?   :syst:err?, :syst:err:all?
//   *idn? *opc? *wai *cls *rst
// A command is carried out when its turn comes: *opc?, *wai and :syst:err wait until all changes
// of this connection are done. What goes wrong stands in the connection's error queue. SCPI knows
// no login: who has sent one whole command is trusted.
#pragma once

#include "frontends/device_host.h"
#include "frontends/text_server.h"

namespace mixnet {

/// The host must outlive the conversations.
StartConversation scpi_conversations(DeviceHost& host);

}  // namespace mixnet
