#include "interop/connection_matrix.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view text) {
  try {
    parse_connection_matrix(text, "f.cm");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A file of 16 hosts and one flow, on line 3, whose words after "0->1" are `words`.
std::string error_of_flow(std::string_view words) {
  return error_of(fmt::format("Nodes 16\nConnections 1\n0->1 {}\n", words));
}

/// A file of 16 hosts whose third line is `trigger`, which starts the one flow after it, and which
/// another flow activates.
std::string error_of_trigger(std::string_view trigger) {
  return error_of(
      fmt::format("Nodes 16\nConnections 2\n{}\n0->1 trigger 7 size 1\n2->3 start 0 size 1 "
                  "recv_done_trigger 7\n",
                  trigger));
}

TEST(ConnectionMatrix, ReadsPlainFlows) {
  const FlowList list = parse_connection_matrix(
      "\xEF\xBB\xBFNodes 16\r\n"
      "Connections 2\r\n"
      "\r\n"
      "# an incast\n"
      "0->15 start 0 size 2000000\n"
      "  1->15\tid 7  start 1.5e6 size 4096 prio 3",
      "f.cm");
  EXPECT_EQ(
      list,
      (FlowList{
          .hosts = 16,
          .flows = {
              {.from = 0, .to = 15, .bytes = {2'000'000}},
              {.from = 1, .to = 15, .bytes = {4096}, .start = Time::picoseconds(1'500'000)}}}));
}

TEST(ConnectionMatrix, ReadsTriggersBeforeOrAfterTheirFlows) {
  const std::string_view header = "Nodes 4\nConnections 3\nTriggers 2\nFailures 0\n";
  const std::string_view flows =
      "0->1 id 1 start 0 size 10 send_done_trigger 5\n"
      "1->2 id 2 size 20 recv_done_trigger 5 trigger 3\n"
      "2->3 id 3 trigger 5 size 30\n";
  const std::string_view triggers = "trigger id 5 barrier count 2\ntrigger oneshot id 3\n";
  // Flow 2 waits for trigger 3, which no flow activates.
  EXPECT_THAT(error_of(fmt::format("{}{}{}", header, flows, triggers)),
              StartsWith("f.cm:6: the flow never starts: too few of the flows that start activate "
                         "trigger 3; let 1 of them name it after 'recv_done_trigger'"));

  const FlowList list = parse_connection_matrix(
      "Nodes 4\nConnections 3\nTriggers 1\n"
      "0->1 id 1 start 0 size 10 send_done_trigger 5\n"
      "1->2 id 2 size 20 recv_done_trigger 5 start 9\n"
      "2->3 id 3 trigger 5 size 30\n"
      "trigger id 5 barrier count 2\n",
      "f.cm");
  const FlowList expected{
      .hosts = 4,
      .flows = {{.from = 0, .to = 1, .bytes = {10}, .fires = 0},
                {.from = 1, .to = 2, .bytes = {20}, .start = Time::picoseconds(9), .fires = 0},
                {.from = 2, .to = 3, .bytes = {30}, .after = 0}},
      .triggers = {{.id = 5, .count = 2}}};
  EXPECT_EQ(list, expected);
}

TEST(ConnectionMatrix, ReadsFlowsThatStartEachOther) {
  const FlowList list{
      .hosts = 4,
      .flows = {{.from = 0, .to = 1, .bytes = {10}, .start = Time::picoseconds(7), .fires = 1},
                {.from = 1, .to = 2, .bytes = {20}, .after = 1, .fires = 0},
                {.from = 3, .to = 2, .bytes = {5}, .fires = 0},
                {.from = 2, .to = 3, .bytes = {30}, .after = 0}},
      .triggers = {{.id = 40, .count = 2}, {.id = 8, .count = 1}, {.id = 9, .count = 3}}};
  const std::string text =
      "Nodes 4\n"
      "Connections 4\n"
      "Triggers 3\n"
      "trigger id 40 barrier count 2\n"
      "trigger id 8 oneshot\n"
      "trigger id 9 barrier count 3\n"
      "0->1 id 1 start 7 size 10 recv_done_trigger 8\n"
      "1->2 id 2 trigger 8 size 20 recv_done_trigger 40\n"
      "3->2 id 3 start 0 size 5 recv_done_trigger 40\n"
      "2->3 id 4 trigger 40 size 30\n";
  EXPECT_EQ(parse_connection_matrix(text, "f.cm"), list);
}

TEST(ConnectionMatrix, RefusesAHeaderThatIsNotWhole) {
  EXPECT_THAT(error_of(""), StartsWith("f.cm: has no 'Nodes' line; begin with 'Nodes N'"));
  EXPECT_THAT(error_of("Connections 1\n0->1 start 0 size 1\n"),
              StartsWith("f.cm:2: has no 'Nodes' line before it"));
  EXPECT_THAT(error_of("Nodes 2\n0->1 start 0 size 1\n"),
              StartsWith("f.cm:2: has no 'Connections' line before it"));
  EXPECT_THAT(error_of("Nodes 2\ntrigger id 1 oneshot\n"), HasSubstr("has no 'Connections' line"));
  EXPECT_THAT(error_of("Nodes 2\n"), StartsWith("f.cm: has no 'Connections' line"));
  EXPECT_THAT(error_of("Nodes\n"),
              StartsWith("f.cm:1: Nodes is empty; give a whole number of hosts, 2 to 1048576"));
  EXPECT_THAT(error_of("Nodes 1\n"), HasSubstr("Nodes '1' is too small"));
  EXPECT_THAT(error_of("Nodes 1000000000\n"), HasSubstr("Nodes '1000000000' is too large"));
  EXPECT_THAT(error_of("Nodes 2 3\n"), HasSubstr("'3' stands after the number"));
  EXPECT_THAT(error_of("Nodes 2\nNodes 2\n"), StartsWith("f.cm:2: 'Nodes' is given twice"));
  EXPECT_THAT(error_of("Nodes 2\nConnections 0\n"), HasSubstr("Connections '0' is too small"));
  EXPECT_THAT(error_of("Nodes 2\nConnections 1\n0->1 start 0 size 1\nTriggers 0\n"),
              StartsWith("f.cm:4: 'Triggers' stands after a flow or trigger"));
}

TEST(ConnectionMatrix, NamesBothNumbersOfAWrongCount) {
  EXPECT_THAT(error_of("Nodes 2\nConnections 3\n0->1 start 0 size 1\n1->0 start 0 size 1\n"),
              StartsWith("f.cm:2: says 'Connections 3' but the file holds 2 flows"));
  EXPECT_THAT(error_of("Nodes 2\nConnections 1\nTriggers 2\n0->1 start 0 size 1\n"
                       "trigger id 1 oneshot\n"),
              StartsWith("f.cm:3: says 'Triggers 2' but the file holds 1 triggers"));
}

TEST(ConnectionMatrix, RefusesFailures) {
  EXPECT_THAT(error_of("Nodes 2\nConnections 1\nFailures 2\n"),
              StartsWith("f.cm:3: asks for link failures, which are not read from flow files"));
  EXPECT_THAT(error_of("Nodes 2\nConnections 1\nfailure switch_type TOR switch_id 0 link_id 1\n"),
              StartsWith("f.cm:3: asks for link failures"));
}

TEST(ConnectionMatrix, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error_of("Node 2\n"),
              StartsWith("f.cm:1: starts with 'Node'; did you mean 'Nodes'? known: Nodes, "
                         "Connections, Triggers, Failures, trigger, SRC->DST"));
  EXPECT_THAT(error_of_flow("begin 0 size 1"),
              StartsWith("f.cm:3: 'begin' is not known; known: id, start, trigger, size, "
                         "send_done_trigger, recv_done_trigger, prio, msg"));
  EXPECT_THAT(error_of_trigger("trigger id 7 onshot"),
              StartsWith("f.cm:3: 'onshot' is not known; did you mean 'oneshot'? known: id, count, "
                         "oneshot, barrier, multishot"));
  EXPECT_LT(error_of(std::string(1'000'000, 'x')).size(), 300U);
}

