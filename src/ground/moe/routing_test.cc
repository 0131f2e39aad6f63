#include "moe/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr RoutingShape kMixtral{.ep = 8, .experts = 8, .top_k = 2, .layers = 32, .tokens = 16'384};

std::string file_with(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "routing_test_" + name;
  write_text_file(path, text);
  return path;
}

TEST(RoutingSource, WhatAnExpertHasNoRoomForIsDropped) {
  TokenCounts counts;
  const RoutingSource measured = RoutingSource::make("measured", kMixtral, 1);
  // The mean is 4096 of each rank's 32768 token copies.
  measured.limited(1).counts({}, counts);
  EXPECT_THAT(counts.row(0), ElementsAre(4096, 4096, 1231, 3042, 4096, 2004, 841, 4096));
  measured.limited(1.2501).counts({}, counts);
  EXPECT_THAT(counts.row(0), ElementsAre(5121, 5121, 1231, 3042, 4452, 2004, 841, 5121));
  TokenCounts all;
  measured.counts({}, all);
  measured.limited(8).counts({}, counts);
  EXPECT_EQ(counts, all) << "the most there can be";
  EXPECT_FALSE(measured.limited(1).varies());
  for (const double factor : {0.0, -1.0, 2e6, std::nan("")}) {
    EXPECT_THROW((void)measured.limited(factor), Error);
  }
}

TEST(RoutingSource, UniformAndMeasuredStayTheSame) {
  TokenCounts counts;
  const RoutingSource uniform = RoutingSource::make("uniform", kMixtral, 1);
  uniform.counts({}, counts);
  EXPECT_THAT(counts.cells(), Each(4096));
  EXPECT_FALSE(uniform.varies());

  const RoutingSource measured = RoutingSource::make("measured", kMixtral, 1);
  measured.counts({.iteration = 3, .layer = 4}, counts);
  // 16384 tokens x top-2 is what the production matrix was measured with: it comes back as it is.
  EXPECT_THAT(counts.row(0), ElementsAre(9810, 5338, 1231, 3042, 4452, 2004, 841, 6050));
  EXPECT_THAT(counts.row(7), ElementsAre(9781, 5211, 902, 3343, 4289, 2839, 1008, 5395));
  EXPECT_FALSE(measured.varies());
  EXPECT_EQ(measured.name(), "measured");
}

TEST(RoutingSource, ReadsFiles) {
  const RoutingShape shape{.ep = 2, .experts = 4, .top_k = 2, .layers = 1, .tokens = 100};
  TokenCounts counts;
  const std::string matrix = file_with("matrix.csv", "1,1\n1,3\n");
  RoutingSource::make("matrix:" + matrix, shape, 1).counts({}, counts);
  EXPECT_THAT(counts.row(1), ElementsAre(25, 25, 75, 75));

  const std::string trace =
      file_with("trace.csv", "sequence,token,layer,expert0,expert1\n0,0,0,1,0\n0,1,0,1,3\n");
  const RoutingSource replay = RoutingSource::make("trace:" + trace, shape, 1);
  replay.counts({}, counts);
  EXPECT_THAT(counts.row(0), ElementsAre(50, 100, 0, 50));
  EXPECT_FALSE(replay.varies());
}

TEST(RoutingSource, ReplacesAMatrixOfAnotherShapeOnly) {
  const RoutingSource source = RoutingSource::make("dynamic", kMixtral, 1);
  EXPECT_TRUE(source.varies());
  TokenCounts counts(3, 5);
  source.counts({.iteration = 1}, counts);
  const std::int32_t* cells = counts.cells().data();
  for (int i = 0; i < 10; ++i) source.counts({.iteration = i}, counts);
  EXPECT_EQ(counts.cells().data(), cells);
  EXPECT_EQ(counts.rows(), 8u);
}

TEST(RoutingSource, IsTheSameFromManyThreads) {
  const RoutingSource source = RoutingSource::make("dynamic", kMixtral, 1);
  TokenCounts expected;
  source.counts({.iteration = 7, .layer = 3}, expected);
  std::vector<TokenCounts> found(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(found.size());
    for (TokenCounts& counts : found) {
      threads.emplace_back([&source, &counts] {
        for (int i = 0; i <= 7; ++i) source.counts({.iteration = i, .layer = 3}, counts);
      });
    }
  }
  EXPECT_THAT(found, Each(expected));
}

TEST(RoutingSource, SaysWhatIsWrongWithTheSpec) {
  const auto message = [](const std::string& spec) -> std::string {
    try {
      RoutingSource::make(spec, kMixtral, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "fits";
  };
  EXPECT_THAT(message("unifrom"), HasSubstr("--routing: unknown routing 'unifrom'; did you mean "
                                            "'uniform'?"));
  EXPECT_THAT(message(""), HasSubstr("unknown routing ''"));
  EXPECT_THAT(message("matrix"), HasSubstr("unknown routing 'matrix'"));
  EXPECT_THAT(message("matrix:"), HasSubstr("'matrix:' names no file"));
  EXPECT_THAT(message("trace:"), HasSubstr("'trace:' names no file"));
  EXPECT_THAT(message("trace:/nowhere.csv"), HasSubstr("/nowhere.csv: no such file"));
  EXPECT_THAT(message("matrix:" + testing::TempDir()), HasSubstr("is a folder"));
  EXPECT_THAT(message("matrix:" + file_with("three.csv", "1,1,1\n1,1,1\n1,1,1\n")),
              HasSubstr("does not divide EP 8"));
  EXPECT_THAT(message("trace:" + file_with("five.csv", "sequence,token,layer,expert0\n0,0,0,4\n")),
              HasSubstr("has 5 experts"));
}

TEST(RoutingSource, SaysWhatIsWrongWithTheShape) {
  const auto message = [](const RoutingShape& shape) -> std::string {
    try {
      RoutingSource::make("uniform", shape, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "fits";
  };
  EXPECT_THAT(message({.ep = 0}), HasSubstr("at least 1"));
  EXPECT_THAT(message({.tokens = 0}), HasSubstr("at least 1"));
  EXPECT_THAT(message({.ep = 3, .experts = 8}), HasSubstr("do not spread over EP 3"));
  EXPECT_THAT(message({.experts = 4, .top_k = 5}), HasSubstr("top-5 of 4"));
  EXPECT_THAT(message({.experts = 20'000}), HasSubstr("too many"));
  EXPECT_THAT(message({.experts = 16'384, .layers = 10'000}), HasSubstr("too many"));
  EXPECT_THAT(message({.experts = 2, .top_k = 2, .tokens = 1 << 30}), HasSubstr("overflow"));
}

}  // namespace
}  // namespace mixnet
