#include "training/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <tuple>

#include "base/random.h"

namespace mixnet {
namespace {

constexpr PipelineSchedule kSchedules[] = {PipelineSchedule::k1F1B, PipelineSchedule::kEager1F1B};

PipelineTimes equal_times(int stages, int micro_batches, Time forward, Time backward,
                          Time send = Time::zero()) {
  PipelineTimes times;
  times.forward = Matrix<Time>(stages, micro_batches, forward);
  times.backward = Matrix<Time>(stages, micro_batches, backward);
  times.send_forward.assign(stages - 1, send);
  times.send_backward = times.send_forward;
  return times;
}

PipelineTimes random_times(int stages, int micro_batches, Random& random) {
  PipelineTimes times = equal_times(stages, micro_batches, Time::zero(), Time::zero());
  const auto draw = [&](std::uint64_t most) {
    return Time{static_cast<std::int64_t>(random.below(most))};
  };
  for (Time& time : times.forward.cells()) time = draw(1000);
  for (Time& time : times.backward.cells()) time = draw(2000);
  for (Time& time : times.send_forward) time = draw(700);
  for (Time& time : times.send_backward) time = draw(700);
  return times;
}

/// A second implementation, as a machine: stages that hold an agenda and start the next piece when
/// they are idle and its input is there, driven by a queue of events.
class Machine {
 public:
  Machine(const PipelineTimes& times, PipelineSchedule schedule) : times_(times) {
    const int p = static_cast<int>(times.forward.rows());
    const int m = static_cast<int>(times.forward.columns());
    stages_.resize(p);
    for (int s = 0; s < p; ++s) {
      const int ahead = (schedule == PipelineSchedule::k1F1B ? 1 : 2) * (p - 1 - s);
      int forwards = 0;
      int backwards = 0;
      while (forwards < std::min(ahead, m)) stages_[s].agenda.push({true, forwards++});
      while (backwards < m) {
        if (forwards < m) stages_[s].agenda.push({true, forwards++});
        stages_[s].agenda.push({false, backwards++});
      }
      stages_[s].arrived[1].assign(m, s == 0);  // nothing comes before the first stage's forwards
      stages_[s].arrived[0].assign(m, s == p - 1);  // and after the last stage's
    }
  }

  std::vector<Time> run() {
    for (int s = 0; s < static_cast<int>(stages_.size()); ++s) try_start(s, Time::zero());
    while (!events_.empty()) {
      const auto [now, stage, kind, forward, i] = events_.top();
      events_.pop();
      if (kind == kArrived) {
        stages_[stage].arrived[forward][i] = true;
      } else {
        stages_[stage].busy = false;
        stages_[stage].end = now;
        pass_on(stage, forward, i, now);
      }
      try_start(stage, now);
    }
    std::vector<Time> ends;
    for (const Stage& stage : stages_) {
      EXPECT_TRUE(stage.agenda.empty());
      ends.push_back(stage.end);
    }
    return ends;
  }

 private:
  enum Kind { kArrived, kDone };
  using Event = std::tuple<Time, int, Kind, bool, int>;
  struct Stage {
    std::queue<std::pair<bool, int>> agenda;
    std::vector<bool> arrived[2];  // backward, forward
    bool busy = false;
    Time end;
  };

  void try_start(int s, Time now) {
    Stage& stage = stages_[s];
    if (stage.busy || stage.agenda.empty()) return;
    const auto [forward, i] = stage.agenda.front();
    if (!stage.arrived[forward][i]) return;
    stage.agenda.pop();
    stage.busy = true;
    events_.emplace(now + (forward ? times_.forward : times_.backward)(s, i), s, kDone, forward, i);
  }

  void pass_on(int s, bool forward, int i, Time now) {
    const int last = static_cast<int>(stages_.size()) - 1;
    if (forward && s < last) {
      events_.emplace(now + times_.send_forward[s], s + 1, kArrived, true, i);
    } else if (!forward && s > 0) {
      events_.emplace(now + times_.send_backward[s - 1], s - 1, kArrived, false, i);
    }
  }

