#include "training/exchange_places.h"

#include <gtest/gtest.h>

#include "moe/model_catalog.h"
#include "training/job_phases.h"

namespace mixnet {
namespace {

/// Two stages of two layers, two replicas, two micro-batches.
struct Job {
  Model model = find_model("mixtral-8x22b");
  ParallelPlan plan;

  Job() {
    model.layers = 4;
    model.is_moe.assign(4, true);
    plan.pp = 2;
    plan.ep = 8;
    plan.dp = 16;
    plan.tp = 8;
    plan.global_batch_size = 32;
  }
};

TEST(ExchangePlaces, AreInTheOrderOfTheirIndex) {
  const Job job;
  const auto list = exchange_places(job.model, job.plan, true, true);
  JobPhases phases;
  phases.varies = true;
  phases.micro_batches = phases.replicas = 2;
  phases.moe_layers = 4;
  ASSERT_EQ(list.size(), phases.places());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const RoutingPlace& at = list[i].routing;
    EXPECT_EQ(phases.place_index(at.replica, at.micro_batch, at.layer), i);
    EXPECT_EQ(list[i].first_server, job.plan.first_server(at.layer / 2, at.replica));
  }
}

TEST(ExchangePlaces, TheSwitchWasSetForTheLayerBeforeInTheStage) {
  const Job job;
  for (const ExchangePlace& place : exchange_places(job.model, job.plan, true, true)) {
    const RoutingPlace& at = place.routing;
    EXPECT_EQ(place.before.replica, at.replica);
    EXPECT_EQ(place.before.layer, at.layer ^ 1);
    const bool is_first = at.layer % 2 == 0;  // follows the stage's last of the micro-batch before
    EXPECT_EQ(place.before.micro_batch, is_first ? 1 - at.micro_batch : at.micro_batch);
  }
}

TEST(ExchangePlaces, EqualDemandsDifferByRegionAtMost) {
  const Job job;
  EXPECT_EQ(exchange_places(job.model, job.plan, false, true).size(), 1u);
  const auto regions = exchange_places(job.model, job.plan, false, false);
  ASSERT_EQ(regions.size(), 4u);
  EXPECT_EQ(regions[1].first_server, job.plan.first_server(0, 1));
  EXPECT_EQ(regions[2].first_server, job.plan.first_server(1, 0));
}

}  // namespace
}  // namespace mixnet
