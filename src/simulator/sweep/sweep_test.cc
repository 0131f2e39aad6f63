#include "sweep/sweep.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Ranks that are threads of the test.
class Post {
 public:
  explicit Post(int size) : boxes_(size), dead_(size) {}

  class Member final : public Ranks {
   public:
    Member(Post& post, int rank) : post_(post), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(post_.boxes_.size()); }
    void send(int to, std::string text) override {
      const std::lock_guard lock(post_.mutex_);
      if (!post_.dead_[rank_] && !post_.dead_[to]) post_.boxes_[to].push_back({rank_, text});
    }
    std::optional<RankMessage> receive() override {
      const std::lock_guard lock(post_.mutex_);
      if (post_.boxes_[rank_].empty()) return std::nullopt;
      RankMessage message = post_.boxes_[rank_].front();
      post_.boxes_[rank_].erase(post_.boxes_[rank_].begin());
      return message;
    }
    void finish() override { ++post_.finished; }
    void leave() override { ++post_.left; }

   private:
    Post& post_;
    int rank_;
  };

  /// Neither hears nor is heard from now on.
  void kill(int rank) {
    const std::lock_guard lock(mutex_);
    dead_[rank] = true;
    boxes_[rank].clear();
  }

  std::atomic<int> finished{0};
  std::atomic<int> left{0};

 private:
  std::mutex mutex_;
  std::vector<std::vector<RankMessage>> boxes_;
  std::vector<char> dead_;
};

std::string no_group(const std::vector<std::string>& arguments) { return arguments.at(1); }

std::vector<PointOutcome> echo(const PointArguments& points, int /*threads*/) {
  std::vector<PointOutcome> outcomes;
  for (const auto& words : points) {
    outcomes.push_back({R"({"run":{"degree":")" + words.at(1) + R"("}})", ""});
  }
  return outcomes;
}

