#include "compare/prediction_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

PredictionRequest request(const std::string& routing, int layers, int ep = 8, int experts = 8) {
  PredictionRequest made;
  made.routing = routing;
  made.shape = {.ep = ep, .experts = experts, .top_k = 2, .layers = layers, .tokens = 32'768};
  made.token_bytes = Bytes{8192};
  return made;
}

const PredictorScore& of(const PredictionReport& report, std::string_view name) {
  for (const PredictorScore& score : report.predictors) {
    if (score.name == name) return score;
  }
  throw std::runtime_error(std::string(name));
}

void expect_oracle_is_perfect(const PredictionReport& report) {
  const PredictorScore& oracle = of(report, "oracle");
  EXPECT_THAT(oracle.accuracy, testing::Each(1.0));
  EXPECT_EQ(oracle.load_error, 0);
  EXPECT_EQ(oracle.regret, 0);
}

TEST(TopAccuracy, CountsTiesInPart) {
  const std::vector<double> real = {0.4, 0.3, 0.2, 0.1};
  EXPECT_EQ(top_accuracy(real, real, 2), 1);
  EXPECT_EQ(top_accuracy(std::vector<double>{0.1, 0.2, 0.3, 0.4}, real, 2), 0);
  EXPECT_EQ(top_accuracy(std::vector<double>{0.1, 0.4, 0.3, 0.2}, real, 2), 0.5);
  // Guessed equal: any two of four, so half of them.
  EXPECT_EQ(top_accuracy(std::vector<double>(4, 0.25), real, 2), 0.5);
  EXPECT_EQ(top_accuracy(std::vector<double>(4, 0.25), real, 1), 0.25);
  // One sure and right, one place for three of which one is right.
  EXPECT_DOUBLE_EQ(top_accuracy(std::vector<double>{0.4, 0.2, 0.2, 0.2}, real, 2), 2.0 / 3);
  // Really equal: either is right.
  const std::vector<double> level = {0.4, 0.25, 0.25, 0.1};
  EXPECT_EQ(top_accuracy(std::vector<double>{0.5, 0, 0.5, 0}, level, 2), 1);
  EXPECT_EQ(top_accuracy(std::vector<double>{0.5, 0.5, 0, 0}, level, 2), 1);
  EXPECT_EQ(top_accuracy(real, real, 9), 1);  // no more than there are
}

const char* const kBaselines[] = {"uniform", "previous layer", "previous iteration", "published"};

// Published beats uniform and previous layer on top-2 accuracy, with less than half of previous
// layer's regret.
void expect_published_learns(const PredictionReport& report) {
  const PredictorScore& layer = of(report, "previous layer");
  const PredictorScore& published = of(report, "published");
  EXPECT_GT(published.accuracy[1], of(report, "uniform").accuracy[1] + 0.15);
  EXPECT_GT(published.accuracy[1], layer.accuracy[1] + 0.15);
  EXPECT_LE(published.regret, layer.regret / 2);
}

// In no score is ours behind the best baseline.
void expect_ours_is_best(const PredictionReport& report) {
  const PredictorScore& copilot = of(report, "copilot");
  for (const char* name : kBaselines) {
    const PredictorScore& other = of(report, name);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_GE(copilot.accuracy[k], other.accuracy[k]) << name;
    EXPECT_LE(copilot.load_error, other.load_error + 1e-9) << name;
    EXPECT_LE(copilot.regret, other.regret + 1e-6) << name;
  }
}

TEST(PredictionStudy, LearnsGeneratedRouting) {
  struct Case {
    std::uint64_t seed;
    int ep, experts;
  };
  for (const auto& [seed, ep, experts] :
       {Case{1, 8, 8}, Case{9, 8, 8}, Case{1, 16, 16}, Case{9, 16, 16}, Case{9, 32, 64}}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", EP " << ep);
    PredictionRequest asked = request("dynamic", 5, ep, experts);
    asked.seed = seed;
    const PredictionReport report = study_prediction(asked);
    EXPECT_EQ(report.iterations, 200);
    EXPECT_EQ(report.warm_up, 20);
    EXPECT_EQ(report.gates_scored, 180 * 4);
    expect_oracle_is_perfect(report);
    expect_published_learns(report);
    expect_ours_is_best(report);
    const PredictorScore& copilot = of(report, "copilot");
    for (const char* name : kBaselines) {
      EXPECT_GT(copilot.accuracy[1], of(report, name).accuracy[1] + 0.05) << name;
      EXPECT_LT(copilot.load_error, 0.75 * of(report, name).load_error) << name;
      EXPECT_LT(copilot.regret, 0.7 * of(report, name).regret) << name;
    }
    EXPECT_NEAR(of(report, "uniform").accuracy[1], 2.0 / experts, 1e-3);  // real loads may tie
  }
}

// Circuits first, by an allocator that does not see the EPS: with 8 servers it makes less of any
// forecast than of none, which the hedge finds out; with 16 it does not.
TEST(PredictionStudy, IsBestOnGreedyCircuits) {
  for (const int ep : {8, 16}) {
    for (const std::uint64_t seed : {1, 9}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", EP " << ep);
      PredictionRequest asked = request("dynamic", 5, ep, ep);
      asked.seed = seed;
      asked.allocator = AllocatorKind::kGreedy;
      expect_ours_is_best(study_prediction(asked));
    }
  }
}

