#include "daemon/device_view.h"

#include "daemon/test_region.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Servers of two NICs: positions 1-2, 3-4, 5-6 are ports 0-1, 2-3, 4-5; 7 and 8 are ours and have
/// no NIC, 6 is forbidden.
struct World {
  DaemonSettings settings = test_settings(3, 2, "ports: 1-8\nforbidden: [6]\n");
  RegionState state = RegionState::fresh(settings.region);
};

TEST(DeviceView, IsPairsOfPorts) {
  World world;
  const DeviceView view = view_of({.circuits = {{1, 5}, {2, 3}}}, world.settings, world.state);
  EXPECT_THAT(view.lit, ElementsAre(PortPair{0, 4}, PortPair{1, 2}));
  EXPECT_THAT(view.clutter, IsEmpty());
}

TEST(DeviceView, TellsHalvesSoThatTheyAreMended) {
  World world;
  const CrossConnects read{.halves = {{5, 1}}};
  EXPECT_THAT(view_of(read, world.settings, world.state).lit, ElementsAre(PortPair{0, 4}));
  world.state.slices.front().target = {{0, 4}};  // it is wanted: the controller is to connect it
  EXPECT_THAT(view_of(read, world.settings, world.state).lit, IsEmpty());
  world.state.slices.front().target.clear();
  world.state.pins = {{0, 4}};
  EXPECT_THAT(view_of(read, world.settings, world.state).lit, IsEmpty());
}

TEST(DeviceView, KeepsApartWhatPairsCannotSay) {
  World world;
  const CrossConnects read{.circuits = {{2, 7}}, .halves = {{1, 3}, {3, 5}, {4, 4}, {7, 8}}};
  const DeviceView view = view_of(read, world.settings, world.state);
  EXPECT_THAT(view.lit, ElementsAre(PortPair{0, 2}));
  EXPECT_THAT(view.clutter, UnorderedElementsAre(OpticalCircuit{2, 7}, OpticalCircuit{3, 5},
                                                 OpticalCircuit{4, 4}, OpticalCircuit{7, 8}));
}

TEST(SwitchChangeOfACommand, IsPositionsAndWhatIsInTheWay) {
  const World world;
  DeviceCommand command;
  command.disconnect = {{0, 2}};
  command.connect = {{1, 4}};
  const std::vector<OpticalCircuit> clutter = {{2, 7}, {3, 8}, {4, 4}};
  const SwitchChange change = change_of(command, world.settings, clutter);
  EXPECT_THAT(change.disconnect, ElementsAre(OpticalCircuit{1, 3}, OpticalCircuit{2, 7}));
  EXPECT_THAT(change.connect, ElementsAre(OpticalCircuit{2, 5}));
}

TEST(SwitchChangeOfACommand, NamesNoPortThatIsNotOurs) {
  const World world;
  DeviceCommand command;
  command.connect = {{1, 5}, {-1, 2}, {2, 99}};  // 5 is forbidden
  EXPECT_EQ(change_of(command, world.settings, {}), SwitchChange{});
}

TEST(AnswerOfAReport, TellsWhatIsLitWhenAllIsDone) {
  const World world;
  DeviceCommand command;
  command.id = 7;
  command.disconnect = {{0, 2}};
  command.connect = {{1, 4}};
  ChangeReport report;
  report.pairs = {{.circuit = {1, 3}, .connect = false, .outcome = PairOutcome::kDone},
                  {.circuit = {2, 5}, .connect = true, .outcome = PairOutcome::kAlready}};
  const DeviceAnswer answer = answer_of(command, report, world.settings, {});
  EXPECT_EQ(answer.id, 7U);
  EXPECT_TRUE(answer.ok);
  EXPECT_TRUE(answer.has_lit);
  EXPECT_THAT(answer.lit, ElementsAre(PortPair{1, 4}));
}

TEST(AnswerOfAReport, NamesAPortOnlyWhereItIsKnown) {
  const World world;
  DeviceCommand command;
  command.connect = {{1, 4}};
  ChangeReport report;
  report.pairs = {{.circuit = {2, 5}, .connect = true, .outcome = PairOutcome::kBusy}};
  const std::vector<int> taken = {5};
  DeviceAnswer answer = answer_of(command, report, world.settings, taken);
  EXPECT_FALSE(answer.ok);
  EXPECT_FALSE(answer.has_lit);
  EXPECT_EQ(answer.denied_port, 4);
  EXPECT_EQ(answer_of(command, report, world.settings, {}).denied_port, -1);
  report.pairs.front().outcome = PairOutcome::kDenied;
  EXPECT_EQ(answer_of(command, report, world.settings, taken).denied_port, -1);
}

TEST(TextOfACommand, IsForTheAuditTrail) {
  DeviceCommand command;
  command.id = 9;
  EXPECT_EQ(text_of(command, {.disconnect = {{1, 3}}, .connect = {{2, 5}, {4, 7}}}),
            "command 9: disconnect 1-3; connect 2-5, 4-7");
  EXPECT_EQ(text_of(command, {.disconnect = {}, .connect = {{2, 5}}}), "command 9: connect 2-5");
  ChangeReport report;
  report.pairs = {{.circuit = {2, 5}, .connect = true, .outcome = PairOutcome::kAlready}};
  EXPECT_EQ(text_of(report), "done: was so already");
  report.pairs[0].outcome = PairOutcome::kDone;
  EXPECT_EQ(text_of(report), "done");  // of an observer
  report.turn_around = Duration::milliseconds(25);
  EXPECT_EQ(text_of(report), "done in 25 ms");
  report.pairs = {
      {.circuit = {2, 5}, .connect = true, .outcome = PairOutcome::kDenied, .reason = "SROF: busy"},
      {.circuit = {1, 3}, .connect = false, .outcome = PairOutcome::kDisobeyed}};
  EXPECT_EQ(text_of(report), "connect 2-5: denied (SROF: busy), disconnect 1-3: disobeyed");
}

}  // namespace
}  // namespace mixnet
