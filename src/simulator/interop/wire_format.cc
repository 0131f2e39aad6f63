#include "interop/wire_format.h"

#include <fmt/format.h>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr int kVarintBytes = 10;
constexpr std::uint64_t kMostTag = (1U << 29) - 1;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

std::string WireReader::where() const { return fmt::format("{}: byte {}", input_, place_ + at_); }

void WireReader::fail(std::string_view what) const {
  throw Error(where(), what, "give an undamaged file");
}

std::string_view WireReader::take(std::uint64_t size) {
  if (size > message_.size() - at_) {
    fail(fmt::format("the data end where {} bytes should follow", size));
  }
  const std::string_view bytes = message_.substr(at_, size);
  at_ += size;
  return bytes;
}

std::uint64_t WireReader::varint() {
  std::uint64_t value = 0;
  for (int i = 0; i < kVarintBytes; ++i) {
    if (at_end()) fail("the data end within a number");
    const auto byte = static_cast<unsigned char>(message_[at_++]);
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if ((byte & 0x80U) == 0) return value;
  }
  fail("a number has over 10 bytes");
}

WireField WireReader::next() {
  const std::size_t begin = at_;
  WireField field;
  field.place = place_ + at_;
  const std::uint64_t key = varint();
  if (key >> 3 == 0 || key >> 3 > kMostTag) fail(fmt::format("{} is no field number", key >> 3));
  field.tag = static_cast<std::uint32_t>(key >> 3);
  switch (key & 7) {
    case 0:
      field.number = varint();
      break;
    case 1:
      field.number = little_endian(take(8));
      break;
    case 2:
      field.bytes = take(varint());
      break;
    case 5:
      field.number = little_endian(take(4));
      break;
    default:
      fail(fmt::format("field {} has the wire type {}, which is none", field.tag, key & 7));
  }
  field.type = static_cast<WireType>(key & 7);
  field.raw = message_.substr(begin, at_ - begin);
  return field;
}

WireReader WireReader::delimited() {
  const std::uint64_t size = varint();
  const std::uint64_t place = place_ + at_;
  return {take(size), input_, place};
}

WireReader WireReader::inside(const WireField& field) const {
  return {field.bytes, input_, field.place + (field.raw.size() - field.bytes.size())};
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_tag(std::string& out, std::uint32_t tag, WireType type) {
  put_varint(out, std::uint64_t{tag} << 3 | static_cast<std::uint64_t>(type));
}

void put_number(std::string& out, std::uint32_t tag, std::uint64_t value) {
  if (value == 0) return;
  put_tag(out, tag, WireType::kVarint);
  put_varint(out, value);
}

void put_bytes(std::string& out, std::uint32_t tag, std::string_view bytes) {
  if (bytes.empty()) return;
  put_tag(out, tag, WireType::kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

}  // namespace mixnet