TEST(ConnectionMatrix, RefusesFlowsToNowhere) {
  const auto error_between = [](std::string_view hosts) {
    return error_of(fmt::format("Nodes 16\nConnections 1\n{} start 0 size 1\n", hosts));
  };
  EXPECT_EQ(error_between("0->15"), "no error");
  EXPECT_THAT(error_between("0->16"),
              StartsWith("f.cm:3: receiver '16' is too large; give a whole number, 0 to 15"));
  EXPECT_THAT(error_between("16->0"), HasSubstr("sender '16' is too large"));
  EXPECT_THAT(error_between("-1->0"), HasSubstr("sender '-1' is negative"));
  EXPECT_THAT(error_between("->0"), HasSubstr("sender is empty"));
  EXPECT_THAT(error_between("3->"), HasSubstr("receiver is empty"));
  EXPECT_THAT(error_between("3 -> 4"), HasSubstr("starts with '3'"));
  EXPECT_THAT(error_between("a->b"), HasSubstr("sender 'a' is not a number"));
  EXPECT_THAT(error_between("4294967296->1"), HasSubstr("too large"));
  EXPECT_THAT(error_between("5->5"), StartsWith("f.cm:3: host 5 sends to itself"));
}

TEST(ConnectionMatrix, RefusesSizesThatAreNone) {
  EXPECT_THAT(error_of_flow("start 0"), StartsWith("f.cm:3: the flow has no size"));
  EXPECT_THAT(error_of_flow("start 0 size"),
              StartsWith("f.cm:3: size is empty; give a whole number of bytes, 1 to "
                         "9007199254740992"));
  EXPECT_THAT(error_of_flow("start 0 size 0"), HasSubstr("size '0' is too small"));
  EXPECT_THAT(error_of_flow("start 0 size -4"), HasSubstr("size '-4' is negative"));
  EXPECT_THAT(error_of_flow("start 0 size 1.5"), HasSubstr("size '1.5' is not whole"));
  EXPECT_THAT(error_of_flow("start 0 size nan"), HasSubstr("size 'nan' is not finite"));
  EXPECT_THAT(error_of_flow("start 0 size 1e999"), HasSubstr("out of range"));
  EXPECT_THAT(error_of_flow("start 0 size 2MB"), HasSubstr("size '2MB' is not a number"));
  EXPECT_EQ(error_of_flow("start 0 size 9007199254740992"), "no error");
  EXPECT_THAT(error_of_flow("start 0 size 9007199254740993"), HasSubstr("too large"));
  EXPECT_THAT(error_of_flow("start 0 size 99999999999999999999"), HasSubstr("too large"));
  EXPECT_THAT(error_of("Nodes 2\nConnections 2\n0->1 start 0 size 9007199254740992\n"
                       "1->0 start 0 size 1\n"),
              StartsWith("f.cm:4: the flows add up to over 2^53 bytes"));
}

