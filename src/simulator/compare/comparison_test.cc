#include "compare/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "compare/advice.h"
#include "compare/comparison_text.h"
#include "fabric/fabric_error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ComparisonRequest small_request() {
  ComparisonRequest request;
  request.model = find_model("mixtral-8x7b");
  request.plan.gpus = 256;
  request.gpu = find_gpu("h100");
  request.fabrics.assign(default_fabrics().begin(), default_fabrics().end());
  request.bandwidths = {Bandwidth::gbps(100), Bandwidth::gbps(400)};
  request.prices = PriceList::load();
  return request;
}

const ComparisonRun& run_of(const Comparison& comparison, FabricKind fabric, std::int64_t gbps) {
  for (const ComparisonRun& run : comparison.runs) {
    if (run.fabric == fabric && run.bandwidth == Bandwidth::gbps(gbps)) return run;
  }
  throw std::out_of_range("no such run");
}

TEST(Compare, PerformancePerDollarIsAgainstTheFatTreeOfTheSameSpeed) {
  const Comparison comparison = compare(small_request());
  ASSERT_EQ(comparison.runs.size(), 12u);
  for (const std::int64_t gbps : {100, 400}) {
    const ComparisonRun& tree = run_of(comparison, FabricKind::kFatTree, gbps);
    EXPECT_DOUBLE_EQ(*tree.performance_per_dollar_vs_fat_tree, 1);
    const ComparisonRun& mixnet = run_of(comparison, FabricKind::kMixNet, gbps);
    EXPECT_DOUBLE_EQ(*mixnet.performance_per_dollar_vs_fat_tree,
                     tree.time.total.to_seconds() * *tree.network_cost_usd /
                         (mixnet.time.total.to_seconds() * *mixnet.network_cost_usd));
    EXPECT_FALSE(run_of(comparison, FabricKind::kIdeal, gbps).network_cost_usd);
    EXPECT_DOUBLE_EQ(
        tree.tokens_per_second,
        static_cast<double>(comparison.plan.tokens_per_iteration()) / tree.time.total.to_seconds());
  }
}

