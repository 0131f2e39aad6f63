#include "training/failure.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/suggest.h"

namespace mixnet {
namespace {

const std::string kParts[] = {"nic", "link", "ocs", "gpu", "server"};
const std::string kTiers[] = {"tor-up", "core-up", "leaf-up"};

/// -1 where it is not one.
int number(std::string_view text) {
  int value = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop == end && value >= 0 ? value : -1;
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char at) {
  const std::size_t place = text.find(at);
  if (place == std::string_view::npos) return {text, {}};
  return {text.substr(0, place), text.substr(place + 1)};
}

}  // namespace

Failure parse_failure(std::string_view text, std::string_view input) {
  const auto wrong = [&](std::string_view right) {
    return Error(input, fmt::format("'{}' is not a failure", text), right);
  };
  Failure failure;
  failure.text = text;
  const auto [what, when] = cut(text, '@');
  if (what.size() < text.size()) failure.at = parse_time(when, input);
  const auto [part, which] = cut(what, ':');
  const auto [first, second] = cut(which, '.');
  const int index = number(first);
  const int sub = number(second);

  if (part == "ocs" || part == "gpu" || part == "server") {
    failure.part = part == "ocs"   ? FailedPart::kOcs
                   : part == "gpu" ? FailedPart::kGpu
                                   : FailedPart::kServer;
    if (index < 0 || first.size() != which.size()) {
      throw wrong(part == "ocs"   ? "give the region's number, as in ocs:2"
                  : part == "gpu" ? "give the rank, as in gpu:17"
                                  : "give the server's number, as in server:5");
    }
    failure.index = index;
    return failure;
  }
  if (part != "nic" && part != "link") {
    throw Error(input, fmt::format("'{}' is not a failure", text),
                part.empty() ? "give one such as nic:3.1, link:tor-up.5, gpu:17, server:5 or ocs:2"
                             : suggest(part, kParts));
  }
  if (sub < 0) {
    throw wrong(part == "nic" ? "give server and NIC, as in nic:3.1"
                              : "give server and NIC, or tier and number, as in link:tor-up.5");
  }
  if (index >= 0) {
    failure.index = index;
    failure.nic = sub;
    return failure;
  }
  for (const std::string& tier : kTiers) {
    if (part != "link" || first != tier) continue;
    failure.part = FailedPart::kLink;
    failure.tier = tier;
    failure.index = sub;
    return failure;
  }
  if (part == "nic") throw wrong("give server and NIC, as in nic:3.1");
  throw Error(input, fmt::format("'{}' names no tier of links", text), suggest(first, kTiers));
}

}  // namespace mixnet