// A gate token by token: fitted on the first half of the windows, scored on the other.
void expect_trace_is_learnt(const std::string& file) {
  for (const int tokens : {8, 12, 16, 24, 32}) {
    SCOPED_TRACE(testing::Message() << tokens << " tokens");
    PredictionRequest asked = request("trace:" + file, 32);
    asked.trace_window = tokens;
    const PredictionReport report = study_prediction(asked);
    if (tokens == 16) {
      EXPECT_EQ(report.iterations, 20);
      EXPECT_EQ(report.warm_up, 10);
      EXPECT_EQ(report.gates_scored, 310);
    }
    expect_oracle_is_perfect(report);
    expect_published_learns(report);
    expect_ours_is_best(report);
    for (const char* name : kBaselines) {
      EXPECT_LT(of(report, "copilot").load_error, 0.95 * of(report, name).load_error) << name;
    }
  }
}

TEST(PredictionStudy, LearnsAMadeUpTrace) {
  expect_trace_is_learnt(
      (data_directory().parent_path() / "tests" / "data" / "routing_recording.csv").string());
}

TEST(PredictionStudy, LearnsTheRealTrace) {
  const std::string file = MIXNET_SHARED_DATA_DIR "/routing_mixtral_8x7b_humaneval.csv";
  if (std::filesystem::exists(file)) expect_trace_is_learnt(file);
}

// The same matrix every time: ours is as good as the oracle, and so is yesterday.
TEST(PredictionStudy, RepeatsFixedRouting) {
  for (const char* routing : {"measured", "uniform"}) {
    PredictionRequest asked = request(routing, 3);
    asked.iterations = 20;
    const PredictionReport report = study_prediction(asked);
    expect_oracle_is_perfect(report);
    for (const char* name : {"previous iteration", "copilot"}) {
      EXPECT_THAT(of(report, name).accuracy, testing::Each(1.0)) << routing;
      EXPECT_LT(of(report, name).load_error, 1e-9) << routing;
      EXPECT_LT(of(report, name).regret, 1e-6) << routing;
    }
  }
}

TEST(PredictionStudy, SameInputSameResult) {
  PredictionRequest asked = request("dynamic", 3);
  asked.iterations = 12;
  const PredictionReport a = study_prediction(asked);
  const PredictionReport b = study_prediction(asked);
  EXPECT_EQ(a.warm_up, 3);
  for (std::size_t i = 0; i < a.predictors.size(); ++i) {
    EXPECT_EQ(a.predictors[i].load_error, b.predictors[i].load_error);
    EXPECT_EQ(a.predictors[i].all_to_all, b.predictors[i].all_to_all);
  }
}

class TraceFile {
 public:
  explicit TraceFile(const std::string& rows)
      : path_(testing::TempDir() + "prediction_study_trace.csv") {
    std::ofstream(path_) << "sequence,token,layer,expert0\n" << rows;
  }
  ~TraceFile() { std::filesystem::remove(path_); }
  std::string spec() const { return "trace:" + path_; }

 private:
  std::string path_;
};

// Two sequences of five and four tokens make two windows of two each; the fifth token is left out.
// In a window all tokens go where the iteration's parity says, so "previous iteration" is always
// wrong; in every sequence anew.
TEST(PredictionStudy, CutsTracesIntoWindows) {
  std::string rows;
  for (const auto& [sequence, tokens] : {std::pair{3, 5}, std::pair{7, 4}}) {
    for (int token = 0; token < tokens; ++token) {
      for (int layer = 0; layer < 2; ++layer) {
        rows += std::to_string(sequence) + "," + std::to_string(10 + token) + "," +
                std::to_string(layer) + "," + std::to_string((token / 2) % 2) + "\n";
      }
    }
  }
  const TraceFile file(rows);
  PredictionRequest asked = request(file.spec(), 2, 2, 2);
  asked.shape.top_k = 1;
  asked.trace_window = 2;
  asked.warm_up = 1;
  const PredictionReport report = study_prediction(asked);
  EXPECT_EQ(report.iterations, 4);
  EXPECT_EQ(report.gates_scored, 3);
  EXPECT_EQ(of(report, "previous layer").load_error, 0);
  EXPECT_EQ(of(report, "previous iteration").load_error, 1);
  EXPECT_EQ(of(report, "uniform").load_error, 0.5);

  asked.trace_window = 5;
  EXPECT_THROW(study_prediction(asked), Error);  // one window
}

TEST(PredictionStudy, RefusesWhatCannotBeScored) {
  EXPECT_THROW(study_prediction(request("dynamic", 1)), Error);
  EXPECT_THROW(study_prediction(request("dinamic", 2)), Error);
  EXPECT_THROW(study_prediction(request("dynamic", 2, 3)), Error);
  PredictionRequest asked = request("dynamic", 2);
  asked.iterations = 5;
  for (const int warm_up : {0, 5, -1}) {
    asked.warm_up = warm_up;
    EXPECT_THROW(study_prediction(asked), Error) << warm_up;
  }
}

}  // namespace
}  // namespace mixnet
