#include "compare/advice.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// One hundred servers of 100 k$ for a year.
Comparison hundred_servers() {
  Comparison comparison;
  comparison.plan.tp = 8;
  comparison.plan.dp = 100;
  comparison.plan.gpus_per_server = 8;
  comparison.years = 1;
  comparison.server.gpu = "h100";
  comparison.server.usd = 100'000;
  return comparison;
}

void add(Comparison& comparison, FabricKind fabric, std::int64_t gbps, double seconds,
         double network_usd) {
  ComparisonRun& run = comparison.runs.emplace_back();
  run.fabric = fabric;
  run.bandwidth = Bandwidth::gbps(gbps);
  run.time.total = Time::from_seconds(seconds);
  if (!has_price(fabric)) return;
  run.network_cost_usd = network_usd;
  run.cluster = ClusterCost{100 * comparison.server.usd, network_usd, 0};
  run.tokens_per_usd = 1e15 / seconds / run.cluster->total_usd();
}

TEST(Advice, CountsTheWholeClusterOverAllSpeeds) {
  Comparison comparison = hundred_servers();
  add(comparison, FabricKind::kTopoOpt, 100, 20, 0.5e6);  // most for a network dollar
  add(comparison, FabricKind::kFatTree, 100, 15, 1e6);
  add(comparison, FabricKind::kFatTree, 400, 10, 4e6);
  add(comparison, FabricKind::kIdeal, 400, 1, 0);
  const std::vector<std::string> sentences = advice(comparison);
  EXPECT_EQ(sentences[0],
            "Take fat-tree at 400 Gb/s: 7.14 M tokens per dollar of the cluster over 1 year, "
            "14.00 M$ in all, 4.00 M$ of it network.");
  // 10 (100 S + 4 M) = 15 (100 S + 1 M) where S = 50 k$.
  EXPECT_EQ(sentences[1],
            "Runner-up: fat-tree at 100 Gb/s, 15.2 % behind; it would be first if a server cost "
            "less than 50 k$ (here: 100 k$).");
  EXPECT_EQ(sentences.size(), 2);
}

TEST(Advice, CallsATieWhatTheModelsCannotTellApart) {
  Comparison comparison = hundred_servers();
  add(comparison, FabricKind::kFatTree, 400, 10, 4e6);
  add(comparison, FabricKind::kRailOptimized, 400, 10, 4e6);
  add(comparison, FabricKind::kMixNet, 400, 12.5, 2e6);
  const std::vector<std::string> sentences = advice(comparison);
  EXPECT_EQ(sentences[1],
            "A tie with it, as the models are known to be off by as much: rail-optimized at 400 "
            "Gb/s (0.0 % behind).");
  EXPECT_EQ(sentences[2], "Runner-up: rail-optimized at 400 Gb/s, 0.0 % behind: as good.");

  EXPECT_THAT(verdict(comparison).tied, ElementsAre(&comparison.runs[1]));
  comparison.runs[2].tokens_per_usd = *comparison.runs[0].tokens_per_usd * 0.98;
  EXPECT_THAT(verdict(comparison).tied, ElementsAre(&comparison.runs[1], &comparison.runs[2]));
  EXPECT_THAT(advice(comparison)[1],
              HasSubstr("Of these mixnet at 400 Gb/s has the cheapest network: 2.00 M$."));
}

TEST(Advice, NamesTheFastestAndWhatIsFarOff) {
  Comparison comparison = hundred_servers();
  add(comparison, FabricKind::kFatTree, 400, 10, 20e6);
  add(comparison, FabricKind::kTopoOpt, 400, 11, 1e6);
  const std::vector<std::string> sentences = advice(comparison);
  EXPECT_THAT(sentences[0], StartsWith("Take topoopt at 400 Gb/s"));
  EXPECT_THAT(sentences, Contains("Where only time counts: fat-tree at 400 Gb/s, 9.1 % less of "
                                  "it, 30.00 M$ in all."));
  EXPECT_THAT(sentences, Contains(HasSubstr("the model of topoopt is 28 % off")));
}

TEST(Advice, HasNothingFoolishToSay) {
  Comparison comparison = hundred_servers();
  EXPECT_THAT(advice(comparison), IsEmpty());
  add(comparison, FabricKind::kFatTree, 400, 10, 4e6);
  add(comparison, FabricKind::kIdeal, 400, 9, 0);
  EXPECT_THAT(advice(comparison), IsEmpty()) << "nothing to choose from";
  add(comparison, FabricKind::kMixNet, 400, 10, 4e6);
  comparison.plan.dp = 1;
  EXPECT_THAT(advice(comparison), ElementsAre(HasSubstr("One server needs no network")));
}

TEST(Advice, SaysWhatTheBestSettingsAndRewiringGive) {
  Comparison comparison = hundred_servers();
  comparison.plan.ep = 4;
  add(comparison, FabricKind::kFatTree, 400, 10, 4e6);
  add(comparison, FabricKind::kMixNet, 400, 14, 2e6);
  comparison.mixnet = MixNetAdvice{{}, Bandwidth::gbps(400), 0.001, Time::zero()};
  EXPECT_THAT(advice(comparison), Contains(HasSubstr("circuits that are set once do as well")));
  comparison.plan.ep = 1;  // regions of one server
  EXPECT_THAT(advice(comparison), Not(Contains(HasSubstr("anew"))));
  comparison.plan.ep = 4;
  comparison.mixnet->at_best.push_back(comparison.runs[1]);
  comparison.mixnet->at_best[0].time.total = Time::from_seconds(10.5);
  comparison.mixnet->rewiring_gain = 0.2;
  comparison.mixnet->rewiring_pays_up_to = Time::milliseconds(100);
  const std::vector<std::string> sentences = advice(comparison);
  EXPECT_THAT(sentences, Contains(HasSubstr("mixnet at 400 Gb/s would take 10.5 s, 25.0 % less")));
  EXPECT_THAT(sentences, Contains(HasSubstr("up to 20.0 %; it pays (1 % or more) until switch and "
                                            "NICs take about 100 ms together")));
}

