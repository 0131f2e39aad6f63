// The hands on a server while its cabling is verified: sends and hears test frames on its NICs,
// reads their carrier, takes them down and up. It is a process that is told what to do on standard
// input, a line each, and answers with a line each: started by the verifier, through `ssh` or
// `nsenter` where the server is elsewhere.
//
//   open FIRST NAME...  these interfaces, NICs FIRST, FIRST + 1, ...; they are set up   -> ok
//   shout               one frame from each                                        -> ok
//   heard               since it was last asked: pairs TO:FROM of NICs, each once    -> heard 3:0
//   ... carrier             of each                                                   -> carrier 1
//   0 ... down I, up I        the I-th (from 0) of those opened                             -> ok
//
// Anything wrong: `error TEXT`. At the end of input it sets up what it has taken down, and ends.
// A test frame is a broadcast of the local experimental EtherType 0x88B5 (IEEE 802) with a magic
// word, the run's number and the NIC's. It needs CAP_NET_RAW to send, CAP_NET_ADMIN for up and
// down.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace mixnet {

/// `run`: a number that tells this survey's frames from another's.
void serve_nic_agent(std::uint64_t run, std::istream& in, std::ostream& out);

}  // namespace mixnet
