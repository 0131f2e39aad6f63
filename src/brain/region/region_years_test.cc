// Ten years of a region: demands, phases that hang, ports that stick, a device that does not
// answer, tenants that come and go, restarts, in the last three years operators who hold, drain and
// pin, a cap on moves, and a clock that is set, forward and back. What must
// hold of its deadlines is held against the true time, which the controller does not see.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "region/region_clock.h"
#include "region/region_controller.h"
#include "region/region_snapshot.h"

namespace mixnet {
namespace {

constexpr Instant kStart = Instant::unix_seconds(1'795'766'400);  // 2026-11-27
constexpr Duration kYear = Duration::days(365);

void must(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

RegionConfig config() {
  RegionConfig config;
  config.servers = 4;
  config.optical_nics = 2;
  config.eps_nics = 1;
  config.audit_period = Duration::hours(6);
  config.phase_limit = Duration::hours(1);
  config.suspect_hold = RegionConfig::kLongestSpan;  // up to 143 days, then
  config.moves_per_minute = 3;
  return config;
}

class Decade {
 public:
  explicit Decade(std::uint64_t seed) : random_(seed), controller_(config()) {
    table_.assign(static_cast<std::size_t>(config().ports()), -1);
    stuck_.assign(table_.size(), false);
    give(Tick{});
    plan(Duration::seconds(1), What::kTenant);
    plan(Duration::hours(1), What::kDemand);
    plan(Duration::days(2), What::kTrouble);
    plan(Duration::days(3), What::kClock);
    plan(Duration::days(200), What::kRestart);
    plan(kYear * 7, What::kOperator);
  }

  void run(Duration until) {
    while (true_ < until) turn();
  }

  /// The trouble ends; a demand comes once more.
  void recover() {
    calm_ = true;
    answers_ = true;
    stuck_.assign(stuck_.size(), false);
    run(true_ + Duration::days(1));
    for (int p = 0; p < config().ports(); ++p) give(HealthReport{Part::kOcsPort, p, false, 0});
    give(SwitchHold{false});
    for (int server = 0; server < config().servers; ++server) give(ServerDrain{server, false});
    run(true_ + Duration::days(1));
    give(TenantAdd{1, {0, 1, 2, 3}});
    run(true_ + Duration::days(1));
    demand();
    run(true_ + Duration::days(1));
  }

  const RegionState& state() const { return controller_.state(); }
  const std::vector<int>& table() const { return table_; }
  int steps() const { return steps_; }
  int alarms(AlarmCode code) { return alarms_[code]; }
  int audits() const { return audits_; }
  int longest_hold_days() const { return longest_hold_days_; }
  int clock_steps() const { return clock_steps_; }
  int restarts() const { return restarts_; }

 private:
  enum class What { kTenant, kDemand, kPhaseEnd, kTrouble, kClock, kRestart, kOperator, kDevice };

  std::int64_t draw(std::int64_t below) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(below)));
  }
  void plan(Duration in, What what) { plans_.emplace(true_ + in, what); }

  /// To the next thing that happens, be it the controller's deadline.
  void turn() {
    const Duration due = last_ + controller_.due_in();
    if (plans_.begin()->first > due) {
      true_ = due;
      return give(Tick{});
    }
    const auto [at, what] = *plans_.begin();
    plans_.erase(plans_.begin());
    true_ = at;
    switch (what) {
      case What::kTenant:
        return tenant();
      case What::kDemand:
        if (calm_) return;
        plan(Duration::seconds(1 + draw(16 * 3600)), What::kDemand);
        return demand();
      case What::kPhaseEnd:
        return give(PhaseMark{1, sequence_, false});
      case What::kTrouble:
        return trouble();
      case What::kClock:
        return set_clock();
      case What::kRestart:
        return restart();
      case What::kOperator:
        return operators();
      case What::kDevice: {
        const Event answer = std::move(answers_out_.front());
        answers_out_.erase(answers_out_.begin());
        return give(answer);
      }
    }
  }

  void tenant() {
    const bool here = state().find(1) != nullptr;
    plan(here && !calm_ ? Duration::hours(1) : Duration::days(30 + draw(60)), What::kTenant);
    if (here && !calm_) return give(TenantRemove{1});
    give(TenantAdd{1, {0, 1, 2, 3}});
  }