TEST(ConnectionMatrix, RefusesStartsThatAreNone) {
  EXPECT_THAT(error_of_flow("size 1"),
              StartsWith("f.cm:3: the flow has neither 'start' nor 'trigger'"));
  EXPECT_THAT(error_of_flow("start 0 trigger 1 size 1"), HasSubstr("both 'start' and 'trigger'"));
  EXPECT_THAT(error_of_flow("start 0 start 1 size 1"), HasSubstr("'start' is given twice"));
  EXPECT_EQ(error_of_flow("start 3600000000000000 size 1"), "no error");
  EXPECT_THAT(error_of_flow("start 3600000000000001 size 1"), HasSubstr("too large"));
  EXPECT_THAT(error_of_flow("start 0.25 size 1"),
              HasSubstr("start '0.25' is not whole; give a whole number of picoseconds"));
  EXPECT_THAT(error_of_flow("start -1 size 1"), HasSubstr("negative"));
}

TEST(ConnectionMatrix, RefusesIdsGivenTwice) {
  EXPECT_THAT(error_of_flow("id 0 start 0 size 1"), HasSubstr("id '0' is too small"));
  EXPECT_THAT(
      error_of("Nodes 2\nConnections 2\n0->1 id 4 start 0 size 1\n1->0 id 4 start 0 size 1"),
      StartsWith("f.cm:4: flow id 4 is given twice"));
  EXPECT_THAT(error_of_trigger("trigger id 7 oneshot\ntrigger id 7 oneshot"),
              StartsWith("f.cm:4: trigger 7 is defined twice, first on line 3"));
}

