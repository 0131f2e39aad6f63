#include "tl1/fake_tl1_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mixnet {

FakeTl1Device::FakeTl1Device(int inputs, Twist twist)
    : inputs_(inputs),
      twist_(std::move(twist)),
      device_([this](std::string_view bytes) { return serve(bytes); }) {}

std::set<std::pair<int, int>> FakeTl1Device::patches() const {
  const std::lock_guard lock(mutex_);
  return {patches_.begin(), patches_.end()};
}

void FakeTl1Device::patch(int in, int out) {
  const std::lock_guard lock(mutex_);
  patches_[in] = out;
}

void FakeTl1Device::part(int in) {
  const std::lock_guard lock(mutex_);
  patches_.erase(in);
}

std::vector<std::string> FakeTl1Device::take_asked() {
  const std::lock_guard lock(mutex_);
  return std::exchange(asked_, {});
}

std::string FakeTl1Device::answer(const Tl1Response& response) {
  return encode_tl1(response, "FAKE", {});
}

FakeDevice::Reply FakeTl1Device::serve(std::string_view bytes) {
  if (bytes.empty()) {
    reader_ = {};
    logged_in_ = false;
  }
  reader_.feed(bytes, "client");
  FakeDevice::Reply whole;
  while (const auto command = reader_.next()) {
    Tl1Response response;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(command->verb + ":" + command->aid);
      response = carry_out(*command);
    }
    response.ctag = command->ctag;
    FakeDevice::Reply reply{.bytes = answer(response)};
    if (twist_) reply = twist_(*command, std::move(reply));
    whole.bytes += reply.bytes;
    whole.step = std::max(whole.step, reply.step);
    whole.close = reply.close;
    if (whole.close) break;
  }
  return whole;
}

/// Sets a denial where one is none.
std::vector<int> FakeTl1Device::ports(const std::string& list, Tl1Response& response) const {
  std::string wrong;
  const auto found = tl1_ports(list, 2 * inputs_, wrong);
  if (found) return *found;
  response.completion = Tl1Completion::kDenied;
  response.error = "IDNV";
  response.comment = "Invalid OXC port: " + wrong;
  return {};
}

void FakeTl1Device::enter(const Tl1Command& command, Tl1Response& response) {
  const auto sides = split_tl1(command.aid, ',');
  const std::vector<int> in = ports(sides.front(), response);
  const std::vector<int> out = ports(sides.back(), response);
  for (std::size_t i = 0; i < std::min(in.size(), out.size()); ++i) {
    std::erase_if(patches_, [&](const auto& patch) { return patch.second == out[i]; });
    patches_[in[i]] = out[i];
  }
}

Tl1Response FakeTl1Device::carry_out(const Tl1Command& command) {
  Tl1Response response;
  if (command.verb == "ACT-USER") {
    logged_in_ = command.aid == "root" && command.blocks.size() > 1 && command.blocks[1] == "root";
    if (!logged_in_) return {"", Tl1Completion::kDenied, "PICC"};
  } else if (!logged_in_) {
    return {"", Tl1Completion::kDenied, "PLNA", "Not logged in"};
  } else if (command.verb == "RTRV-NETYPE") {
    response.rows = {"Polatis,OST,OCS,6.5.2.18"};
  } else if (command.verb == "RTRV-EQPT") {
    response.rows = {fmt::format("SYSTEM:SIZE={0}x{0}", inputs_)};
  } else if (command.verb == "ENT-PATCH") {
    enter(command, response);
  } else if (command.verb == "DLT-PATCH") {
    for (const int port : ports(command.aid, response)) {
      std::erase_if(patches_,
                    [&](const auto& one) { return one.first == port || one.second == port; });
    }
  } else if (command.verb == "RTRV-PATCH") {
    const std::string all = fmt::format("1&&{}", 2 * inputs_);
    const std::vector<int> asked = ports(command.aid.empty() ? all : command.aid, response);
    for (const auto& [in, out] : patches_) {
      if (std::ranges::find(asked, in) == asked.end() &&
          std::ranges::find(asked, out) == asked.end()) {
        continue;
      }
      response.rows.push_back(fmt::format("{},{}", in, out));
    }
  } else if (command.verb == "RTRV-PORT-SHUTTER" || command.verb == "RTRV-PORT-POWER") {
    for (const int port : ports(command.aid, response)) {
      response.rows.push_back(command.verb == "RTRV-PORT-POWER"
                                  ? fmt::format("{}:-{}.50", port, port)
                              : port == 3 ? "3:CLOSED"
                                          : fmt::format("{}:OPEN", port));
    }
  }
  return response;
}

}  // namespace mixnet