  void demand() {
    if (state().find(1) == nullptr) return;
    DemandReport report{1, {++sequence_, 0, 0, false}, ServerDemand(4, 4)};
    for (std::int64_t& cell : report.bytes.cells()) cell = draw(1'000'000);
    give(report);
    if (draw(2) == 0 || calm_) return;
    give(PhaseMark{1, sequence_, true});
    if (draw(50) > 0) plan(Duration::seconds(1 + draw(1800)), What::kPhaseEnd);  // or it hangs
  }

  void trouble() {
    if (calm_) return;
    plan(Duration::hours(1 + draw(24 * 6)), What::kTrouble);
    answers_ = draw(10) > 0;
    for (std::size_t p = 0; p < stuck_.size(); ++p) stuck_[p] = draw(8) == 0;
    give(Tick{});
  }

  /// Holds of hours, drains and pins of days.
  void operators() {
    if (calm_) return;
    plan(state().held ? Duration::hours(draw(8)) : Duration::days(1 + draw(30)), What::kOperator);
    if (state().held) return give(SwitchHold{false});
    const auto server = static_cast<int>(draw(4));
    if (draw(3) == 0) return give(SwitchHold{true});
    if (draw(2) == 0) return give(ServerDrain{server, draw(4) == 0});
    give(CircuitPin{{server * 2, (server * 2 + 3) % 8}, draw(4) == 0});
  }

  void set_clock() {
    if (calm_) return;
    plan(Duration::hours(1 + draw(24 * 10)), What::kClock);
    const Duration by[] = {Duration::milliseconds(1 + draw(1000)), Duration::seconds(1 + draw(60)),
                           Duration::hours(1), Duration::days(1), kYear};
    step_ = by[draw(5)];
    if (draw(2) == 0) step_ = Duration::zero() - step_;
    error_ += step_;
    ++clock_steps_;
    give(Tick{});
  }

  /// What was out is lost; the controller goes on from its snapshot, hours or months later.
  void restart() {
    if (calm_) return;
    plan(Duration::days(100 + draw(400)), What::kRestart);
    RegionState state = read_snapshot(write_snapshot(controller_.state()), "snapshot");
    must(state == controller_.state(), "a snapshot comes back otherwise");
    const Duration away = draw(2) == 0 ? Duration::seconds(draw(7200)) : Duration::days(draw(60));
    while (plans_.begin()->first <= true_ + away) {
      const What missed = plans_.begin()->second;
      plans_.erase(plans_.begin());
      if (missed != What::kDevice && missed != What::kPhaseEnd) {
        plans_.emplace(true_ + away + Duration::seconds(1), missed);
      }
    }
    answers_out_.clear();
    std::erase_if(plans_, [](const auto& one) { return one.second == What::kDevice; });
    true_ += away;
    const Duration before = state.elapsed;
    resume(state, clock());
    must(state.elapsed - before == std::min(true_ - last_, kLongestHold),
         "time away does not count");
    controller_ = RegionController(std::move(state));
    last_ = true_;
    ++restarts_;
    give(Tick{});
  }

  Instant clock() const { return kStart + true_ + error_; }

  void give(const Event& event) {
    ++steps_;
    const Duration passed = true_ - last_;
    const Duration due = controller_.due_in();
    const Duration before = state().elapsed;
    last_ = true_;
    must(passed <= due, "the controller is called too late");
    const std::vector<Decision> decisions = controller_.handle(clock(), event);
    watch(passed, std::exchange(step_, Duration::zero()), due, state().elapsed - before);
    must(controller_.due_in() > Duration::zero() || due > Duration::zero(), "it is always due");
    must(decisions.size() <= 12, "a storm of decisions");
    for (const Decision& decision : decisions) {
      std::visit([this](const auto& one) { carry_out(one); }, decision);
    }
    watch_holds();
    if (steps_ % 64 == 0) check_state(state(), "decade");
  }

  /// The stopwatch, after `passed` of true time in which the clock was set by `step`.
  void watch(Duration passed, Duration step, Duration due, Duration counted) {
    if (step == Duration::zero()) {
      must(counted == passed, "the stopwatch is wrong though nobody set the clock");
    } else if (passed + step <= Duration::zero()) {
      must(counted == Duration::zero(), "a clock set back makes time run");
    } else {
      must(counted <= due + kMostLate, "a clock set forward fires more than is due");
      must(counted == passed + step || counted == due, "what passes is neither");
    }
  }

