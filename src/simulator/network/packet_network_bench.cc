// What the packet network costs per packet and hop, in the ways it is used: permutations and
// all-to-all exchanges over a fat-tree, hashed and sprayed, and a steady ring that is skipped.
//
// Counters: packet_hops/s, hops (of one run), events/hop, memory (bytes that the network holds),
// and instructions/hop where the machine has a counter of instructions (many virtual ones have
// none).
#include <benchmark/benchmark.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "fabric/packet_fabric.h"
#include "network/packet_incast.h"
#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {
namespace {

/// Instructions of this thread in user space, when the kernel counts them.
class InstructionCounter {
 public:
  InstructionCounter() {
    perf_event_attr attributes{};
    attributes.size = sizeof(attributes);
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    file_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
  }
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;
  ~InstructionCounter() {
    if (file_ >= 0) close(file_);
  }

  std::optional<std::int64_t> read_now() const {
    std::int64_t count = 0;
    if (file_ < 0 || read(file_, &count, sizeof(count)) != sizeof(count)) return std::nullopt;
    return count;
  }

 private:
  int file_ = -1;
};

struct Case {
  std::vector<PortSpec> ports;
  PacketOptions options;
  bool skip = false;
  struct BenchFlow {
    std::vector<std::uint32_t> there, back;
    int hops;
    Bytes payload;
  };
  std::vector<BenchFlow> flows;
};

void run_case(benchmark::State& state, const Case& bench) {
  PacketNetwork network(bench.ports, bench.options);
  network.set_skip(bench.skip);
  const InstructionCounter counter;
  std::int64_t instructions = 0;
  bool counted = true;
  Time end;
  for ([[maybe_unused]] auto _ : state) {
    network.reset();
    const auto before = counter.read_now();
    for (const Case::BenchFlow& flow : bench.flows) {
      network.add_flow(network.add_paths(flow.there, flow.hops, flow.back, flow.hops),
                       flow.payload);
    }
    end = network.run();
    const auto after = counter.read_now();
    counted = counted && before && after;
    if (counted) instructions += *after - *before;
  }
  const PacketTotals totals = network.totals();
  const auto hops = static_cast<double>(totals.packet_hops);
  state.counters["hops"] = hops;
  state.counters["packet_hops/s"] =
      benchmark::Counter(hops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["events/hop"] = static_cast<double>(totals.events) / hops;
  state.counters["memory"] =
      benchmark::Counter(static_cast<double>(network.memory().count), benchmark::Counter::kDefaults,
                         benchmark::Counter::kIs1024);
  state.counters["simulated_us"] = end.to_seconds() * 1e6;
  if (counted && instructions > 0) {
    state.counters["instructions/hop"] =
        static_cast<double>(instructions) / static_cast<double>(state.iterations()) / hops;
  }
}

/// A 1:1 fat-tree of 100 Gb/s.
class FatTree {
 public:
  explicit FatTree(int hosts)
      : hosts_(hosts), fabric_(FabricKind::kFatTree, hosts / 8, 8, 1, PathPolicy::kEcmp) {
    for (const double rate : fabric_.link_rates()) {
      bench.ports.push_back({{std::llround(rate * 100e9)}, kTestDelay});
    }
  }

  void add(int from, int to, Bytes payload, bool spray) {
    constexpr int kMostPaths = 16;
    Case::BenchFlow flow{{}, {}, fabric_.hops(from, to), payload};
    const int paths = spray ? std::min(kMostPaths, fabric_.path_choices(from, to)) : 1;
    for (int p = 0; p < paths; ++p) {
      fabric_.append_path(from, to, spray ? p : derive_seed(1, from, to), flow.there);
      fabric_.append_path(to, from, spray ? p : derive_seed(2, from, to), flow.back);
    }
    bench.flows.push_back(std::move(flow));
  }
  void add_permutation(Bytes payload) {
    std::vector<int> to(hosts_);
    std::iota(to.begin(), to.end(), 0);
    Random random(7);  // one cycle (Sattolo), so nobody sends to itself
    for (int i = hosts_ - 1; i > 0; --i) std::swap(to[i], to[random.below(i)]);
    for (int from = 0; from < hosts_; ++from) add(from, to[from], payload, false);
  }
  void add_all_to_all(Bytes payload, bool spray) {
    for (int step = 1; step < hosts_; ++step) {
      for (int from = 0; from < hosts_; ++from) add(from, (from + step) % hosts_, payload, spray);
    }
  }

  Case bench;

 private:
  int hosts_;
  PacketFabric fabric_;
};

void permutation(benchmark::State& state, Transport transport) {
  FatTree tree(static_cast<int>(state.range(0)));
  tree.bench.options.transport = transport;
  tree.add_permutation({2'000'000});
  run_case(state, tree.bench);
}
BENCHMARK_CAPTURE(permutation, dctcp, Transport::kDctcp)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(permutation, dcqcn, Transport::kDcqcn)->Arg(1024)->Unit(benchmark::kMillisecond);

void all_to_all(benchmark::State& state, bool spray) {
  FatTree tree(static_cast<int>(state.range(0)));
  tree.add_all_to_all({1'000'000}, spray);
  run_case(state, tree.bench);
}
BENCHMARK_CAPTURE(all_to_all, hashed, false)->Arg(128)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(all_to_all, sprayed, true)->Arg(64)->Unit(benchmark::kMillisecond);

/// Flows of 100 MB of DCQCN into one port of range(1) Gb/s; the counters are the results.
void incast(benchmark::State& state) {
  const auto senders = static_cast<int>(state.range(0));
  const Bandwidth rate = Bandwidth::gbps(state.range(1));
  PacketOptions options;
  options.transport = Transport::kDcqcn;
  Incast result;
  for ([[maybe_unused]] auto _ : state) {
    result = run_incast(senders, rate, {state.range(2) * 1'000'000}, options);
  }
  const DcqcnFixedPoint expected(senders, rate, options);
  state.counters["utilisation"] = result.utilisation;
  state.counters["jain"] = result.jain;
  state.counters["slowdown"] = result.slowdown;
  state.counters["queue_kB"] = result.mean_queue / 1e3;
  state.counters["model_kB"] = expected.queue / 1e3;
  state.counters["model_p"] = expected.probability;
  state.counters["drops"] = static_cast<double>(result.totals.drops);
  state.counters["pauses"] = static_cast<double>(result.totals.pauses);
}
BENCHMARK(incast)
    ->ArgsProduct({{2, 4, 8, 16, 32, 64}, {25, 100, 400}, {100, 1'000}})
    ->Args({2, 400, 10'000})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// Every host of a star to the next, 20 MB: plain (0) and skipped (1).
void ring(benchmark::State& state) {
  const int hosts = 16;
  const Star star(hosts);
  Case bench;
  bench.ports = star.ports;
  bench.skip = state.range(0) == 1;
  for (int host = 0; host < hosts; ++host) {
    const int next = (host + 1) % hosts;
    bench.flows.push_back(
        {{star.up(host), star.down(next)}, {star.up(next), star.down(host)}, 2, {20'000'000}});
  }
  run_case(state, bench);
}
BENCHMARK(ring)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mixnet
