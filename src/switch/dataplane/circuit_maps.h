/* What the kernel's program (circuit.bpf.c) and its owner (circuit_filter.h) share: the values of
 * its two maps, keyed by the index of the interface by which light enters. C, for the former is. */
#pragma once

#include <linux/types.h>

enum { kMostAttached = 4096 };

/* Where the light of an interface goes. An entry is replaced whole, never written to. No entry:
 * dark. */
struct CircuitEntry {
  __u32 out; /* index of the interface that it leaves by */
  __u32 unused;
  __u64 lit_at_ns;   /* dark before; CLOCK_MONOTONIC */
  __u64 straight_to; /* frames for this address skip `out`: they enter the NIC across; 0: none */
};

/* An Ethernet address as `straight_to` has it. Never 0. */
static inline __u64 straight_address(const __u16 address[3]) {
  return (__u64)1 << 48 | (__u64)address[2] << 32 | (__u64)address[1] << 16 | address[0];
}

/* Since the interface was attached; one of each per CPU. What the network card or the kernel has
 * put together (GRO, TSO) counts as the frames that it stands for. */
struct CounterEntry {
  __u64 frames; /* that came in: passed and dark */
  __u64 bytes;
  __u64 passed;
  __u64 dark;
};
