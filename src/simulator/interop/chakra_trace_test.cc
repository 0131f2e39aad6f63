#include "interop/chakra_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "interop/wire_format.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

ChakraTrace test_trace() {
  ChakraTrace trace;
  trace.version = "0.0.4";
  ChakraNode work;
  work.id = 1;
  work.name = "attention";
  work.kind = ChakraKind::kCompute;
  work.duration_us = 1200;
  work.is_cpu_op = false;
  work.num_ops = 3'000'000'000;
  work.tensor_size = 4096;
  ChakraNode dispatch;
  dispatch.id = 2;
  dispatch.name = "dispatch";
  dispatch.kind = ChakraKind::kCollective;
  dispatch.data_deps = {1};
  dispatch.control_deps = {1};
  dispatch.is_cpu_op = false;
  dispatch.collective = ChakraCollective::kAllToAll;
  dispatch.comm_size = 1 << 24;
  dispatch.process_group = "3";
  dispatch.splits = {0, 1 << 20, 300};
  ChakraNode send;
  send.id = 300;
  send.kind = ChakraKind::kSend;
  send.data_deps = {1, 2};
  send.comm_size = 0;
  send.source = 0;
  send.destination = 7;
  send.tag = 0xFFFF'FFFF;
  send.priority = 0;
  send.start_us = 5;
  trace.nodes = {work, dispatch, send};
  return trace;
}

