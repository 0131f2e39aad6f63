// The emulated switch's light, in the kernel: two programs on each attached interface (tc clsact).
//
//   ingress  each frame leaves by the interface that its light is joined to, from lit_at on, or is
//            dropped. None reaches the host's own stack, nor a filter behind this one.
//   egress   only what came by a standing circuit passes: nothing that the host itself would send
//            (router solicitations, ARP), and no frame whose circuit was moved meanwhile.
//
// The second look also makes up for what a hash map of the kernel does not promise: an entry that
// is replaced may be used again while another CPU still reads it.

// The headers of BPF need the kernel's before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "circuit_maps.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kMostAttached);
  __type(key, __u32);
  __type(value, struct CircuitEntry);
} circuits SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, kMostAttached);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct CounterEntry);
} counters SEC(".maps");

SEC("tc")
int mixnet_circuit(struct __sk_buff* frame) {
  __u32 in = frame->ifindex;
  __u32 out = 0;
  struct CircuitEntry* circuit = bpf_map_lookup_elem(&circuits, &in);
  if (circuit && bpf_ktime_get_ns() >= circuit->lit_at_ns) out = circuit->out;

  struct CounterEntry* counter = bpf_map_lookup_elem(&counters, &in);
  if (counter) {
    __u32 frames = frame->gso_segs ? frame->gso_segs : 1;
    counter->frames += frames;
    counter->bytes += frame->len;
    if (out) {
      counter->passed += frames;
    } else {
      counter->dark += frames;
    }
  }
  return out ? bpf_redirect(out, 0) : TC_ACT_SHOT;
}

SEC("tc")
int mixnet_guard(struct __sk_buff* frame) {
  __u32 in = frame->ingress_ifindex;
  struct CircuitEntry* circuit = bpf_map_lookup_elem(&circuits, &in);
  return circuit && circuit->out == frame->ifindex ? TC_ACT_OK : TC_ACT_SHOT;
}

// No helper above asks for the GPL.
char kLicence[] SEC("license") = "Apache-2.0";
