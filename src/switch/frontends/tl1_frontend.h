// The emulated switch's TL1 side, as a Polatis speaks it (tests/data/switch/tl1_polatis.txt says
// where each answer was found, and which are our choice).
//
//   without a login       ACT-USER
//   session               CANC-USER, RTRV-HDR, ED-EQPT::TIMEOUT, RTRV-EQPT::TIMEOUT, OPR-, RLS-,
//                         RTRV-ARC-EQPT::REPMGR (alarms held back, or not)
//   what it is            RTRV-NETYPE, RTRV-EQPT::SYSTEM (PARAMETER=SIZE), RTRV-INV
//   patches               ENT-PATCH (on a port in use: replaces), DLT-PATCH, RTRV-PATCH
//   light                 OPR-, RLS-, RTRV-PORT-SHUTTER, RTRV-PORT-POWER, RTRV-, SET-PORT-PMON
//   the whole             INIT-SYS (1: clear all; 10: reboot)
// Ports are the device's (PortNumbering). A change is answered when it is done, whatever is asked
// meanwhile, and the 1,025th that waits is denied (SARB); alarms come amid answers. A session that
// says nothing for its time-out (60 minutes; 0: never) is logged out.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "frontends/device_host.h"
#include "frontends/text_server.h"

namespace mixnet {

struct Tl1FrontendOptions {
  std::string sid = "MIXNET-OCS";
  std::map<std::string, std::string> users = {{"root", "root"}};
};

/// The host must outlive the conversations.
StartConversation tl1_conversations(DeviceHost& host, Tl1FrontendOptions options,
                                    Env& env = system_env());

}  // namespace mixnet
