// Linux network interfaces: found, read, and set up or down, by the kernel's netlink.
//
// Names and indices are those of the network namespace of the thread that makes the object, and a
// question costs some 5 us. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

struct Link {
  int index = 0;
  bool up = false;       ///< as an administrator has set it
  bool carrier = false;  ///< light comes in: the far end is up, too
  bool promiscuous = false;
  int master = 0;  ///< index of the bridge or bond that it is a member of; 0: none
  bool is_veth = false;
  bool has_queue = false;                 ///< what leaves by it may wait or be shaped
  int across = 0;                         ///< of a veth: its other end's index, in ...
  std::optional<std::int32_t> across_in;  ///< ... another network namespace; nothing: in this one
};

using HardwareAddress = std::array<std::uint16_t, 3>;  ///< of Ethernet, bytes as in a frame

/// Holds a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Links {
 public:
  /// Throws Error where the kernel has no netlink.
  Links();

  /// Nothing: there is none of this name.
  std::optional<Link> find(std::string_view name);
  /// Of a veth's other end, where that is in another network namespace. Nothing: it is not, or may
  /// not be asked for.
  std::optional<HardwareAddress> address_across(const Link& link);
  /// False: it is gone, or must not be set. `promiscuous`: it takes all frames, whomever they are
  /// for.
  [[nodiscard]] bool set(int index, bool up, bool promiscuous);
  /// Readable when any interface has come, gone or changed, or a queue on one...
  int news_fd() const { return news_.get(); }
  /// ... and whether one has since the last call.
  bool has_news();

 private:
  /// Sends a request, and gives the attributes of the answer to `read`. Returns an errno.
  int ask(std::span<const std::byte> request,
          const std::function<void(std::span<std::byte>)>& read);

  Descriptor socket_;
  Descriptor news_;
  std::uint32_t sequence_ = 0;
};

}  // namespace mixnet
