#include "scpi/fake_scpi_device.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mixnet {

FakeScpiDevice::FakeScpiDevice(int inputs, Twist twist)
    : inputs_(inputs),
      twist_(std::move(twist)),
      device_([this](std::string_view bytes) { return serve(bytes); }) {}

std::set<std::pair<int, int>> FakeScpiDevice::patches() const {
  const std::lock_guard lock(mutex_);
  return {patches_.begin(), patches_.end()};
}

void FakeScpiDevice::patch(int in, int out) {
  const std::lock_guard lock(mutex_);
  patches_[in] = out;
}

void FakeScpiDevice::part(int in) {
  const std::lock_guard lock(mutex_);
  patches_.erase(in);
}

void FakeScpiDevice::push_error(int code) {
  const std::lock_guard lock(mutex_);
  errors_.push(code);
}

std::vector<std::string> FakeScpiDevice::take_asked() {
  const std::lock_guard lock(mutex_);
  return std::exchange(asked_, {});
}

FakeDevice::Reply FakeScpiDevice::serve(std::string_view bytes) {
  if (bytes.empty()) lines_ = {};
  lines_.feed(bytes);
  FakeDevice::Reply whole;
  while (const auto line = lines_.next()) {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(*line);
    }
    for (const ScpiCommand& command : parse_scpi_commands(*line)) {
      FakeDevice::Reply reply;
      {
        const std::lock_guard lock(mutex_);
        reply.bytes = carry_out(command);
      }
      if (!reply.bytes.empty()) reply.bytes += "\r\n";
      if (twist_) reply = twist_(command, std::move(reply));
      whole.bytes += reply.bytes;
      whole.step = std::max(whole.step, reply.step);
      if (reply.close) return {whole.bytes, true};
    }
  }
  return whole;
}

void FakeScpiDevice::change(bool add, const std::vector<int>& in, const std::vector<int>& out) {
  constexpr int kHardwareError = -240;
  if (std::ranges::find(in, stuck_.load()) != in.end()) {
    errors_.push(kHardwareError);
    return;
  }
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::erase_if(patches_, [&](const auto& one) {
      return one.first == in[i] || (i < out.size() && one.second == out[i]);
    });
    if (add && i < out.size()) patches_[in[i]] = out[i];
  }
}

std::string FakeScpiDevice::carry_out(const ScpiCommand& command) {
  const auto is = [&](std::string_view pattern) { return is_scpi(command.header, pattern); };
  if (is("*OPC?")) return "1";
  if (is("*IDN?")) return "Polatis,I-OST-16x16-LU1-DMHNS,002414,6.5.2.18";
  if (is("SYSTem:ERRor:ALL?")) return write_scpi_errors(errors_.take_all());
  if (is("OXC:SWITch:SIZE?")) return fmt::format("{0},{0}", inputs_);
  if (is("OXC:SWITch:CONNect:STATe?")) {
    std::vector<Patch> patches;
    for (const auto& [in, out] : patches_) patches.push_back({in, out});
    return write_scpi_patches(patches);
  }
  int code = -113;
  const auto lists = parse_scpi_lists(command.parameters, 2 * inputs_, code);
  const bool adds = is("OXC:SWITch:CONNect:ADD");
  if (lists && lists->size() == 2 && (adds || is("OXC:SWITch:CONNect:SUB"))) {
    change(adds, (*lists)[0], (*lists)[1]);
    return {};
  }
  std::vector<std::string> values;
  const bool asks_power = is("PMON:POWer?");
  if (lists && lists->size() == 1 && (asks_power || is("OXC:SWITch:PORT:STATe?"))) {
    for (const int port : (*lists)[0]) {
      // Outputs alone are watched.
      if (asks_power && port <= inputs_) values.clear();
      if (asks_power && port <= inputs_) break;
      values.push_back(asks_power ? fmt::format("-{}.50", port) : port == 3 ? "D" : "E");
    }
    if (!values.empty()) return fmt::format("({})", fmt::join(values, ","));
  }
  errors_.push(code == 0 ? -222 : code);
  return {};
}

}  // namespace mixnet
