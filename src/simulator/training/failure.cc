#include "training/failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/suggest.h"

namespace mixnet {
namespace {

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

  const auto* const known =
      std::ranges::find(Names<FailedPart>::kTable, part, &NamedValue<FailedPart>::name);
  if (known == std::end(Names<FailedPart>::kTable)) {
    throw Error(input, fmt::format("'{}' is not a failure", text),
                part.empty() ? "give one such as nic:3.1, link:tor-up.5, gpu:17, server:5 or ocs:2"
                             : suggest(part, names_of<FailedPart>()));
  }
  failure.part = known->value;
  failure.index = index;
  const bool is_one_number = index >= 0 && first.size() == which.size();
  switch (failure.part) {
    case FailedPart::kOcs:
      if (!is_one_number) throw wrong("give the region's number, as in ocs:2");
      return failure;
    case FailedPart::kGpu:
      if (!is_one_number) throw wrong("give the rank, as in gpu:17");
      return failure;
    case FailedPart::kServer:
      if (!is_one_number) throw wrong("give the server's number, as in server:5");
      return failure;
    case FailedPart::kNic:
      if (index < 0 || sub < 0) throw wrong("give server and NIC, as in nic:3.1");
      failure.nic = sub;
      return failure;
    case FailedPart::kLink:
      break;
  }
  if (sub < 0) throw wrong("give server and NIC, or tier and number, as in link:tor-up.5");
  if (index >= 0) {  // a NIC's cable
    failure.part = FailedPart::kNic;
    failure.nic = sub;
    return failure;
  }
  if (std::ranges::find(kTiers, first) == std::end(kTiers)) {
    throw Error(input, fmt::format("'{}' names no tier of links", text), suggest(first, kTiers));
  }
  failure.tier = first;
  failure.index = sub;
  return failure;
}

}  // namespace mixnet
