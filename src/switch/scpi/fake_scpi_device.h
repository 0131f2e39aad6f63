// An SCPI switch of two sides for tests: patches, shutters, power as a Polatis answers them, and
// whatever misbehaviour a test twists in.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ocs/fake_device.h"
#include "scpi/scpi_text.h"

namespace mixnet {

class FakeScpiDevice {
 public:
  /// Called for each command with the answer that a switch would give.
  using Twist =
      std::function<FakeDevice::Reply(const ScpiCommand& command, FakeDevice::Reply usual)>;

  explicit FakeScpiDevice(int inputs, Twist twist = nullptr);

  int port() const { return device_.port(); }
  FakeDevice& device() { return device_; }
  std::set<std::pair<int, int>> patches() const;
  void patch(int in, int out);
  void part(int in);
  /// An input that no patch can be made from: an error, and nothing of the command is done.
  void stick(int in) { stuck_ = in; }
  void push_error(int code);
  /// What was asked since the last call, as it was typed.
  std::vector<std::string> take_asked();

 private:
  FakeDevice::Reply serve(std::string_view bytes);
  std::string carry_out(const ScpiCommand& command);
  void change(bool add, const std::vector<int>& in, const std::vector<int>& out);

  const int inputs_;
  Twist twist_;
  mutable std::mutex mutex_;  // of what follows
  std::map<int, int> patches_;
  ScpiErrorQueue errors_;
  std::vector<std::string> asked_;
  std::atomic<int> stuck_ = 0;
  ScpiLines lines_;
  FakeDevice device_;
};

}  // namespace mixnet
