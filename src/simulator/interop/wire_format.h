// Protocol Buffers' wire format, as much of it as trace files use: varints, fixed numbers and
// length-delimited bytes, each behind a tag (protobuf.dev, "Encoding"). Messages are read field by
// field, so what a reader does not know can be kept as it is and written back.
//
// Our own because a trace is read in one pass over its bytes, without a message object for every
// node, and because hostile files then meet limits and errors of ours: each says at which byte of
// the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mixnet {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// One field of a message. `number` is a varint's or a fixed one's bits, `bytes` what is delimited.
struct WireField {
  std::uint32_t tag = 0;  ///< field number
  WireType type = WireType::kVarint;
  std::uint64_t number = 0;
  std::string_view bytes;
  std::string_view raw;     ///< the whole field, tag included
  std::uint64_t place = 0;  ///< in the file: where the field begins
};

/// A cursor over a message. The text must outlive it and the fields it gives.
class WireReader {
 public:
  /// `input` names the file; `place` is where in it the message begins.
  WireReader(std::string_view message, std::string_view input, std::uint64_t place = 0)
      : message_(message), input_(input), place_(place) {}

  bool at_end() const { return at_ == message_.size(); }
  /// Throws Error on a field that is cut off, or is none.
  WireField next();
  /// A message behind its length, as traces are written.
  WireReader delimited();
  /// Without a tag, as in a packed list.
  std::uint64_t varint();

  /// A message that lies in a field of this one.
  WireReader inside(const WireField& field) const;

  /// "rank.3.et: byte 17"
  std::string where() const;

 private:
  [[noreturn]] void fail(std::string_view what) const;
  std::string_view take(std::uint64_t size);

  std::string_view message_;
  std::string_view input_;
  std::uint64_t place_;
  std::size_t at_ = 0;
};

void put_varint(std::string& out, std::uint64_t value);
void put_tag(std::string& out, std::uint32_t tag, WireType type);
/// Nothing for 0 and for empty bytes: what is absent has that value.
void put_number(std::string& out, std::uint32_t tag, std::uint64_t value);
void put_bytes(std::string& out, std::uint32_t tag, std::string_view bytes);

}  // namespace mixnet
