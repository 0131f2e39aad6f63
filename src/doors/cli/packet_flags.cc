#include "cli/packet_flags.h"

#include <algorithm>

#include "base/error.h"
#include "base/units.h"
#include "cli/flag_group.h"

namespace mixnet::cli {
namespace {

Bytes size_or_automatic(const std::string& text, std::string_view flag) {
  if (text.empty()) return Bytes::zero();
  const Bytes bytes = parse_bytes(text, flag);
  if (bytes.count == 0) throw Error(flag, "is zero", "give bytes such as 1MB, or leave it out");
  return bytes;
}

/// Not zero, which is how the options say that none was given.
Time given_time_out(const std::string& text) {
  return std::max(Time{1}, parse_time(text, "--time-out"));
}

}  // namespace

PacketOptions PacketFlags::options() const {
  PacketOptions options;
  options.transport = parse<Transport>(transport, "--transport");
  options.mtu = mtu;
  options.header = header;
  options.ack_bytes = ack_bytes;
  options.free_acks = free_acks;
  options.queue_limit = size_or_automatic(queue, "--queue");
  options.ecn_threshold = size_or_automatic(ecn_threshold, "--ecn-threshold");
  options.initial_window = initial_window;
  if (!time_out.empty()) options.time_out = given_time_out(time_out);
  check_packet_options(options);
  return options;
}

void add_packet_flags(CLI::App& command, PacketFlags& flags) {
  const FlagGroup group(command, "Packets");
  group.add_default("--transport", flags.transport,
                    "dctcp (windows) or dcqcn (rates, as RoCEv2 NICs, over switches with PFC)");
  group.add_default("--mtu", flags.mtu, "Bytes of a full packet, headers included");
  group.add_default("--header", flags.header, "Bytes of these that are headers");
  group.add_default("--ack-bytes", flags.ack_bytes, "Bytes of an acknowledgement");
  group.add_switch("--free-acks", flags.free_acks,
                   "Acknowledgements take no room, only their propagation delay");
  group
      .add("--queue", flags.queue,
           "Bytes that a port queues; dcqcn: from one link, before a pause (at 100 Gb/s 4; 1.6 MB)")
      ->type_name("BYTES");
  group
      .add("--ecn-threshold", flags.ecn_threshold,
           "Bytes queued from which on packets are marked (at 100 Gb/s 300; dcqcn 400 kB)")
      ->type_name("BYTES");
  group.add_default("--initial-window", flags.initial_window,
                    "dctcp: packets that a flow may send at once");
  group
      .add("--time-out", flags.time_out,
           "Without a sign of life, packets are sent again (1 ms; longer if links are slow)")
      ->type_name("TIME");
}

}  // namespace mixnet::cli
