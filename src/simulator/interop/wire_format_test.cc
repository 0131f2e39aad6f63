#include "interop/wire_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string error_of(std::string_view bytes) {
  try {
    WireReader reader(bytes, "f", 100);
    while (!reader.at_end()) reader.next();
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(WireFormat, TheExamplesOfTheManual) {  // protobuf.dev/programming-guides/encoding
  std::string out;
  put_number(out, 1, 150);
  EXPECT_EQ(out, "\x08\x96\x01");
  out.clear();
  put_bytes(out, 2, "testing");
  EXPECT_EQ(out, "\x12\x07testing");
}

TEST(WireFormat, NumbersOfEveryLength) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t number :
         {std::uint64_t{1} << shift, (std::uint64_t{1} << shift) - 1}) {
      std::string out;
      put_varint(out, number);
      WireReader reader(out, "f");
      EXPECT_EQ(reader.varint(), number);
      EXPECT_TRUE(reader.at_end());
    }
  }
  std::string out;
  put_varint(out, UINT64_MAX);
  EXPECT_EQ(out.size(), 10U);
}

TEST(WireFormat, FieldsOfEveryType) {
  const std::string message =
      "\x08\x05\x11\x01\x00\x00\x00\x00\x00\x00\x80\x1a\x02hi\x25\x02\x00\x00\x00"s;
  WireReader reader(message, "f");
  WireField field = reader.next();
  EXPECT_EQ(field.tag, 1U);
  EXPECT_EQ(field.number, 5U);
  field = reader.next();
  EXPECT_EQ(field.type, WireType::kFixed64);
  EXPECT_EQ(field.number, 0x8000'0000'0000'0001U);
  field = reader.next();
  EXPECT_EQ(field.bytes, "hi");
  EXPECT_EQ(field.raw, "\x1a\x02hi");
  EXPECT_EQ(reader.inside(field).where(), "f: byte 13");
  field = reader.next();
  EXPECT_EQ(field.type, WireType::kFixed32);
  EXPECT_EQ(field.number, 2U);
  EXPECT_TRUE(reader.at_end());
}

TEST(WireFormat, WhatIsCutOffOrNoField) {
  EXPECT_THAT(error_of("\x08"), HasSubstr("f: byte 101: the data end within a number"));
  EXPECT_THAT(error_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), HasSubstr("10 bytes"));
  EXPECT_THAT(error_of("\x12\x07test"), HasSubstr("where 7 bytes should follow"));
  EXPECT_THAT(error_of("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), HasSubstr("should follow"));
  EXPECT_THAT(error_of("\x0d\x01"), HasSubstr("where 4 bytes"));
  EXPECT_THAT(error_of("\x09\x01"), HasSubstr("where 8 bytes"));
  EXPECT_THAT(error_of("\x0b"), HasSubstr("wire type 3"));
  EXPECT_THAT(error_of("\x02\x01x"), HasSubstr("0 is no field number"));
  EXPECT_EQ(error_of(""), "no error");
}

}  // namespace
}  // namespace mixnet
