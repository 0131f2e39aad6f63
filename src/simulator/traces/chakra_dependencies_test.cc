#include "traces/chakra_dependencies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ChakraNode node(std::uint64_t id, std::vector<std::uint64_t> data,
                std::vector<std::uint64_t> control = {}) {
  ChakraNode node;
  node.id = id;
  node.data_deps = std::move(data);
  node.control_deps = std::move(control);
  return node;
}

TEST(ChakraDependencies, BothKindsCount) {
  ChakraTrace trace;
  trace.nodes = {node(10, {}), node(20, {}), node(30, {20, 10}, {10})};
  const NodeDependencies deps = dependencies_of(trace);
  EXPECT_THAT(deps.of, ElementsAre(IsEmpty(), IsEmpty(), ElementsAre(0, 1)));
  EXPECT_EQ(deps.passed_over, 0U);
  EXPECT_FALSE(deps.is_call_stack);
}

TEST(ChakraDependencies, OrderAloneDoesNot) {
  ChakraTrace trace;
  trace.control_deps_order_only = true;
  trace.nodes = {node(10, {}), node(20, {10}), node(30, {10}, {20})};
  EXPECT_THAT(dependencies_of(trace).of, ElementsAre(IsEmpty(), ElementsAre(0), ElementsAre(0)));
}

TEST(ChakraDependencies, NodesThatAreNotThereAndNodesThatNameThemselves) {
  ChakraTrace trace;
  trace.nodes = {node(10, {}, {10}), node(20, {10, 99}, {98})};
  const NodeDependencies deps = dependencies_of(trace);
  EXPECT_THAT(deps.of, ElementsAre(IsEmpty(), ElementsAre(0)));
  EXPECT_EQ(deps.passed_over, 3U);
}

TEST(ChakraDependencies, ACallStackThatContradictsTheData) {
  // 10 calls 20, and needs what 20 makes.
  ChakraTrace trace;
  trace.nodes = {node(10, {20}), node(20, {}, {10}), node(30, {10}, {20})};
  const NodeDependencies deps = dependencies_of(trace);
  EXPECT_TRUE(deps.is_call_stack);
  EXPECT_THAT(deps.of, ElementsAre(ElementsAre(1), IsEmpty(), ElementsAre(0)));
}

TEST(ChakraDependencies, ACircleOfDataStays) {
  ChakraTrace trace;
  trace.nodes = {node(10, {20}), node(20, {10}, {10})};
  EXPECT_FALSE(dependencies_of(trace).is_call_stack);
}

}  // namespace
}  // namespace mixnet
