#include "sweep/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/progress.h"

namespace mixnet {
namespace {

using Json = nlohmann::json;

// Messages are JSON objects with one of these under "kind".
constexpr const char* kReady = "ready";  // to rank 0; threads
constexpr const char* kBatch = "batch";  // to others; number, threads, points
constexpr const char* kDone = "done";    // to rank 0; number, outcomes
constexpr const char* kAlive = "alive";  // between rank 0 and others
constexpr const char* kStop = "stop";    // to others: Ranks::finish()
constexpr const char* kLeave = "leave";  // to others: Ranks::leave()

/// How long messages may wait while nothing happens here.
constexpr std::chrono::milliseconds kPause{1};
constexpr std::chrono::milliseconds kAlone{100};
/// Batches that were lost with this many ranks have failed.
constexpr int kMostLosses = 2;

std::string message(const char* kind) { return Json{{"kind", kind}}.dump(); }

std::string message(const PointPool::Batch& batch) {
  return Json{{"kind", kBatch},
              {"number", batch.number},
              {"threads", batch.threads},
              {"points", batch.points}}
      .dump();
}

PointPool::Batch batch_of(const Json& message) {
  return {message.at("number").get<std::size_t>(), message.at("threads").get<int>(),
          message.at("points").get<PointArguments>()};
}

std::string message(const PointPool::Result& result) {
  Json outcomes = Json::array();
  for (const PointOutcome& outcome : result.outcomes) {
    outcomes.push_back({{"fields", outcome.fields}, {"error", outcome.error}});
  }
  return Json{{"kind", kDone}, {"number", result.number}, {"outcomes", outcomes}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

PointPool::Result result_of(const Json& message) {
  PointPool::Result result{message.at("number").get<std::size_t>(), {}};
  for (const Json& outcome : message.at("outcomes")) {
    result.outcomes.push_back(
        {outcome.at("fields").get<std::string>(), outcome.at("error").get<std::string>()});
  }
  return result;
}

/// Says "alive" now and then.
class Pulse {
 public:
  explicit Pulse(const SweepOptions& options)
      : env_(*options.env),
        period_(std::min<std::chrono::milliseconds>(options.rank_timeout / 8,
                                                    std::chrono::milliseconds(1000))) {}

  bool is_due() {
    const MonotonicTime now = env_.monotonic_now();
    if (now < next_) return false;
    next_ = now + period_;
    return true;
  }

 private:
  Env& env_;
  std::chrono::milliseconds period_;
  MonotonicTime next_;  // at once
};

/// Rank 0.
class Leader {
 public:
  Leader(const SweepPlan& plan, SweepFolder& folder, const PointGroup& group,
         const PointRunner& runner, const SweepOptions& options);

  std::vector<int> run();

 private:
  struct Batch {
    std::vector<std::size_t> points;
    bool ended = false;
    int losses = 0;
  };
  struct Member {
    int threads = 0;  // 0: it is not ready
    bool lost = false;
    std::set<std::size_t> batches;  // that it has
    MonotonicTime heard;
  };

  void make_batches(const PointGroup& group);
  /// Threads for each batch of a rank with so many.
  int threads_of_batch(int threads) const;
  /// How many batches a member should have.
  std::size_t wanted(const Member& member, std::size_t all_threads) const;
  void hand_out();
  void hand_out(std::size_t rank, std::size_t batch);
  void receive();
  void end(std::size_t rank, const PointPool::Result& result);
  void record(std::size_t batch, std::vector<PointOutcome> outcomes);
  void give_up_silent();

  const SweepPlan& plan_;
  SweepFolder& folder_;
  const SweepOptions& options_;
  std::vector<Batch> batches_;
  std::size_t ended_ = 0;
  std::deque<std::size_t> waiting_;
  std::vector<Member> members_;
  ProgressBar progress_;
  Pulse pulse_;
  PointPool pool_;
};

Leader::Leader(const SweepPlan& plan, SweepFolder& folder, const PointGroup& group,
               const PointRunner& runner, const SweepOptions& options)
    : plan_(plan),
      folder_(folder),
      options_(options),
      members_(options.ranks == nullptr ? 1 : options.ranks->size(),
               Member{.batches = {}, .heard = options.env->monotonic_now()}),
      progress_("sweep", plan.points() - folder.finished(), *options.env),
      pulse_(options),
      pool_(options.threads, runner) {
  make_batches(group);
  members_[0].threads = pool_.threads();
}

void Leader::make_batches(const PointGroup& group) {
  std::unordered_map<std::string, std::size_t> numbers;
  for (std::size_t point = 0; point < plan_.points(); ++point) {
    if (folder_.is_finished(point)) continue;
    const auto [place, is_new] =
        numbers.try_emplace(group(plan_.arguments(point)), batches_.size());
    if (is_new) batches_.emplace_back();
    batches_[place->second].points.push_back(point);
  }
  for (std::size_t batch = 0; batch < batches_.size(); ++batch) waiting_.push_back(batch);
}

int Leader::threads_of_batch(int threads) const {
  const std::size_t each =
      std::max<std::size_t>(1, (batches_.size() + members_.size() - 1) / members_.size());
  return std::max(1, threads / static_cast<int>(std::min<std::size_t>(each, 1 << 20)));
}

std::size_t Leader::wanted(const Member& member, std::size_t all_threads) const {
  if (member.threads == 0 || member.lost) return 0;
  const auto busy = static_cast<std::size_t>(member.threads / threads_of_batch(member.threads));
  // One more lies ready, so that no thread waits for a message; but not of the last few.
  return waiting_.size() > 2 * all_threads ? busy + 1 : busy;
}

void Leader::hand_out() {
  std::size_t all_threads = 0;
  for (const Member& member : members_) all_threads += static_cast<std::size_t>(member.threads);
  // In turn, so that few batches are spread over all ranks.
  for (bool any = true; any && !waiting_.empty();) {
    any = false;
    for (std::size_t rank = 0; rank < members_.size() && !waiting_.empty(); ++rank) {
      if (members_[rank].batches.size() >= wanted(members_[rank], all_threads)) continue;
      const std::size_t batch = waiting_.front();
      waiting_.pop_front();
      if (!batches_[batch].ended) hand_out(rank, batch);
      any = true;
    }
  }
}

void Leader::hand_out(std::size_t rank, std::size_t batch) {
  members_[rank].batches.insert(batch);
  PointPool::Batch work{batch, threads_of_batch(members_[rank].threads), {}};
  for (const std::size_t point : batches_[batch].points) {
    work.points.push_back(plan_.arguments(point));
  }
  if (rank == 0) {
    pool_.submit(std::move(work));
  } else {
    options_.ranks->send(static_cast<int>(rank), message(work));
  }
}

void Leader::end(std::size_t rank, const PointPool::Result& result) {
  members_[rank].batches.erase(result.number);
  record(result.number, result.outcomes);
}

void Leader::record(std::size_t batch, std::vector<PointOutcome> outcomes) {
  if (batches_.at(batch).ended) return;  // of a rank that had been given up too early
  std::vector<std::pair<std::size_t, PointOutcome>> rows;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    rows.emplace_back(batches_[batch].points.at(i), std::move(outcomes[i]));
  }
  folder_.append(rows);
  batches_[batch].ended = true;
  ++ended_;
  progress_.advance(rows.size());
}

void Leader::receive() {
  while (const auto received = options_.ranks->receive()) {
    Member& member = members_.at(static_cast<std::size_t>(received->from));
    member.heard = options_.env->monotonic_now();
    const Json message = Json::parse(received->text);
    const auto kind = message.at("kind").get<std::string>();
    if (kind == kReady) member.threads = message.at("threads").get<int>();
    if (kind == kDone) end(static_cast<std::size_t>(received->from), result_of(message));
  }
  if (!pulse_.is_due()) return;
  for (int rank = 1; rank < options_.ranks->size(); ++rank) {
    options_.ranks->send(rank, message(kAlive));
  }
  give_up_silent();
}

void Leader::give_up_silent() {
  const MonotonicTime now = options_.env->monotonic_now();
  for (std::size_t rank = 1; rank < members_.size(); ++rank) {
    Member& member = members_[rank];
    if (member.lost || now - member.heard < options_.rank_timeout) continue;
    member.lost = true;
    for (const std::size_t batch : std::exchange(member.batches, {})) {
      if (++batches_[batch].losses < kMostLosses) {
        waiting_.push_front(batch);
        continue;
      }
      PointOutcome lost;
      lost.error = fmt::format("the processes that ran it died, {} times", kMostLosses);
      record(batch, std::vector<PointOutcome>(batches_[batch].points.size(), lost));
    }
  }
}

std::vector<int> Leader::run() {
  const auto is_interrupted = [&] { return options_.interrupted && options_.interrupted(); };
  while (ended_ < batches_.size() && !is_interrupted()) {
    hand_out();
    const auto result = pool_.take(options_.ranks == nullptr ? kAlone : kPause);
    if (is_interrupted()) break;  // which may be why points ended as they did
    if (result) end(0, *result);
    if (options_.ranks != nullptr) receive();
  }
  std::vector<int> lost;
  for (std::size_t rank = 0; rank < members_.size(); ++rank) {
    if (members_[rank].lost) lost.push_back(static_cast<int>(rank));
  }
  return lost;
}

void tell_all(Ranks& ranks, const char* kind) {
  for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, message(kind));
  // What is on its way goes on while messages are looked for.
  (void)ranks.receive();
}

}  // namespace

std::vector<int> run_sweep(const SweepPlan& plan, SweepFolder& folder, const PointGroup& group,
                           const PointRunner& runner, const SweepOptions& options) {
  const auto leave = [&] {
    if (options.ranks == nullptr) return;
    tell_all(*options.ranks, kLeave);
    options.ranks->leave();
  };
  std::vector<int> lost;
  try {
    lost = Leader(plan, folder, group, runner, options).run();
  } catch (...) {
    leave();
    throw;
  }
  const bool all = folder.finished() == plan.points();
  if (!lost.empty() || !all) {
    leave();
  } else if (options.ranks != nullptr) {
    dismiss_ranks(*options.ranks);
  }
  if (all) folder.complete();
  return lost;
}

void serve_sweep(const PointRunner& runner, const SweepOptions& options) {
  Ranks& ranks = *options.ranks;
  PointPool pool(options.threads, runner);
  Pulse pulse(options);
  Env& env = *options.env;
  MonotonicTime heard = env.monotonic_now();
  ranks.send(0, Json{{"kind", kReady}, {"threads", pool.threads()}}.dump());
  while (true) {
    if (const auto result = pool.take(kPause)) ranks.send(0, message(*result));
    while (const auto received = ranks.receive()) {
      heard = env.monotonic_now();
      const Json message = Json::parse(received->text);
      const auto kind = message.at("kind").get<std::string>();
      if (kind == kBatch) pool.submit(batch_of(message));
      if (kind == kStop) return ranks.finish();
      if (kind == kLeave) return ranks.leave();
    }
    if (pulse.is_due()) ranks.send(0, message(kAlive));
    if (env.monotonic_now() - heard > options.rank_timeout) return ranks.leave();
  }
}

void dismiss_ranks(Ranks& ranks) {
  tell_all(ranks, kStop);
  ranks.finish();
}

}  // namespace mixnet
