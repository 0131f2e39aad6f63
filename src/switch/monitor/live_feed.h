// The latest document, for pages that are live: whoever makes it publishes, whoever serves it waits
// for one that is newer. A slow reader misses those between. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace mixnet {

class LiveFeed {
 public:
  struct Document {
    std::uint64_t number = 0;  ///< 0: none yet
    std::shared_ptr<const std::string> text;
  };

  void publish(std::string text);
  Document latest() const;
  /// The latest, once its number is over `number`, or after `most`, or once the feed has ended.
  Document wait_newer(std::uint64_t number, std::chrono::milliseconds most) const;
  /// Nobody waits from now on.
  void end();
  bool has_ended() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Document latest_;
  bool ended_ = false;
};

}  // namespace mixnet
