// Any bytes as what a TL1 device sends: the same messages whole or byte by byte, or a SwitchError;
// and what was read, written and read again, is the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "ocs/switch_error.h"
#include "tl1/tl1_reader.h"

namespace {

std::vector<mixnet::Tl1Message> read(std::string_view text, std::size_t step) {
  mixnet::Tl1Reader reader("fuzz");
  try {
    for (std::size_t at = 0; at < text.size(); at += step) reader.feed(text.substr(at, step));
  } catch (const mixnet::SwitchError&) {
  }
  std::vector<mixnet::Tl1Message> messages;
  while (auto message = reader.next()) messages.push_back(std::move(*message));
  return messages;
}

std::string write(const mixnet::Tl1Message& message) {
  if (const auto* response = std::get_if<mixnet::Tl1Response>(&message)) {
    return encode_tl1(*response, "SID", {});
  }
  if (const auto* autonomous = std::get_if<mixnet::Tl1Autonomous>(&message)) {
    return encode_tl1(*autonomous, "SID", {});
  }
  return encode_tl1(std::get<mixnet::Tl1Acknowledgement>(message));
}

const std::vector<std::string>* rows(const mixnet::Tl1Message& message) {
  if (const auto* response = std::get_if<mixnet::Tl1Response>(&message)) return &response->rows;
  const auto* autonomous = std::get_if<mixnet::Tl1Autonomous>(&message);
  return autonomous ? &autonomous->rows : nullptr;
}

bool is_plain(const std::string& row) {
  return std::ranges::none_of(row, [](unsigned char c) { return c < ' ' || c == 0xff; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto messages = read(text, text.size() + 1);
  if (messages != read(text, 1)) std::abort();
  for (const mixnet::Tl1Message& message : messages) {
    const auto again = read(write(message), 4096);
    if (again.size() != 1 || again[0].index() != message.index()) std::abort();
    const auto* before = rows(message);
    if (before && std::ranges::all_of(*before, is_plain) && *before != *rows(again[0])) {
      std::abort();
    }
  }
  return 0;
}
