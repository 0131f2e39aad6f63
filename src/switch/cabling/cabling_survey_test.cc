// The survey's order of things, on a switch of a few lines and agents that are shell scripts.
#include "cabling/cabling_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/time.h>

#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

MonotonicTime in(MonotonicTime::duration span) { return system_env().monotonic_now() + span; }

/// Does what it is asked, but for one circuit that it cannot make any more.
class SmallSwitch final : public OpticalSwitch {
 public:
  SwitchCapabilities capabilities(MonotonicTime) override { return {}; }
  CrossConnects cross_connects(MonotonicTime) override {
    return {.circuits = {circuits.begin(), circuits.end()}, .halves = halves};
  }
  ChangeReport apply(const SwitchChange& change, MonotonicTime) override {
    ChangeReport report;
    for (const OpticalCircuit circuit : change.disconnect) {
      circuits.erase(circuit);
      halves.clear();
      report.pairs.push_back({.circuit = circuit});
    }
    for (const OpticalCircuit circuit : change.connect) {
      const bool is_done = circuit != broken;
      if (is_done) circuits.insert(circuit);
      report.pairs.push_back({.circuit = circuit,
                              .connect = true,
                              .outcome = is_done ? PairOutcome::kDone : PairOutcome::kDenied});
    }
    return report;
  }
  std::vector<PortReading> ports(std::span<const int>, MonotonicTime) override { return {}; }
  std::vector<SwitchEvent> events(MonotonicTime) override { return {}; }

  std::set<OpticalCircuit> circuits;
  std::vector<LightPath> halves;
  OpticalCircuit broken;
};

RegionSite site_of(const std::vector<int>& positions) {
  RegionSite site;
  site.ports = positions;
  site.servers.push_back({.name = "gpu", .run = {}, .nics = {}});
  for (const int position : positions) {
    site.servers[0].nics.push_back({.interface = "n" + std::to_string(position), .ocs = position});
  }
  return site;
}

/// An agent that answers `line` by this command, and all else by "ok".
std::vector<std::string> agent(const std::string& line, const std::string& command) {
  return {"/bin/sh", "-c",
          "while read word more; do case $word in " + line + ") " + command +
              ";; heard) echo heard;; *) echo ok;; esac; done"};
}

SurveyOptions quickly() {
  SurveyOptions options;
  options.interrupt = true;
  options.settle = milliseconds(1);
  return options;
}

class CablingSurvey : public testing::Test {
 protected:
  SurveyReport survey(const std::vector<int>& positions, const SurveyOptions& options) {
    const RegionSite site = site_of(positions);
    NicProbe probe(site, agent("none", ":"), in(seconds(20)));
    return survey_cabling(device_, probe, optical_nics(site), options);
  }

  SmallSwitch device_;
};

TEST_F(CablingSurvey, PutsBackWhatStood) {
  device_.circuits = {{1, 3}, {2, 4}};
  EXPECT_THAT(survey({1, 2, 3, 4}, quickly()).circuits, IsEmpty());
  EXPECT_THAT(device_.circuits, ElementsAre(OpticalCircuit{1, 3}, OpticalCircuit{2, 4}));
}

TEST_F(CablingSurvey, TellsWhatIsNotPutBack) {
  device_.circuits = {{1, 3}};
  device_.halves = {{2, 4}};
  device_.broken = {1, 3};
  const SurveyReport report = survey({1, 2, 3, 4}, quickly());
  EXPECT_THAT(report.circuits, Contains(HasSubstr("1-3 could not be connected (denied)")));
  EXPECT_THAT(report.circuits, Contains(HasSubstr("2 to 4, one way only, is not put back")));
  EXPECT_FALSE(report.ok());
}

TEST_F(CablingSurvey, PutsBackWhatStoodWhenItIsStopped) {
  device_.circuits = {{1, 3}, {2, 4}};
  SurveyOptions options = quickly();
  options.settle = seconds(60);
  int asked = 0;
  options.is_stopped = [&] { return ++asked == 3; };
  EXPECT_THROW(survey({1, 2, 3, 4}, options), Error);
  EXPECT_EQ(asked, 3);
  EXPECT_THAT(device_.circuits, ElementsAre(OpticalCircuit{1, 3}, OpticalCircuit{2, 4}));
}

TEST_F(CablingSurvey, OneNicAloneIsNotCalledRight) {
  EXPECT_THROW(survey({1}, quickly()), Error);
  EXPECT_THAT(survey({1, 2}, quickly()).nics[0].faults, ElementsAre("no light passes either way"));
}

TEST(NicProbe, CtrlCDoesNotEndAgents) {
  const RegionSite site = site_of({1, 2});
  NicProbe probe(site, agent("shout", "kill -INT $$; kill -TERM $$; echo ok"), in(seconds(20)));
  probe.shout(in(seconds(20)));
  EXPECT_THAT(probe.heard(in(seconds(20))), IsEmpty());
}

TEST(NicProbe, ASignalAmidAnAnswerDoesNotLoseTheDeadLine) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &action, &before);
  const RegionSite site = site_of({1, 2});
  NicProbe probe(site, agent("shout", ":"), in(seconds(20)));
  const itimerval soon = {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 20'000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  const MonotonicTime start = system_env().monotonic_now();
  EXPECT_THROW(probe.shout(in(milliseconds(200))), Error);
  EXPECT_LT(system_env().monotonic_now() - start, seconds(10));
  ::sigaction(SIGALRM, &before, nullptr);
}

}  // namespace
}  // namespace mixnet
