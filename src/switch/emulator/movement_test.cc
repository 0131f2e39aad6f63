#include "emulator/movement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using testing::ElementsAre;

/// 1-5 both ways; to be 1-6 and 2-7.
Movement a_movement() {
  Movement movement;
  movement.before = {{1, 5}, {5, 1}};
  MovingRequest moving;
  moving.request.remove = movement.before;
  moving.request.add = {{1, 6}, {6, 1}, {2, 7}, {7, 2}};
  movement.requests.push_back(moving);
  return movement;
}

std::vector<LightPath> settled(const Movement& movement, int stuck = 0) {
  PathTable table(8);
  settle(
      movement, Sides::kOne, [&](int port) { return port == stuck; }, table);
  return table.paths();
}

TEST(Movement, IsOfTheCrossConnectsOfTheDevice) {
  Movement movement = a_movement();
  EXPECT_EQ(pairs_of(movement, Sides::kOne), 2);
  EXPECT_EQ(pairs_of(movement, Sides::kTwo), 4);
  movement.requests[0].request.add.clear();
  EXPECT_EQ(pairs_of(movement, Sides::kOne), 1);  // to disconnect
  EXPECT_EQ(pairs_of(Movement{}, Sides::kOne), 1);
}

TEST(Movement, NamesEachPortOnce) {
  const NamedPorts ports = ports_of(a_movement());
  EXPECT_THAT(ports.inputs, ElementsAre(1, 2, 5, 6, 7));
  EXPECT_THAT(ports.outputs, ElementsAre(1, 2, 5, 6, 7));
  EXPECT_THAT(positions_of(PathRequest{.remove = {{1, 2}}, .add = {{3, 1}}, .takes = {}}),
              ElementsAre(1, 2, 3));
}

TEST(Movement, ItsFirstHalfBeginsWithWhatIsRemoved) {
  const PathRequest half = first_half(a_movement().requests[0].request, Sides::kOne);
  EXPECT_EQ(half.remove.size(), 2u);
  EXPECT_TRUE(half.add.empty());  // one of three pairs
  const PathRequest of_two = first_half(a_movement().requests[0].request, Sides::kTwo);
  EXPECT_THAT(of_two.add, ElementsAre(LightPath{1, 6}));
}

TEST(Movement, ComesToRestAsItsFateSays) {
  Movement movement = a_movement();
  const std::vector<LightPath> whole = {{1, 6}, {2, 7}, {6, 1}, {7, 2}};
  EXPECT_EQ(settled(movement), whole);
  movement.requests[0].fate = Fate::kReverted;
  EXPECT_THAT(settled(movement), ElementsAre(LightPath{1, 5}, LightPath{5, 1}));
  movement.requests[0].fate = Fate::kDarkened;
  EXPECT_THAT(settled(movement), ElementsAre());
  movement.requests[0].fate = Fate::kHalf;
  EXPECT_THAT(settled(movement), ElementsAre(LightPath{1, 6}, LightPath{6, 1}));
}

TEST(Movement, AStuckPortKeepsWhatItHadAndIsInTheWay) {
  EXPECT_THAT(settled(a_movement(), 5),
              ElementsAre(LightPath{1, 5}, LightPath{2, 7}, LightPath{5, 1}, LightPath{7, 2}));
  EXPECT_THAT(settled(a_movement(), 7), ElementsAre(LightPath{1, 6}, LightPath{6, 1}));
}

}  // namespace
}  // namespace mixnet