// Where two curves cross: the price at which what a dollar buys is the same, by trying.
TEST(Advice, EvenServerPriceIsWhereTheOrderTurns) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> seconds(5, 20), usd(1e6, 20e6);
  int found = 0;
  for (int i = 0; i < 200; ++i) {
    Comparison comparison = hundred_servers();
    add(comparison, FabricKind::kFatTree, 400, seconds(random), usd(random));
    add(comparison, FabricKind::kMixNet, 400, seconds(random), usd(random));
    const ComparisonRun& a = comparison.runs[0];
    const ComparisonRun& b = comparison.runs[1];
    const auto first_is_better = [&](double server_usd) {
      const auto buys = [&](const ComparisonRun& run) {
        return 1 / (run.time.total.to_seconds() * (100 * server_usd + *run.network_cost_usd));
      };
      return buys(a) > buys(b);
    };
    const std::optional<double> even = even_server_price(a, b, comparison);
    if (even) {
      EXPECT_NE(first_is_better(*even * 0.99), first_is_better(*even * 1.01));
      ++found;
    } else {
      EXPECT_EQ(first_is_better(0), first_is_better(1e12));
    }
  }
  EXPECT_GT(found, 50);
}

// The first that is named is the best of the column that is printed, whatever is compared.
TEST(Advice, IsTheBestOfThePrintedColumnInRandomComparisons) {
  std::mt19937 random(2);
  const auto one_of = [&]<typename T>(std::initializer_list<T> list) {
    return *(list.begin() + random() % list.size());
  };
  for (int i = 0; i < 200; ++i) {
    ComparisonRequest request;
    request.model = find_model(one_of({"mixtral-8x7b", "mixtral-8x22b", "llama-moe", "qwen-moe"}));
    request.model.layers = 2;
    request.model.is_moe.assign(2, true);
    request.gpu = find_gpu(one_of({"a100", "h100", "b200"}));
    request.plan.gpus = one_of({64, 128, 256});
    request.plan.tp = one_of({1, 2, 4});
    request.plan.pp = one_of({1, 2});
    request.plan.ep = one_of({4, 8});
    request.plan.micro_batch_size = 1;
    request.plan.global_batch_size = 256;
    request.plan.seq_length = one_of({512, 4096});
    request.fabrics.assign(default_fabrics().begin(), default_fabrics().end());
    std::shuffle(request.fabrics.begin(), request.fabrics.end(), random);
    request.fabrics.resize(2 + random() % 5);
    request.bandwidths = {Bandwidth::gbps(100)};
    if (random() % 2 == 0) request.bandwidths.push_back(Bandwidth::gbps(400));
    request.prices = PriceList::load();
    request.tiers = 0;
    request.running.years = one_of({1, 4});
    request.iteration.fidelity.threads = 1;
    if (random() % 2 == 0) best_settings(request.iteration);
    const Comparison comparison = compare(request);
    const std::vector<std::string> sentences = advice(comparison);
    const ComparisonRun* best = nullptr;
    int priced = 0;
    for (const ComparisonRun& run : comparison.runs) {
      if (!run.tokens_per_usd) continue;
      ++priced;
      if (best == nullptr || *run.tokens_per_usd > *best->tokens_per_usd) best = &run;
    }
    if (priced < 2) {
      EXPECT_THAT(sentences, IsEmpty());
      continue;
    }
    EXPECT_THAT(sentences[0], StartsWith("Take " + std::string(to_string(best->fabric)) + " at " +
                                         to_string(best->bandwidth)));
  }
}

TEST(Caveats, NameWhatIsLeftOut) {
  Comparison comparison = hundred_servers();
  ComparisonRequest request;
  request.fabrics = {FabricKind::kTopoOpt, FabricKind::kMixNet};
  EXPECT_THAT(caveats(comparison, request), ElementsAre(HasSubstr("another plan")));
  comparison.memory.worst.use.activations = 90'000'000'000;
  comparison.memory.usable_bytes = 77'000'000'000;
  EXPECT_THAT(caveats(comparison, request), Not(Contains(HasSubstr("does not fit"))))
      << "nobody looks";
  request.memory.looked_at = true;
  EXPECT_THAT(caveats(comparison, request), Contains(HasSubstr("does not fit")));
  comparison.failures = {"nic:0.0"};
  EXPECT_THAT(caveats(comparison, request), Contains(HasSubstr("Spare servers")));
  comparison.plan.dp = 1009;
  EXPECT_THAT(caveats(comparison, request),
              Contains(HasSubstr("flat patch panel for 1,009 servers")));
  comparison.plan.ep = 128;
  EXPECT_THAT(caveats(comparison, request),
              Contains(HasSubstr("region of 128 servers needs 768 ports")));
  request.fabrics = {FabricKind::kFatTree};
  EXPECT_THAT(caveats(comparison, request),
              Not(Contains(AnyOf(HasSubstr("panel"), HasSubstr("region")))));
}

}  // namespace
}  // namespace mixnet
