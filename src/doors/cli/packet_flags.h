// The flags of the packet network, for every command that runs one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "network/packet_network.h"

namespace mixnet::cli {

struct PacketFlags {
  std::string transport = "dctcp";
  int mtu = PacketOptions{}.mtu;
  int header = PacketOptions{}.header;
  int ack_bytes = PacketOptions{}.ack_bytes;
  bool free_acks = false;
  std::string queue;
  std::string ecn_threshold;
  int initial_window = PacketOptions{}.initial_window;
  std::string time_out;

  /// Throws Error on a value that is out of range.
  PacketOptions options() const;
};

/// Adds the flags to `command`; `flags` must outlive it.
void add_packet_flags(CLI::App& command, PacketFlags& flags);

}  // namespace mixnet::cli
