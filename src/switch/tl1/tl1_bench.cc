#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "tl1/tl1_message.h"
#include "tl1/tl1_reader.h"

namespace {

// An answer to RTRV-PATCH of a switch with 1,024 patches.
void read_1024_patches(benchmark::State& state) {
  mixnet::Tl1Response response{.ctag = "1"};
  for (int i = 1; i <= 1024; ++i) response.rows.push_back(fmt::format("{},{}", i, 1024 + i));
  const std::string text = encode_tl1(response, "POLATIS", {});
  mixnet::Tl1Reader reader("bench");
  for (auto _ : state) {
    reader.feed(text);
    benchmark::DoNotOptimize(reader.next());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(read_1024_patches);

}  // namespace
