// A device at a TCP port of the loopback, for tests of drivers: what it says is the test's affair.
//
//     FakeDevice device([](std::string_view bytes) { return FakeDevice::Reply{"OK\r\n"}; });
//     ... connect to 127.0.0.1, device.port() ...
//
// One client at a time, one thread. `serve` is called there with what has come; with nothing when a
// client has connected.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace mixnet {

class FakeDevice {
 public:
  struct Reply {
    std::string bytes = {};
    bool close = false;    ///< then
    std::size_t step = 0;  ///< so many bytes a write, a moment apart; 0: all at once
  };
  using Serve = std::function<Reply(std::string_view bytes)>;

  explicit FakeDevice(Serve serve);
  FakeDevice(const FakeDevice&) = delete;
  FakeDevice& operator=(const FakeDevice&) = delete;
  ~FakeDevice();

  int port() const { return port_; }
  /// To the client that is there, unasked.
  void say(std::string_view bytes);
  void hang_up();
  int clients() const { return clients_; }  ///< that have come until now

 private:
  void run();
  bool send(const Reply& reply);
  void drop();

  Serve serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> client_ = -1;
  std::atomic<int> clients_ = 0;
  std::atomic<bool> ending_ = false;
  std::mutex mutex_;  // of the client's socket
  std::thread thread_;
};

}  // namespace mixnet
