#include "cabling/test_frame.h"

#include <algorithm>
#include <string_view>

namespace mixnet {
namespace {

constexpr std::size_t kTypeAt = 12;
constexpr std::size_t kMagicAt = 14;
constexpr std::string_view kMagic = "MIXNET-CABLING";
constexpr std::size_t kRunAt = kMagicAt + kMagic.size();
constexpr std::size_t kNicAt = kRunAt + 8;
constexpr std::size_t kEnd = kNicAt + 4;

void put(std::uint8_t* at, std::uint64_t number, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) *at++ = static_cast<std::uint8_t>(number >> (8 * i));
}

std::uint64_t get(const std::uint8_t* at, int bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) number = number << 8 | at[i];
  return number;
}

}  // namespace

TestFrame make_test_frame(const std::array<std::uint8_t, 6>& source, TestFrameLabel label) {
  TestFrame frame{};
  std::fill_n(frame.begin(), 6, std::uint8_t{0xff});
  std::ranges::copy(source, frame.begin() + 6);
  put(frame.data() + kTypeAt, kTestFrameType, 2);
  std::ranges::copy(kMagic, frame.begin() + kMagicAt);
  put(frame.data() + kRunAt, label.run, 8);
  put(frame.data() + kNicAt, label.nic, 4);
  return frame;
}

std::optional<TestFrameLabel> read_test_frame(std::span<const std::uint8_t> frame) {
  if (frame.size() < kEnd || get(frame.data() + kTypeAt, 2) != kTestFrameType) return std::nullopt;
  if (!std::ranges::equal(kMagic, frame.subspan(kMagicAt, kMagic.size()),
                          [](char c, std::uint8_t byte) { return c == static_cast<char>(byte); })) {
    return std::nullopt;
  }
  return TestFrameLabel{get(frame.data() + kRunAt, 8),
                        static_cast<std::uint32_t>(get(frame.data() + kNicAt, 4))};
}

}  // namespace mixnet