  /// Suspect ports rest as long as they were told to, but for steps of the clock.
  void watch_holds() {
    for (std::size_t p = 0; p < stuck_.size(); ++p) {
      const Duration until = state().suspicion[p].until;
      if (until == Duration::zero()) continue;
      const Duration left = until - state().elapsed;
      must(left > Duration::zero() && left <= kLongestHold, "a hold is out of range");
      const auto days = static_cast<int>(left.ns / Duration::days(1).ns);
      longest_hold_days_ = std::max(longest_hold_days_, days);
    }
  }

  // The switch answers within milliseconds, or not at all.
  void carry_out(const DeviceCommand& command) {
    const auto darken = [this](int p) {
      if (table_[p] >= 0) table_[table_[p]] = -1;
      table_[p] = -1;
    };
    for (const PortPair& pair : command.disconnect) {
      if (table_[pair.a] == pair.b && !stuck_[pair.a] && !stuck_[pair.b]) darken(pair.a);
    }
    for (const PortPair& pair : command.connect) {
      if (stuck_[pair.a] || stuck_[pair.b] || table_[pair.a] >= 0 || table_[pair.b] >= 0) continue;
      table_[pair.a] = pair.b;
      table_[pair.b] = pair.a;
    }
    answer(DeviceAnswer{command.id, true, -1, false, {}});
  }
  void carry_out(const ReadState& read) {
    if (state().slices.front().awaited == read.id) ++audits_;
    DeviceState seen{read.id, {}};
    for (int p = 0; p < config().ports(); ++p) {
      if (table_[p] > p) seen.lit.push_back({p, table_[p]});
    }
    answer(seen);
  }
  void carry_out(const Alarm& alarm) { ++alarms_[alarm.code]; }
  void carry_out(const TopologyAnnouncement& /*said*/) {}
  void carry_out(const TenantGone& /*gone*/) {}
  void answer(const Event& event) {
    if (!answers_) return;
    answers_out_.push_back(event);
    plan(Duration::milliseconds(20), What::kDevice);
  }

  Random random_;
  RegionController controller_;
  Duration true_;   // since kStart
  Duration last_;   // when the controller was called
  Duration error_;  // of its clock
  Duration step_;   // since then
  std::multimap<Duration, What> plans_;
  std::vector<Event> answers_out_;
  std::vector<int> table_;
  std::vector<bool> stuck_;
  bool answers_ = true;
  bool calm_ = false;
  std::uint64_t sequence_ = 0;
  std::map<AlarmCode, int> alarms_;
  int steps_ = 0, audits_ = 0, clock_steps_ = 0, restarts_ = 0, longest_hold_days_ = 0;
};

TEST(RegionYears, TenYearsWithAClockThatIsSet) {
  Decade decade(2026);
  try {
    decade.run(kYear * 10);
    // Deadlines came when due: audits went on at their pace, in spite of everything.
    const auto due = (kYear * 10).ns / config().audit_period.ns;
    EXPECT_GT(decade.audits(), due * 9 / 10);
    EXPECT_GT(decade.clock_steps(), 500);
    EXPECT_GT(decade.restarts(), 8);
    EXPECT_GT(decade.alarms(AlarmCode::kPhaseOverdue), 20);
    EXPECT_GT(decade.alarms(AlarmCode::kCommandTimedOut), 20);
    EXPECT_GT(decade.alarms(AlarmCode::kPortSuspect), 100);
    EXPECT_GT(decade.alarms(AlarmCode::kDeviceSilent), 20);
    EXPECT_GT(decade.alarms(AlarmCode::kMovesCapped), 20);
    EXPECT_GT(decade.longest_hold_days(), 70) << "six doublings of 27 hours";
    decade.recover();
  } catch (const std::exception& failure) {
    FAIL() << "step " << decade.steps() << ": " << failure.what() << "\n"
           << write_snapshot(decade.state());
  }
  EXPECT_EQ(decade.state().lit, decade.table());
  const Slice* slice = decade.state().find(1);
  ASSERT_NE(slice, nullptr);
  EXPECT_EQ(slice->served, slice->phase);
  EXPECT_FALSE(slice->target.empty());
  std::cout << decade.steps() << " steps, " << decade.audits() << " audits, "
            << decade.clock_steps() << " steps of the clock\n";
}

}  // namespace
}  // namespace mixnet
