#include "moe/routing_trace.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/csv.h"
#include "base/error.h"
#include "base/random.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two layers, four experts; sequence 7 has two tokens, sequence 9 one, whose row of layer 1 is
// missing.
constexpr const char* kSmall =
    "sequence,token,layer,expert0,expert1\n"
    "7,0,0,0,1\n7,1,0,0,2\n"
    "7,0,1,3,1\n7,1,1,3,2\n"
    "9,0,0,2,3\n";

TEST(RoutingTrace, CountsWhatItReads) {
  const RoutingTrace trace = RoutingTrace::parse(kSmall, "t.csv");
  EXPECT_EQ(trace.sequences(), 2);
  EXPECT_EQ(trace.layers(), 2);
  EXPECT_EQ(trace.experts(), 4);
  EXPECT_EQ(trace.top_k(), 2);
  EXPECT_EQ(trace.rows(), 5);
  EXPECT_EQ(trace.missing_rows(), 1);
  EXPECT_EQ(trace.choices(0, 0, 0), 2);
  EXPECT_EQ(trace.choices(1, 0, 3), 1);
  // Sequence 9 counts with the other rows of layer 1.
  EXPECT_EQ(trace.choices(1, 1, 3), 2);
}

TEST(RoutingTrace, ReplaysASequenceScaledToTheTokens) {
  const RoutingTrace trace = RoutingTrace::parse(kSmall, "t.csv");
  const RoutingShape shape{.ep = 2, .experts = 4, .top_k = 2, .layers = 3, .tokens = 100};
  TokenCounts counts(2, 4);
  std::set<int> seen;
  for (int iteration = 0; iteration < 20; ++iteration) {
    for (int layer = 0; layer < 3; ++layer) {
      const RoutingPlace place{.iteration = iteration, .layer = layer};
      trace.replay(place, shape, 1, counts);
      for (int rank = 0; rank < 2; ++rank) {
        const int sequence = trace.sequence_of(place, rank, 2, 1);
        seen.insert(sequence);
        if (layer == 1) {
          EXPECT_THAT(counts.row(rank), ElementsAre(0, 50, 50, 100));
        }
        // Layer 2 of the model is layer 0 of the trace again.
        if (layer != 1 && sequence == 0) {
          EXPECT_THAT(counts.row(rank), ElementsAre(100, 50, 50, 0));
        }
        if (layer != 1 && sequence == 1) {
          EXPECT_THAT(counts.row(rank), ElementsAre(0, 0, 100, 100));
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(RoutingTrace, IsOfOneModel) {
  const RoutingTrace trace = RoutingTrace::parse(kSmall, "t.csv");
  trace.check_model(4, 2);
  const auto refused = [&](int experts, int top_k) {
    try {
      trace.check_model(experts, top_k);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  for (const int experts : {2, 6, 8}) {
    EXPECT_THAT(refused(experts, 2), HasSubstr("t.csv: has 4 experts (its highest id plus one)"));
  }
  EXPECT_THAT(refused(4, 1), HasSubstr("has 2 choices a token, and the model is top-1"));
}

TEST(RoutingTrace, FewTokensAreSaid) {
  std::string text = "sequence,token,layer,expert0\n";
  for (int token = 0; token < 16; ++token) {
    EXPECT_EQ(token == 0 || RoutingTrace::parse(text, "t.csv").is_thin(), true) << token;
    text += fmt::format("0,{},0,{}\n", token, token % 2);
  }
  EXPECT_FALSE(RoutingTrace::parse(text, "t.csv").is_thin()) << "8 choices for each of 2 experts";
}

TEST(RoutingTrace, FollowsALongTraceInTime) {
  std::string text = "sequence,token,layer,expert0\n";
  for (int s = 0; s < 100; ++s) text += std::to_string(s) + ",0,0," + std::to_string(s % 4) + "\n";
  const RoutingTrace trace = RoutingTrace::parse(text, "t.csv");
  std::vector<int> offsets(4);
  for (int iteration = 0; iteration < 1000; ++iteration) {
    const int ahead =
        (trace.sequence_of({.iteration = iteration}, 2, 4, 5) - iteration % 100 + 100) % 100;
    ASSERT_LT(ahead, 4);
    ++offsets[ahead];
  }
  EXPECT_GT(*std::ranges::min_element(offsets), 200);
}

TEST(RoutingTrace, DoesNotMindTheOrderOfRows) {
  const RoutingTrace a = RoutingTrace::parse(kSmall, "t.csv");
  const RoutingTrace b = RoutingTrace::parse(
      "sequence,token,layer,expert0,expert1\n9,0,0,3,2\n7,1,1,3,2\n7,0,0,0,1\n7,0,1,1,3\n"
      "7,1,0,0,2\n",
      "t.csv");
  const RoutingShape shape{.ep = 4, .experts = 4, .top_k = 2, .layers = 2, .tokens = 77};
  TokenCounts of_a(4, 4);
  TokenCounts of_b(4, 4);
  for (int i = 0; i < 8; ++i) {
    a.replay({.iteration = i, .layer = i % 2, .micro_batch = i / 3}, shape, 3, of_a);
    b.replay({.iteration = i, .layer = i % 2, .micro_batch = i / 3}, shape, 3, of_b);
    EXPECT_EQ(of_a, of_b);
  }
}

struct BadTrace {
  const char* text;
  const char* message;
};

TEST(RoutingTrace, SaysWhatIsWrong) {
  const BadTrace cases[] = {
      {"", "holds no rows"},
      {"sequence,token,layer,expert0\n", "holds no rows"},
      {"sequence,token,layer\n1,2,3\n", "no routing trace by its header"},
      {"sequence,token,layer,expert1\n0,0,0,0\n", "no routing trace by its header"},
      {"token,sequence,layer,expert0\n0,0,0,0\n", "no routing trace by its header"},
      {"sequence,token,layer,expert0\n0,0,0\n", "t.csv:2: has 3 values"},
      {"sequence,token,layer,expert0\n0,0,0,x\n", "t.csv:2 (column 'expert0'): 'x' is not a whole"},
      {"sequence,token,layer,expert0\n0,-1,0,0\n", "-1 is too small"},
      {"sequence,token,layer,expert0\n0,0,0,1.5\n", "'1.5' is not a whole number"},
      {"sequence,token,layer,expert0\n0,0,99999,0\n", "99999 is too large"},
      {"sequence,token,layer,expert0\n0,0,0,20000\n", "20000 is too large"},
      {"sequence,token,layer,expert0,expert1\n0,0,0,3,3\n", "expert 3 comes twice"},
      {"sequence,token,layer,expert0\n0,4,0,3\n0,4,0,2\n", "token 4 of sequence 0 comes twice"},
      {"sequence,token,layer,expert0\n0,0,1,3\n", "has no row of layer 0"},
  };
  for (const BadTrace& bad : cases) {
    try {
      RoutingTrace::parse(bad.text, "t.csv");
      ADD_FAILURE() << "took " << bad.text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.message));
    }
  }
}

/// A recording as shared/data has one, but made up: `tokens` of two sequences, 32 layers, top-2 of
/// 8 experts, every `gap`-th row lost.
std::string recording(int tokens, int gap) {
  std::string text = "sequence,token,layer,expert0,expert1\n";
  Random random(11);
  int row = 0;
  for (int token = 0; token < tokens; ++token) {
    for (int layer = 0; layer < 32; ++layer) {
      if (++row % gap == 0) continue;
      const auto one = random.below(8);
      const auto other = (one + 1 + random.below(7)) % 8;
      text += fmt::format("{},{},{},{},{}\n", token < tokens / 3 ? 0 : 4, token, layer, one, other);
    }
  }
  return text;
}

/// Counted a second time, straight from the rows.
void check_counts(const RoutingTrace& trace, const std::string& text) {
  const CsvTable table = CsvTable::parse(text, "t.csv");
  std::map<std::vector<std::int64_t>, std::int32_t> slow;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const std::size_t column : {3, 4}) {
      const std::int64_t sequence = table.integer(row, 0) == 0 ? 0 : 1;
      ++slow[{sequence, table.integer(row, 2), table.integer(row, column)}];
    }
  }
  for (int s = 0; s < 2; ++s) {
    for (int l = 0; l < 32; ++l) {
      for (int e = 0; e < 8; ++e) EXPECT_EQ(trace.choices(s, l, e), (slow[{s, l, e}]));
    }
  }
}

TEST(RoutingTrace, ReadsARecording) {
  const std::string text = recording(338, 293);
  const RoutingTrace trace = RoutingTrace::parse(text, "t.csv");
  EXPECT_EQ(trace.sequences(), 2);
  EXPECT_EQ(trace.layers(), 32);
  EXPECT_EQ(trace.experts(), 8);
  EXPECT_EQ(trace.top_k(), 2);
  EXPECT_EQ(trace.tokens(), 338);
  EXPECT_EQ(trace.missing_rows(), 338 * 32 / 293);
  check_counts(trace, text);
}

/// The same of the real one, where it is.
TEST(RoutingTrace, ReadsTheRecordedOne) {
  const std::string path = MIXNET_SHARED_DATA_DIR "/routing_mixtral_8x7b_humaneval.csv";
  if (!std::filesystem::exists(path)) return;  // ReadsARecording is its twin
  const std::string text = read_text_file(path);
  const RoutingTrace trace = RoutingTrace::parse(text, path);
  EXPECT_EQ(trace.rows(), 10'779);
  EXPECT_EQ(trace.missing_rows(), 338 * 32 - 10'779);
  EXPECT_EQ(trace.layers(), 32);
  EXPECT_EQ(trace.experts(), 8);
  check_counts(trace, text);
}

}  // namespace
}  // namespace mixnet