TEST(Compare, TokensPerDollarAreOfTheWholeClusterOverTheYears) {
  ComparisonRequest request = small_request();
  request.running = {3, 0.1, 1.5};
  const Comparison comparison = compare(request);
  const ServerPrice server = server_price(request.gpu.name, comparison.plan.gpus_per_server);
  for (const ComparisonRun& run : comparison.runs) {
    if (!has_price(run.fabric)) {
      EXPECT_FALSE(run.cluster || run.tokens_per_usd);
      continue;
    }
    const double servers_usd = comparison.plan.servers() * server.usd;
    EXPECT_DOUBLE_EQ(run.cluster->servers_usd, servers_usd);
    EXPECT_GT(run.cluster->energy_usd,
              comparison.plan.servers() * server.kw * 1.5 * 3 * 8766 * 0.1);
    EXPECT_DOUBLE_EQ(run.cluster->total_usd(),
                     servers_usd + *run.network_cost_usd + run.cluster->energy_usd);
    EXPECT_NEAR(*run.tokens_per_usd * run.cluster->total_usd(),
                run.tokens_per_second * 3 * 365.25 * 86'400, 1);
    const ComparisonRun& tree =
        run_of(comparison, FabricKind::kFatTree, std::llround(run.bandwidth.to_gbps()));
    EXPECT_NEAR(*run.performance_per_total_dollar_vs_fat_tree,
                *run.tokens_per_usd / *tree.tokens_per_usd, 1e-9);
  }
  request.server = server;
  request.server.usd = 0;
  EXPECT_EQ(compare(request).runs[0].cluster->servers_usd, 0);
}

TEST(Compare, NoFabricBeatsTheIdealOne) {
  const Comparison comparison = compare(small_request());
  for (const ComparisonRun& run : comparison.runs) {
    EXPECT_GE(run.time.total, run_of(comparison, FabricKind::kIdeal, 400).time.total);
  }
}

TEST(Compare, BaselineNeedsNotBeAskedFor) {
  ComparisonRequest request = small_request();
  const Comparison all = compare(request);
  request.fabrics = {FabricKind::kMixNet};
  const Comparison one = compare(request);
  ASSERT_EQ(one.runs.size(), 2u);
  EXPECT_EQ(*one.runs[1].performance_per_dollar_vs_fat_tree,
            *run_of(all, FabricKind::kMixNet, 400).performance_per_dollar_vs_fat_tree);
}

/// DeepSeek-V3 on domains of 64 GPUs, at speeds of which one has no price.
ComparisonRequest domain_request() {
  ComparisonRequest request;
  request.model = find_model("deepseek-v3");
  request.plan.gpus = 2048;
  request.plan.gpus_per_server = 64;
  request.plan.ep = 128;
  request.gpu = find_gpu("b200");
  request.routing = "uniform";
  request.fabrics = {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo};
  request.bandwidths = {Bandwidth::gbps(800), Bandwidth::gbps(1600)};
  request.iteration.network.nics_per_server = 64;
  request.iteration.reconfiguration = Reconfiguration::kHidden;
  request.prices = PriceList::load();
  return request;
}

TEST(Compare, FabricsWithoutPricesNeedNone) {
  const Comparison comparison = compare(domain_request());
  ASSERT_EQ(comparison.runs.size(), 4u);
  for (const ComparisonRun& run : comparison.runs) {
    EXPECT_FALSE(run.network_cost_usd);
    EXPECT_FALSE(run.performance_per_dollar_vs_fat_tree);
    EXPECT_EQ(run.gpu_bandwidth->total(), run.bandwidth * 10);
  }
  EXPECT_TRUE(advice(comparison).empty());
  ComparisonRequest priced = domain_request();
  priced.fabrics.push_back(FabricKind::kFatTree);
  const Comparison half = compare(priced);
  EXPECT_TRUE(run_of(half, FabricKind::kFatTree, 800).network_cost_usd);
  EXPECT_FALSE(run_of(half, FabricKind::kFatTree, 1600).network_cost_usd);
  EXPECT_THAT(half.unpriced, ElementsAre(Bandwidth::gbps(1600)));
  priced.bandwidths = {Bandwidth::gbps(800)};
  EXPECT_TRUE(compare(priced).runs[2].network_cost_usd);
}

TEST(Compare, FixedPartsOfAGpuAreTheSameAtEverySpeed) {
  ComparisonRequest request = domain_request();
  const Comparison proportional = compare(request);
  // The published parts, given as figures: at 800 Gb/s a NIC nothing changes, but at 1.6 Tb/s.
  request.iteration.network.gpu.total = Bandwidth::gbps(8000);
  request.iteration.network.gpu.optical = Bandwidth::gbps(3600);
  const Comparison fixed = compare(request);
  for (const FabricKind fabric : request.fabrics) {  // NVLink does not bind on nvl72
    EXPECT_EQ(run_of(fixed, fabric, 800).time.total, run_of(proportional, fabric, 800).time.total);
    EXPECT_GE(run_of(fixed, fabric, 1600).time.total,
              run_of(proportional, fabric, 1600).time.total);
  }
  // Of 8 Tb/s, 1.6 Tb/s of Ethernet leave 2.8 Tb/s to NVLink, which binds.
  const ComparisonRun& optical = run_of(fixed, FabricKind::kMixNetOpticalIo, 1600);
  EXPECT_EQ(optical.gpu_bandwidth->scale_up, Bandwidth::gbps(2800));
  EXPECT_NEAR(optical.time.ep.to_seconds() * 2800,
              run_of(fixed, FabricKind::kMixNetOpticalIo, 800).time.ep.to_seconds() * 3600,
              1e-3 * optical.time.ep.to_seconds() * 2800);
}

TEST(Compare, AFabricThatCannotIsLeftOutWithTheReason) {
  ComparisonRequest request = small_request();
  request.iteration.network.nics_per_server = 1;
  request.iteration.network.optical_degree = 0;
  request.plan.gpus = 512;
  request.bandwidths = {Bandwidth::gbps(400)};
  const Comparison comparison = compare(request);
  EXPECT_EQ(comparison.runs.size(), request.fabrics.size() - 1);
  ASSERT_EQ(comparison.left_out.size(), 1U);
  EXPECT_EQ(comparison.left_out[0].fabric, FabricKind::kTopoOpt);
  EXPECT_THAT(gaps(comparison, request),
              ElementsAre(HasSubstr("Left out: topoopt. fabric topoopt: servers 0 and ")));
  const auto document = nlohmann::json::parse(to_json(comparison, "mixnet 1"));
  EXPECT_EQ(document["left_out"][0]["fabric"], "topoopt");
  // The others are as they are without it.
  request.fabrics = {FabricKind::kFatTree, FabricKind::kMixNet};
  const Comparison others = compare(request);
  EXPECT_TRUE(others.left_out.empty());
  for (const ComparisonRun& run : others.runs) {
    EXPECT_EQ(run.time.total, run_of(comparison, run.fabric, 400).time.total);
  }
  request.fabrics = {FabricKind::kTopoOpt};
  EXPECT_THROW(compare(request), FabricError) << "nothing is left";
}

// A queue that holds no whole packet drops each again and again; the ideal fabric has no packets.
TEST(Compare, AFabricThatNeverEndsIsLeftOutAtThatSpeed) {
  ComparisonRequest request = domain_request();
  request.model = find_model("mixtral-8x22b");
  request.model.layers = 1;
  request.model.is_moe.resize(1);
  request.iteration.network.optical_degree = 24;
  request.plan = {};
  request.plan.gpus = 128;
  request.plan.gpus_per_server = 32;
  request.plan.tp = request.plan.ep = 8;
  request.plan.pp = 1;
  request.plan.micro_batch_size = 1;
  request.plan.global_batch_size = 16;
  request.plan.seq_length = 8;
  request.iteration.network.nics_per_server = 32;
  request.iteration.fidelity.fidelity = Fidelity::kPacket;
  request.iteration.fidelity.packets.queue_limit = {5'000};
  request.fabrics = {FabricKind::kNvl72, FabricKind::kIdeal};
  request.bandwidths = {Bandwidth{100'000'000}};
  const Comparison comparison = compare(request);
  EXPECT_EQ(comparison.runs.size(), 1U);
  ASSERT_EQ(comparison.left_out.size(), 1U);
  EXPECT_EQ(comparison.left_out[0].bandwidth, request.bandwidths[0]);
  EXPECT_THAT(comparison.left_out[0].reason, HasSubstr("never ends"));
}

TEST(Compare, SameSeedSameBytes) {
  EXPECT_EQ(to_json(compare(small_request()), "mixnet 1"),
            to_json(compare(small_request()), "mixnet 1"));
  EXPECT_EQ(to_csv(compare(small_request())), to_csv(compare(small_request())));
  ComparisonRequest other = small_request();
  other.seed = 2;
  EXPECT_NE(to_json(compare(other), "mixnet 1"), to_json(compare(small_request()), "mixnet 1"));
}

TEST(Compare, JsonHasWhatTheSchemaSays) {
  const auto document = nlohmann::json::parse(to_json(compare(small_request()), "mixnet 1"));
  EXPECT_EQ(document["schema"], "mixnet.compare/1");
  EXPECT_EQ(document["program"], "mixnet 1");
  EXPECT_EQ(document["gpu"], small_request().gpu.title);
  ASSERT_EQ(document["runs"].size(), 12u);
  for (const auto& run : document["runs"]) {
    double sum = run["compute_seconds"];
    for (const auto& part : run["exposed_seconds"]) sum += part.get<double>();
    EXPECT_NEAR(sum, run["iteration_seconds"].get<double>(), 1e-8);
    EXPECT_EQ(run["network_cost_usd"].is_null(), run["fabric"] == "ideal");
  }
}

TEST(Compare, RefusesWhatMakesNoSense) {
  const auto message = [](auto&& change) -> std::string {
    ComparisonRequest request = small_request();
    change(request);
    try {
      compare(request);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message([](auto& r) { r.fabrics.clear(); }), HasSubstr("--fabric"));
  EXPECT_THAT(message([](auto& r) { r.fabrics.push_back(FabricKind::kIdeal); }),
              HasSubstr("twice"));
  EXPECT_THAT(message([](auto& r) { r.bandwidths = {Bandwidth{0}}; }), HasSubstr("too slow"));
  EXPECT_THAT(message([](auto& r) { r.compute_scale = 0; }), HasSubstr("--compute-scale"));
  EXPECT_THAT(message([](auto& r) { r.plan.gpus = 100; }), HasSubstr("nearest possible"));
  EXPECT_THAT(message([](auto& r) { r.routing = "dinamic"; }), HasSubstr("did you mean 'dynamic'"));
}

}  // namespace
}  // namespace mixnet