std::string error_of(std::string_view bytes) {
  try {
    parse_chakra_trace(bytes, "t.0.et");
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

/// A trace of one node with the fields `message`.
std::string trace_of(const std::string& message) {
  std::string bytes(1, '\0');
  put_varint(bytes, message.size());
  return bytes + message;
}

std::string attribute(std::string_view name, const std::string& value) {
  std::string message;
  put_bytes(message, 1, name);
  std::string field;
  put_bytes(field, 10, message + value);
  return field;
}

std::string number_field(std::uint32_t tag, std::uint64_t number) {
  std::string field;
  put_tag(field, tag, WireType::kVarint);
  put_varint(field, number);
  return field;
}

ChakraNode node_of(const std::string& message) {
  return parse_chakra_trace(trace_of(message), "t.0.et").nodes.at(0);
}

TEST(ChakraTrace, RoundTrip) {
  const std::string bytes = to_chakra_trace(test_trace());
  EXPECT_EQ(parse_chakra_trace(bytes, "t"), test_trace());
  EXPECT_EQ(to_chakra_trace(parse_chakra_trace(bytes, "t")), bytes);
  const ChakraTrace empty;
  EXPECT_EQ(parse_chakra_trace(to_chakra_trace(empty), "t"), empty);
}

TEST(ChakraTrace, NumbersOfAnyWidth) {
  // num_ops as int32, int64, uint32, uint64, sint32, sint64 and bool.
  for (const auto& [tag, bits] : std::vector<std::pair<std::uint32_t, std::uint64_t>>{
           {7, 1}, {9, 1}, {11, 1}, {13, 1}, {15, 2}, {17, 2}, {27, 1}}) {
    EXPECT_EQ(node_of(attribute("num_ops", number_field(tag, bits))).num_ops, 1U) << tag;
  }
  std::string fixed64;
  put_tag(fixed64, 21, WireType::kFixed64);
  fixed64 += std::string("\x01\x00\x00\x00\x00\x00\x00\x00", 8);
  EXPECT_EQ(node_of(attribute("num_ops", fixed64)).num_ops, 1U);
  std::string sfixed32;
  put_tag(sfixed32, 23, WireType::kFixed32);
  sfixed32 += "\xff\xff\xff\xff";
  EXPECT_EQ(node_of(attribute("comm_tag", sfixed32)).tag, 0xFFFF'FFFFU);
  EXPECT_EQ(node_of(attribute("comm_tag", number_field(7, UINT64_MAX))).tag, 0xFFFF'FFFFU);
  EXPECT_EQ(node_of(attribute("comm_src", number_field(7, 0))).source, 0U);
}

TEST(ChakraTrace, DependenciesPackedOrNot) {
  std::string second;
  put_number(second, 1, 9);
  second += number_field(5, 1) + number_field(5, 2);
  std::string first;
  put_number(first, 1, 1);
  std::string third;
  put_number(third, 1, 2);
  put_bytes(third, 5, "\x01");
  std::string bytes = trace_of(second);
  for (const std::string& message : {first, third}) {
    put_varint(bytes, message.size());
    bytes += message;
  }
  const ChakraTrace trace = parse_chakra_trace(bytes, "t");
  EXPECT_THAT(trace.nodes[0].data_deps, ElementsAre(1, 2));
  EXPECT_THAT(trace.nodes[2].data_deps, ElementsAre(1));
}

TEST(ChakraTrace, WhatIsNotKnownIsKept) {
  std::string inputs;
  put_bytes(inputs, 8, "\x0a\x02[]");
  const std::string own = attribute("framework", number_field(9, 7));
  const ChakraNode node = node_of(own + number_field(3, 4) + inputs);
  EXPECT_EQ(node.other, own + inputs);
  ChakraTrace trace;
  put_bytes(trace.metadata, 2, "\x0a\x01x");
  trace.nodes = {node};
  const std::string once = to_chakra_trace(trace);
  EXPECT_THAT(once, HasSubstr(own));
  EXPECT_EQ(to_chakra_trace(parse_chakra_trace(once, "t")), once);
}

TEST(ChakraTrace, WrongValuesAreToldInOneLine) {
  EXPECT_THAT(error_of(""), HasSubstr("is empty"));
  EXPECT_THAT(error_of(trace_of(number_field(3, 99))), HasSubstr("99 is no type of a node"));
  EXPECT_THAT(error_of(trace_of(attribute("comm_size", number_field(9, UINT64_MAX)))),
              HasSubstr("comm_size is no number from 0"));
  EXPECT_THAT(error_of(trace_of(attribute("comm_type", number_field(9, 10)))),
              HasSubstr("comm_type is no number from 0 to 9"));
  EXPECT_THAT(error_of(trace_of(attribute("comm_size", ""))), HasSubstr("no whole number"));
  EXPECT_THAT(error_of(trace_of(attribute("pg_name", number_field(9, 1)))), HasSubstr("no text"));
  EXPECT_THAT(error_of(trace_of(attribute("comm_splits", number_field(9, 1)))),
              HasSubstr("no list"));
  EXPECT_THAT(error_of(trace_of(number_field(2, 1))), HasSubstr("wrong type"));
  ChakraTrace trace = test_trace();
  trace.nodes[2].id = 1;
  EXPECT_THAT(error_of(to_chakra_trace(trace)), HasSubstr("two nodes have the id 1"));
}

TEST(ChakraTrace, WhetherControlDependenciesAreOfOrderOnly) {
  ChakraTrace trace = test_trace();
  EXPECT_FALSE(parse_chakra_trace(to_chakra_trace(trace), "t.0.et").control_deps_order_only);
  trace.control_deps_order_only = true;
  EXPECT_EQ(parse_chakra_trace(to_chakra_trace(trace), "t.0.et"), trace);
}

TEST(ChakraTrace, EveryTruncationAndFlippedBitIsATraceOrOneLine) {
  const std::string bytes = to_chakra_trace(test_trace());
  const auto check = [](const std::string& damaged) {
    const std::string error = error_of(damaged);
    if (error == "no error") return 0;
    EXPECT_THAT(error, StartsWith("t.0.et"));
    EXPECT_EQ(error.find('\n'), std::string::npos);
    return 1;
  };
  int refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) refused += check(bytes.substr(0, size));
  EXPECT_GE(refused, static_cast<int>(bytes.size()) - 4);  // a whole number of nodes is a trace
  refused = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    refused += check(flipped);
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size()));
}

}  // namespace
}  // namespace mixnet