class RunSweep : public testing::Test {
 protected:
  RunSweep()
      : path_(fs::path(testing::TempDir()) /
              fmt::format("run_sweep_{}_{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(path_);
    text_ = "degree: [0";
    for (int i = 1; i < 40; ++i) text_ += fmt::format(",{}", i);
    text_ += "]\n";
    const StudyFlag flags[] = {{.names = {"degree"}}};
    plan_.emplace(parse_study(text_, "study.yaml", flags), "run");
  }
  ~RunSweep() override { fs::remove_all(path_); }

  std::unique_ptr<SweepFolder> open(const std::string& name = "a") const {
    return std::make_unique<SweepFolder>(path_ / name, *plan_, plan_->identity("mixnet 1", {}),
                                         text_, SweepFolder::Options{});
  }
  std::string rows(const std::string& name = "a") const {
    return read_text_file(path_ / name / "results.jsonl");
  }

  /// Rank 0 with `leader` and `size - 1` others with `follower`, which is told its rank.
  std::vector<int> run_ranks(
      Post& post, int size, SweepFolder& folder, const PointRunner& leader,
      const std::function<std::vector<PointOutcome>(int rank, const PointArguments&, int threads)>&
          follower,
      std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    std::vector<std::thread> others;
    for (int rank = 1; rank < size; ++rank) {
      others.emplace_back([&, rank] {
        Post::Member ranks(post, rank);
        serve_sweep([&](const PointArguments& points,
                        int threads) { return follower(rank, points, threads); },
                    {.threads = 1, .ranks = &ranks, .rank_timeout = timeout});
      });
    }
    Post::Member ranks(post, 0);
    std::vector<int> lost = run_sweep(*plan_, folder, no_group, leader,
                                      {.threads = 1, .ranks = &ranks, .rank_timeout = timeout});
    for (std::thread& other : others) other.join();
    return lost;
  }

  fs::path path_;
  std::string text_;
  std::optional<SweepPlan> plan_;
};

TEST_F(RunSweep, AnInterruptedSweepKeepsWhatIsFinishedAndGoesOn) {
  auto folder = open();
  run_sweep(*plan_, *folder, no_group, echo,
            {.threads = 1, .interrupted = [&] { return folder->finished() >= 5; }});
  const std::size_t finished = folder->finished();
  EXPECT_GE(finished, 5U);
  EXPECT_LT(finished, plan_->points());
  EXPECT_FALSE(fs::exists(path_ / "a" / "results.csv"));
  folder.reset();
  folder = open();
  EXPECT_EQ(folder->finished(), finished);
  run_sweep(*plan_, *folder, no_group, echo, {.threads = 1});
  EXPECT_EQ(folder->finished(), plan_->points());
  EXPECT_TRUE(fs::exists(path_ / "a" / "results.csv"));
}

TEST_F(RunSweep, WhatAnInterruptedPointGaveIsNoRow) {
  std::atomic<int> started = 0;
  const auto gives_up = [&](const PointArguments& points, int threads) {
    return ++started < 5 ? echo(points, threads) : std::vector<PointOutcome>();
  };
  auto folder = open();
  run_sweep(*plan_, *folder, no_group, gives_up,
            {.threads = 1, .interrupted = [&] { return started >= 5; }});
  EXPECT_THAT(folder->failures(), IsEmpty());
  EXPECT_LT(folder->finished(), 5U);
}

TEST_F(RunSweep, RowsDoNotDependOnThreads) {
  EXPECT_THAT(run_sweep(*plan_, *open("a"), no_group, echo, {.threads = 1}), IsEmpty());
  EXPECT_THAT(run_sweep(*plan_, *open("b"), no_group, echo, {.threads = 4}), IsEmpty());
  EXPECT_EQ(rows("a"), rows("b"));
  EXPECT_EQ(read_text_file(path_ / "a" / "results.csv"),
            read_text_file(path_ / "b" / "results.csv"));
}

TEST_F(RunSweep, RunsOnlyWhatIsNotFinished) {
  run_sweep(*plan_, *open("a"), no_group, echo, {});
  {
    const auto folder = open("b");
    std::vector<std::pair<std::size_t, PointOutcome>> some;
    for (std::size_t point = 0; point < 40; point += 3) {
      some.emplace_back(point, echo({plan_->arguments(point)}, 1)[0]);
    }
    folder->append(some);
  }
  std::set<std::string> ran;
  std::mutex mutex;
  run_sweep(*plan_, *open("b"), no_group,
            [&](const PointArguments& points, int threads) {
              const std::lock_guard lock(mutex);
              for (const auto& words : points) EXPECT_TRUE(ran.insert(words.at(1)).second);
              return echo(points, threads);
            },
            {.threads = 2});
  EXPECT_EQ(ran.size(), 26u);
  EXPECT_EQ(ran.count("3"), 0u);
  EXPECT_EQ(rows("a"), rows("b"));
}

TEST_F(RunSweep, PointsOfAGroupAreOneBatch) {
  std::mutex mutex;
  std::vector<std::size_t> sizes;
  const auto tens = [](const std::vector<std::string>& words) {
    return std::to_string(std::stoi(words.at(1)) / 10);
  };
  run_sweep(*plan_, *open(), tens,
            [&](const PointArguments& points, int threads) {
              const std::lock_guard lock(mutex);
              sizes.push_back(points.size());
              return echo(points, threads);
            },
            {});
  EXPECT_THAT(sizes, ElementsAre(10, 10, 10, 10));
}

TEST_F(RunSweep, FewBatchesUseTheThreadsThemselves) {
  std::atomic<int> sum{0};
  const auto halves = [](const std::vector<std::string>& words) {
    return std::string(std::stoi(words.at(1)) < 20 ? "low" : "high");
  };
  run_sweep(*plan_, *open(), halves,
            [&](const PointArguments& points, int threads) {
              sum += threads;
              return echo(points, threads);
            },
            {.threads = 8});
  EXPECT_EQ(sum, 4 + 4);
}

TEST_F(RunSweep, FailuresAreRowsAndTheRestGoesOn) {
  const auto folder = open();
  run_sweep(*plan_, *folder, no_group,
            [](const PointArguments& points, int threads) {
              if (points[0][1] == "7") throw Error("7", "is unlucky");
              return echo(points, threads);
            },
            {.threads = 2});
  ASSERT_EQ(folder->failures().size(), 1u);
  EXPECT_EQ(folder->failures()[0].point, 7u);
  EXPECT_EQ(folder->failures()[0].error, "7: is unlucky");
}

TEST_F(RunSweep, RanksShareTheWorkAndGiveTheSameRows) {
  run_sweep(*plan_, *open("a"), no_group, echo, {});
  Post post(4);
  std::array<std::atomic<int>, 4> ran{};
  const auto counted = [&](int rank, const PointArguments& points, int threads) {
    ++ran[rank];
    // The leader is the slowest, so the others have a share whatever the machine does.
    std::this_thread::sleep_for(std::chrono::milliseconds(rank == 0 ? 50 : 5));
    return echo(points, threads);
  };
  const auto leader = [&](const PointArguments& points, int threads) {
    return counted(0, points, threads);
  };
  EXPECT_THAT(run_ranks(post, 4, *open("b"), leader, counted), IsEmpty());
  EXPECT_EQ(rows("a"), rows("b"));
  EXPECT_EQ(ran[0] + ran[1] + ran[2] + ran[3], 40);
  EXPECT_GT(ran[1] + ran[2] + ran[3], 0);
  EXPECT_EQ(post.finished, 4);
  EXPECT_EQ(post.left, 0);
}

TEST_F(RunSweep, ADeadRanksBatchesGoToOthers) {
  run_sweep(*plan_, *open("a"), no_group, echo, {});
  Post post(3);
  std::atomic<bool> died{false};
  // The leader takes its time until rank 2 has taken a batch with it.
  const auto leader = [&](const PointArguments& points, int threads) {
    while (!died) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return echo(points, threads);
  };
  const auto follower = [&](int rank, const PointArguments& points, int threads) {
    if (rank == 2) {
      post.kill(2);
      died = true;
    }
    return echo(points, threads);
  };
  EXPECT_THAT(run_ranks(post, 3, *open("b"), leader, follower, std::chrono::milliseconds(2000)),
              ElementsAre(2));
  EXPECT_EQ(rows("a"), rows("b"));
  EXPECT_EQ(post.finished, 0) << "nobody may wait for the dead";
  EXPECT_EQ(post.left, 3);
}

TEST_F(RunSweep, ABatchThatKillsItsRanksHasFailed) {
  Post post(3);
  std::atomic<int> deaths{0};
  const auto follower = [&](int rank, const PointArguments& points, int threads) {
    if (points[0][1] == "5") {
      post.kill(rank);
      ++deaths;
    }
    return echo(points, threads);
  };
  // The leader sits on the first batches that it was given until both others are dead.
  const auto leader = [&](const PointArguments& points, int threads) {
    EXPECT_NE(points[0][1], "5");
    while (deaths < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return echo(points, threads);
  };
  const auto folder = open();
  EXPECT_THAT(run_ranks(post, 3, *folder, leader, follower, std::chrono::milliseconds(2000)),
              ElementsAre(1, 2));
  ASSERT_EQ(folder->failures().size(), 1u);
  EXPECT_EQ(folder->failures()[0].point, 5u);
  EXPECT_THAT(folder->failures()[0].error, HasSubstr("died"));
  EXPECT_EQ(folder->finished(), 40u);
}

TEST_F(RunSweep, OthersLeaveWhenRankZeroIsGone) {
  Post post(2);
  Post::Member ranks(post, 1);
  serve_sweep(echo,
              {.threads = 1, .ranks = &ranks, .rank_timeout = std::chrono::milliseconds(200)});
  EXPECT_EQ(post.left, 1);
}

TEST_F(RunSweep, AFullDiskEndsItAndItGoesOnWhenThereIsRoom) {
  FakeEnv env;
  const auto open_on = [&] {
    return std::make_unique<SweepFolder>("out", *plan_, plan_->identity("mixnet 1", {}), text_,
                                         SweepFolder::Options{.env = &env});
  };
  auto folder = open_on();
  env.limit_space(4000);  // the study, its identity and some of the rows
  std::string said;
  try {
    run_sweep(*plan_, *folder, no_group, echo, {.threads = 2, .env = &env});
  } catch (const Error& error) {
    said = error.what();
  }
  EXPECT_THAT(said, HasSubstr("out/results.jsonl: cannot be written (No space left on device)"));
  EXPECT_THAT(said, HasSubstr("start the sweep again to go on"));
  const std::size_t finished = folder->finished();
  EXPECT_GT(finished, 0u);
  EXPECT_LT(finished, plan_->points());
  const std::string kept = env.content("out/results.jsonl").value();
  EXPECT_EQ(whole_rows(kept), kept);
  EXPECT_EQ(std::ranges::count(kept, '\n'), static_cast<std::ptrdiff_t>(finished));
  EXPECT_EQ(env.content("out/results.csv"), std::nullopt);
  folder.reset();
  env.limit_space(1 << 20);
  folder = open_on();
  EXPECT_EQ(folder->finished(), finished);
  run_sweep(*plan_, *folder, no_group, echo, {.threads = 2, .env = &env});
  run_sweep(*plan_, *open("a"), no_group, echo, {.threads = 1});
  EXPECT_EQ(env.content("out/results.jsonl"), rows("a"));
}

TEST_F(RunSweep, ShowsHowFarItIs) {
  FakeEnv env;
  env.put_terminal(Env::Stream::kError, 80);
  const auto slow = [&](const PointArguments& points, int threads) {
    env.advance(std::chrono::seconds(1));
    return echo(points, threads);
  };
  run_sweep(*plan_, *open(), no_group, slow, {.threads = 1, .env = &env});
  const std::string printed = env.take_printed(Env::Stream::kError);
  EXPECT_THAT(printed, HasSubstr("\r\033[Ksweep ["));
  EXPECT_TRUE(printed.ends_with("\r\033[K")) << "wiped in the end";
}

TEST_F(RunSweep, ARankIsGivenUpByTheClockOfTheSweep) {
  FakeEnv env;
  Post post(2);
  Post::Member silent(post, 1);
  silent.send(0, R"({"kind":"ready","threads":1})");  // and then nothing
  Post::Member ranks(post, 0);
  const auto folder = open();
  const auto slow = [&](const PointArguments& points, int threads) {
    env.advance(std::chrono::seconds(10));
    return echo(points, threads);
  };
  const std::vector<int> lost = run_sweep(
      *plan_, *folder, no_group, slow,
      {.threads = 1, .ranks = &ranks, .rank_timeout = std::chrono::seconds(60), .env = &env});
  EXPECT_THAT(lost, ElementsAre(1));
  EXPECT_EQ(folder->finished(), plan_->points());
}

TEST_F(RunSweep, RanksAreLetGoWhenThereIsNothingToRun) {
  Post post(2);
  std::thread other([&] {
    Post::Member ranks(post, 1);
    serve_sweep(echo, {.threads = 1, .ranks = &ranks});
  });
  Post::Member ranks(post, 0);
  dismiss_ranks(ranks);
  other.join();
  EXPECT_EQ(post.finished, 2);
}

}  // namespace
}  // namespace mixnet
