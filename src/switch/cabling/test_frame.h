// The frame by which a NIC makes itself heard: 60 bytes of Ethernet, all told. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace mixnet {

inline constexpr std::uint16_t kTestFrameType = 0x88b5;  ///< IEEE 802 local experimental 1
using TestFrame = std::array<std::uint8_t, 60>;

struct TestFrameLabel {
  std::uint64_t run = 0;
  std::uint32_t nic = 0;
  bool operator==(const TestFrameLabel&) const = default;
};

TestFrame make_test_frame(const std::array<std::uint8_t, 6>& source, TestFrameLabel label);
/// Nothing for any other frame.
std::optional<TestFrameLabel> read_test_frame(std::span<const std::uint8_t> frame);

}  // namespace mixnet
