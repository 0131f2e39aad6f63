// A TL1 switch of two sides for tests: logins, patches, shutters, power as a Polatis answers them,
// and whatever misbehaviour a test twists in.
//
//     FakeTl1Device device(16, [](const Tl1Command& command, FakeDevice::Reply usual) {
//       return command.verb == "ENT-PATCH" ? FakeDevice::Reply{} : usual;   // silence
//     });
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ocs/fake_device.h"
#include "tl1/tl1_command.h"
#include "tl1/tl1_message.h"

namespace mixnet {

class FakeTl1Device {
 public:
  /// Called for each command with the answer that a switch would give.
  using Twist =
      std::function<FakeDevice::Reply(const Tl1Command& command, FakeDevice::Reply usual)>;

  explicit FakeTl1Device(int inputs, Twist twist = nullptr);

  int port() const { return device_.port(); }
  FakeDevice& device() { return device_; }
  std::set<std::pair<int, int>> patches() const;
  void patch(int in, int out);
  void part(int in);
  /// Verb and AID of what was asked since the last call, "DLT-PATCH:3".
  std::vector<std::string> take_asked();
  void log_out() { logged_in_ = false; }

  static std::string answer(const Tl1Response& response);

 private:
  FakeDevice::Reply serve(std::string_view bytes);
  Tl1Response carry_out(const Tl1Command& command);
  void enter(const Tl1Command& command, Tl1Response& response);
  std::vector<int> ports(const std::string& list, Tl1Response& response) const;

  const int inputs_;
  Twist twist_;
  mutable std::mutex mutex_;  // of what follows
  std::map<int, int> patches_;
  std::vector<std::string> asked_;
  std::atomic<bool> logged_in_ = false;
  Tl1CommandReader reader_;
  FakeDevice device_;
};

}  // namespace mixnet