  const PipelineTimes& times_;
  std::vector<Stage> stages_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

TEST(Pipeline, FillsAndDrainsOnce) {
  for (const PipelineSchedule schedule : kSchedules) {
    for (const int p : {1, 2, 3, 4, 8, 16}) {
      for (const int m : {1, 2, 3, 7, 8, 16, 40}) {
        for (const auto& [f, b] : {std::pair{1, 1}, {10, 20}, {3, 7}, {20, 10}, {5, 0}, {0, 5}}) {
          const std::vector<Time> ends = run_pipeline(equal_times(p, m, {f}, {b}), schedule);
          EXPECT_EQ(ends.front(), Time{std::int64_t{m + p - 1} * (f + b)})
              << "p " << p << " m " << m << " f " << f << " b " << b;
        }
      }
    }
  }
}

TEST(Pipeline, ReadsAsAnExample) {
  // Two stages, two micro-batches, forward 10, backward 20, a transfer takes 3:
  //   stage 0:  F0 0-10  F1 10-20                B0 46-66             B1 76-96
  //   stage 1:           F0 13-23  B0 23-43  F1 43-53  B1 53-73
  const PipelineTimes times = equal_times(2, 2, {10}, {20}, {3});
  EXPECT_EQ(run_pipeline(times, PipelineSchedule::k1F1B), (std::vector<Time>{{96}, {73}}));
}

TEST(Pipeline, AgreesWithAMachineOfStagesAndEvents) {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const int p = 1 + static_cast<int>(random.below(9));
    const int m = 1 + static_cast<int>(random.below(24));
    const PipelineTimes times = random_times(p, m, random);
    for (const PipelineSchedule schedule : kSchedules) {
      ASSERT_EQ(run_pipeline(times, schedule), Machine(times, schedule).run())
          << "p " << p << " m " << m;
    }
  }
}

TEST(Pipeline, IsMonotoneInEveryDuration) {
  Random random(2);
  constexpr Time kMore = {1000};
  for (int round = 0; round < 20; ++round) {
    PipelineTimes times = random_times(4, 6, random);
    for (const PipelineSchedule schedule : kSchedules) {
      const std::vector<Time> before = run_pipeline(times, schedule);
      const auto expect_no_earlier = [&](Time& duration, int uses) {
        duration += kMore;
        const std::vector<Time> after = run_pipeline(times, schedule);
        duration -= kMore;
        for (std::size_t s = 0; s < before.size(); ++s) {
          EXPECT_GE(after[s], before[s]);
          EXPECT_LE(after[s], before[s] + kMore * uses);
        }
      };
      for (Time& time : times.forward.cells()) expect_no_earlier(time, 1);
      for (Time& time : times.backward.cells()) expect_no_earlier(time, 1);
      for (Time& time : times.send_forward) expect_no_earlier(time, 6);
      for (Time& time : times.send_backward) expect_no_earlier(time, 6);
    }
  }
}

TEST(Pipeline, NoStageIsDoneBeforeItsWork) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    const PipelineTimes times = random_times(6, 10, random);
    for (const PipelineSchedule schedule : kSchedules) {
      const std::vector<Time> ends = run_pipeline(times, schedule);
      for (std::size_t s = 0; s < ends.size(); ++s) {
        Time work;
        for (const Time time : times.forward.row(s)) work += time;
        for (const Time time : times.backward.row(s)) work += time;
        EXPECT_GE(ends[s], work);
      }
      EXPECT_TRUE(std::ranges::is_sorted(ends, std::ranges::greater()));  // the first ends last
    }
  }
}

TEST(Pipeline, EagerHidesTransfersThatPlain1F1BWaitsFor) {
  constexpr int kStages = 4;
  constexpr Time kForward = {100}, kBackward = {200}, kSend = {60};
  const auto total = [&](int micro_batches, PipelineSchedule schedule) {
    return run_pipeline(equal_times(kStages, micro_batches, kForward, kBackward, kSend), schedule)
        .front();
  };
  // Ten times as many micro-batches later: eager paid for nothing but them.
  const Time eager =
      total(200, PipelineSchedule::kEager1F1B) - total(20, PipelineSchedule::kEager1F1B);
  const Time plain = total(200, PipelineSchedule::k1F1B) - total(20, PipelineSchedule::k1F1B);
  EXPECT_EQ(eager, (kForward + kBackward) * 180);
  EXPECT_GT(plain, (kForward + kBackward) * 180);
}

TEST(Pipeline, EmptySendsAreFree) {
  PipelineTimes times = equal_times(3, 5, {7}, {11});
  const std::vector<Time> zero = run_pipeline(times, PipelineSchedule::k1F1B);
  times.send_forward.clear();
  times.send_backward.clear();
  EXPECT_EQ(run_pipeline(times, PipelineSchedule::k1F1B), zero);
}

PipelineWork chunked(int stages, int micro_batches, int chunks, Time forward, Time backward,
                     Time send = Time::zero()) {
  return {stages, micro_batches,
          [=](const PipelinePiece& piece, Time start) {
            return start + (piece.forward ? forward : backward) / chunks;
          },
          [=](int, Time) { return send; }, chunks};
}

TEST(Pipeline, VirtualStagesDivideTheBubble) {
  for (const int p : {2, 4, 8}) {
    for (const int rounds : {2, 3, 8}) {
      for (const int v : {2, 3, 4}) {
        const int m = rounds * p;
        const std::vector<Time> ends =
            run_pipeline(chunked(p, m, v, Time{1200}, Time{2400}), PipelineSchedule::k1F1B);
        EXPECT_EQ(*std::ranges::max_element(ends), Time{m * 3600 + (p - 1) * 3600 / v})
            << p << " stages, " << m << " micro-batches, " << v << " chunks";
      }
    }
  }
}

TEST(Pipeline, OneRoundOfVirtualStagesEnds) {
  const std::vector<Time> ends =
      run_pipeline(chunked(4, 4, 2, Time{1200}, Time{2400}), PipelineSchedule::k1F1B);
  const Time last = *std::ranges::max_element(ends);
  EXPECT_GE(last, Time{4 * 3600 + 3 * 3600 / 2});
  EXPECT_LE(last, Time{(4 + 3) * 3600}) << "no longer than without";
}

TEST(Pipeline, VirtualStagesSendMoreOften) {
  // The first piece crosses every boundary, and comes back once.
  const std::vector<Time> free =
      run_pipeline(chunked(4, 8, 2, Time{1200}, Time{2400}), PipelineSchedule::k1F1B);
  const std::vector<Time> slow =
      run_pipeline(chunked(4, 8, 2, Time{1200}, Time{2400}, Time{100}), PipelineSchedule::k1F1B);
  EXPECT_GE(*std::ranges::max_element(slow), *std::ranges::max_element(free) + Time{100} * (2 * 7));
}

}  // namespace
}  // namespace mixnet
