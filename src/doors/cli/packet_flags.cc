#include "cli/packet_flags.h"

#include "base/error.h"
#include "base/units.h"

namespace mixnet::cli {
namespace {

Bytes size_or_automatic(const std::string& text, std::string_view flag) {
  if (text.empty()) return Bytes::zero();
  const Bytes bytes = parse_bytes(text, flag);
  if (bytes.count == 0) throw Error(flag, "is zero", "give bytes such as 1MB, or leave it out");
  return bytes;
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
  options.time_out = parse_time(time_out, "--time-out");
  check_packet_options(options);
  return options;
}

void add_packet_flags(CLI::App& command, PacketFlags& flags) {
  const std::string group = "Packets";
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->capture_default_str()->group(group);
  };
  add("--transport", flags.transport, "dctcp (windows) or dcqcn (rates, as RoCEv2 NICs)");
  add("--mtu", flags.mtu, "Bytes of a full packet, headers included");
  add("--header", flags.header, "Bytes of these that are headers");
  add("--ack-bytes", flags.ack_bytes, "Bytes of an acknowledgement");
  command
      .add_flag("--free-acks", flags.free_acks,
                "Acknowledgements take no room, only their propagation delay")
      ->group(group);
  command
      .add_option("--queue", flags.queue,
                  "Bytes that one port can queue (default: 320 us' worth, 4 MB at 100 Gb/s)")
      ->type_name("BYTES")
      ->group(group);
  command
      .add_option("--ecn-threshold", flags.ecn_threshold,
                  "Bytes queued from which on packets are marked (default: 10 us' worth)")
      ->type_name("BYTES")
      ->group(group);
  add("--initial-window", flags.initial_window, "dctcp: packets that a flow may send at once");
  add("--time-out", flags.time_out, "Without a sign of life, packets are sent again");
}

}  // namespace mixnet::cli
