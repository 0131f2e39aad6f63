// The emulated switch's light, in the kernel: two programs on each attached interface (tc clsact).
//
//   ingress  each frame leaves by the interface that its light is joined to, from lit_at on, or is
//            dropped. None reaches the host's own stack, nor a filter behind this one.
//   egress   only what came by a standing circuit passes: nothing that the host itself would send
//            (router solicitations, ARP), and no frame whose circuit was moved meanwhile.
//
// The second look also makes up for what a hash map of the kernel does not promise: an entry that
// is replaced may be used again while another CPU still reads it.
//
// THE SHORT WAY. Where `out` is a veth without a queue, whose other end is a NIC in another network
// namespace, frames for that NIC's own address enter it at once, which saves a pass through the
// kernel's backlog. As they never leave by `out`, ingress has the second look itself. Others go by
// `out`: what enters this way is taken to be for the NIC, whose filter of addresses it skips.

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

static __always_inline int is_for(const struct __sk_buff* frame, __u64 straight_to) {
  const __u16* address = (const void*)(long)frame->data;
  if ((const void*)(address + 3) > (const void*)(long)frame->data_end) return 0;
  return straight_address(address) == straight_to;
}

SEC("tc")
int mixnet_circuit(struct __sk_buff* frame) {
  __u32 in = frame->ifindex;
  __u32 out = 0;
  __u64 lit_at_ns = 0;
  int straight = 0;
  struct CircuitEntry* circuit = bpf_map_lookup_elem(&circuits, &in);
  if (circuit) {
    lit_at_ns = circuit->lit_at_ns;
    if (bpf_ktime_get_ns() >= lit_at_ns) out = circuit->out;
    straight = out && is_for(frame, circuit->straight_to);
  }
  if (straight) {
    circuit = bpf_map_lookup_elem(&circuits, &in);
    if (!circuit || circuit->out != out || circuit->lit_at_ns != lit_at_ns) out = 0;
  }

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
  if (!out) return TC_ACT_SHOT;
  return straight ? bpf_redirect_peer(out, 0) : bpf_redirect(out, 0);
}

SEC("tc")
int mixnet_guard(struct __sk_buff* frame) {
  __u32 in = frame->ingress_ifindex;
  struct CircuitEntry* circuit = bpf_map_lookup_elem(&circuits, &in);
  return circuit && circuit->out == frame->ifindex ? TC_ACT_OK : TC_ACT_SHOT;
}

// No helper above asks for the GPL.
char kLicence[] SEC("license") = "Apache-2.0";
