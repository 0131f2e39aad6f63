#include "compare/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text_file.h"
#include "compare/advice.h"
#include "compare/comparison.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

ValidationRequest request_for(std::string_view csv) {
  ValidationRequest request;
  request.published = parse_published(csv, "times.csv");
  request.fit = request.published;
  request.gpu = find_gpu("h100");
  request.iteration = published_settings();
  return request;
}

std::string message_of(std::string_view csv) {
  try {
    validate(request_for(csv));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParsePublished, ReadsFabricsByColumn) {
  const auto times = parse_published(
      "# source\nmodel,bandwidth_gbps,fat_tree,mixnet\nqwen-moe,100,5.1,6.2\nqwen-moe,200,2.9,\n",
      "times.csv");
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(times[1].fabric, FabricKind::kMixNet);
  EXPECT_EQ(times[1].bandwidth, Bandwidth::gbps(100));
  EXPECT_DOUBLE_EQ(times[1].time, 6.2);
}

TEST(ParsePublished, NamesWhatIsWrong) {
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_treee\nqwen-moe,100,1\n"),
              HasSubstr("did you mean 'fat-tree'"));
  EXPECT_THAT(message_of("model,fat_tree\nqwen-moe,1\n"), HasSubstr("no column 'bandwidth_gbps'"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,nvl72\nqwen-moe,100,1\n"),
              HasSubstr("'nvl72' is made of domains"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,100,zero\n"),
              HasSubstr("times.csv:2"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,100,0\n"),
              HasSubstr("not a time"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,100,1e300\n"),
              HasSubstr("not a time"));
  EXPECT_THAT(
      message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,100,1\nqwen-moe,400,1\nqwen-moe,100,2\n"),
      HasSubstr("times.csv:4 (column 'fat_tree'): 'qwen-moe' at 100 Gb/s was given before"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,0,1\n"), HasSubstr("too small"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-moe,100,1\n"),
              HasSubstr("two are needed"));
  EXPECT_THAT(message_of("model,bandwidth_gbps,fat_tree\nqwen-mo,100,1\nqwen-mo,200,1\n"),
              HasSubstr("did you mean 'qwen-moe'"));
}

TEST(Validate, RecoversTheScaleAndUnitOfASeriesOfItsOwn) {
  // A series made by the simulator itself at compute scale 1.7 and 3 seconds a unit.
  const Model model = find_model("mixtral-8x7b");
  PlanRequest plan_request;
  const ParallelPlan plan = make_plan(model, plan_request);
  const FabricKind fabrics[] = {FabricKind::kFatTree, FabricKind::kMixNet};
  const TrainingJob job(model, plan, find_gpu("h100"),
                        RoutingSource::make("measured", routing_shape(model, plan), 0), fabrics,
                        published_settings());
  ValidationRequest request;
  for (const std::int64_t gbps : {100, 200, 800}) {
    for (const FabricKind fabric : fabrics) {
      const Time time = job.simulate(fabric, Bandwidth::gbps(gbps), 1.7).total;
      request.published.push_back(
          {"mixtral-8x7b", Bandwidth::gbps(gbps), fabric, time.to_seconds() / 3});
    }
  }
  request.fit = request.published;
  request.gpu = find_gpu("h100");
  request.iteration = published_settings();
  const Validation validation = validate(request);
  ASSERT_EQ(validation.fits.size(), 1u);
  EXPECT_NEAR(validation.fits[0].compute_scale, 1.7, 1e-4);
  EXPECT_NEAR(validation.fits[0].seconds_per_unit, 3, 1e-3);
  for (const ValidationRow& row : validation.rows) EXPECT_NEAR(row.error(), 0, 1e-4);
}

TEST(Validate, MeetsThePublishedMixNetSeries) {
  const std::string path = (data_directory() / "published" / "iteration_time.csv").string();
  const Validation validation = validate(request_for(read_text_file(path)));
  for (const FabricError& fabric : validation.fabrics) {
    if (fabric.fabric == FabricKind::kFatTree) {
      EXPECT_LT(fabric.worst, 1e-4);
    } else {
      EXPECT_NEAR(known_error(fabric.fabric), fabric.median, 1e-3)
          << "the advice (advice.cc) should know of it: " << to_string(fabric.fabric);
    }
    if (fabric.fabric != FabricKind::kMixNet) continue;
    EXPECT_EQ(fabric.cases, 8u);
    EXPECT_LE(fabric.median, 0.05);
    EXPECT_LE(fabric.worst, 0.12);
  }
}

TEST(Validate, MedianAndWorstAreOfAbsoluteErrors) {
  const Validation validation =
      validate(request_for("model,bandwidth_gbps,fat_tree,mixnet\n"
                           "mixtral-8x7b,100,1.2,1.2\nmixtral-8x7b,400,1.0,1.0\n"));
  ASSERT_EQ(validation.fabrics.size(), 2u);
  std::vector<double> errors;
  for (const ValidationRow& row : validation.rows) {
    if (row.published.fabric == FabricKind::kMixNet) errors.push_back(std::abs(row.error()));
  }
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_DOUBLE_EQ(validation.fabrics[1].median, (errors[0] + errors[1]) / 2);
  EXPECT_DOUBLE_EQ(validation.fabrics[1].worst, std::max(errors[0], errors[1]));
}

}  // namespace
}  // namespace mixnet