TEST(ConnectionMatrix, RefusesTriggersThatAreNotWhole) {
  EXPECT_EQ(error_of_trigger("trigger id 7 oneshot"), "no error");
  EXPECT_EQ(error_of_trigger("trigger id 7 multishot"), "no error");
  EXPECT_EQ(error_of_trigger("trigger id 7 barrier count 1"), "no error");
  for (const char* const bad : {"trigger", "trigger id 7", "trigger oneshot",
                                "trigger id 7 barrier", "trigger id 7 oneshot count 2",
                                "trigger id 7 oneshot barrier count 2", "trigger id 7 count 2"}) {
    EXPECT_THAT(error_of_trigger(bad), StartsWith("f.cm:3: is not a whole trigger")) << bad;
  }
  EXPECT_THAT(error_of_trigger("trigger id 0 oneshot"), HasSubstr("id '0' is too small"));
  EXPECT_THAT(error_of_trigger("trigger id 7 barrier count 0"),
              HasSubstr("count '0' is too small"));
  EXPECT_THAT(error_of_trigger("# none"),
              StartsWith("f.cm:4: trigger 7 is not defined in the file; add 'trigger id 7 oneshot' "
                         "or 'trigger id 7 barrier count N'"));
  EXPECT_THAT(error_of_flow("start 0 size 1 send_done_trigger 1 recv_done_trigger 2"),
              HasSubstr("both 'send_done_trigger' and 'recv_done_trigger'"));
}

TEST(ConnectionMatrix, MultishotTriggersStartOneFlowAtATime) {
  const FlowList list = parse_connection_matrix(
      "Nodes 4\nConnections 4\nTriggers 1\n"
      "trigger id 7 multishot\n"
      "0->1 start 0 size 10 recv_done_trigger 7\n"
      "0->2 start 0 size 10 recv_done_trigger 7\n"
      "1->2 trigger 7 size 10\n"
      "1->3 trigger 7 size 10\n",
      "f.cm");
  EXPECT_EQ(list.triggers[0], (FlowTrigger{.id = 7, .count = 1, .one_by_one = true}));
  EXPECT_THAT(error_of("Nodes 4\nConnections 3\ntrigger id 7 multishot\n"
                       "0->1 start 0 size 10 recv_done_trigger 7\n"
                       "1->2 trigger 7 size 10\n1->3 trigger 7 size 10\n"),
              StartsWith("f.cm:6: the flow never starts"));
}

TEST(ConnectionMatrix, MessagesOfAnIdFollowOneAnother) {
  const FlowList list = parse_connection_matrix(
      "Nodes 4\nConnections 4\n"
      "2->3 start 0 size 10\n"
      "0->1 id 5 msg 1 start 0 size 10\n"
      "0->1 id 6 msg 1 start 0 size 10\n"
      "0->1 id 5 msg 2 start 7 size 20\n",
      "f.cm");
  EXPECT_THAT(list.behind, testing::ElementsAre(-1, -1, -1, 1));
  const auto error = [](const std::string& second) {
    return error_of("Nodes 4\nConnections 2\n0->1 id 5 msg 1 start 0 size 10\n" + second);
  };
  EXPECT_THAT(error("0->1 id 5 msg 1 start 0 size 1\n"),
              StartsWith("f.cm:4: message 1 of flow 5 is given twice"));
  EXPECT_THAT(error("0->2 id 5 msg 2 start 0 size 1\n"),
              StartsWith("f.cm:4: flow id 5 is given twice; give messages of one flow the same"));
  EXPECT_THAT(error("0->1 id 5 start 0 size 1\n"), StartsWith("f.cm:4: flow id 5 is given twice"));
  EXPECT_THAT(error("0->1 msg 2 start 0 size 1\n"), StartsWith("f.cm:4: has a 'msg' and no 'id'"));
}

TEST(ConnectionMatrix, RefusesFlowsThatNeverStart) {
  EXPECT_THAT(error_of_trigger("trigger id 7 barrier count 2"),
              StartsWith("f.cm:4: the flow never starts"));
  EXPECT_THAT(error_of("Nodes 4\nConnections 1\ntrigger id 1 oneshot\n"
                       "0->1 trigger 1 size 1 recv_done_trigger 1\n"),
              StartsWith("f.cm:4: the flow never starts"));
}

TEST(ConnectionMatrix, NamesAMissingFile) {
  try {
    read_connection_matrix("/no/such/flows.cm");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/no/such/flows.cm: no such file"));
  }
}

}  // namespace
}  // namespace mixnet
