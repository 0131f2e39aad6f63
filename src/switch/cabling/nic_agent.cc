#include "cabling/nic_agent.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <istream>
#include <ostream>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text_fields.h"
#include "cabling/test_frame.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostNics = 1'024;

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

struct Nic {
  std::string name;
  Descriptor socket;
  TestFrame frame;
  bool taken_down = false;
};

Error failed(std::string_view name, std::string_view what) {
  const int code = errno;
  return {name, fmt::format("{} ({})", what, std::generic_category().message(code)),
          code == EPERM ? "run it as root, or with CAP_NET_RAW and CAP_NET_ADMIN" : ""};
}

class Agent {
 public:
  explicit Agent(std::uint64_t run) : run_(run) {
    if (control_.get() < 0) throw failed("socket", "cannot be had");
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent() {
    for (Nic& nic : nics_) {
      if (nic.taken_down) static_cast<void>(set_up(nic, true));
    }
  }

  std::string answer(std::string_view line) {
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (word == "open") return open(rest);
    if (word == "shout") return shout();
    if (word == "heard") return heard();
    if (word == "carrier") return carrier();
    if (word == "down" || word == "up") {
      const auto index = number_in<std::size_t>(rest);
      if (!index || *index >= nics_.size()) throw Error("agent", "there is no such NIC");
      Nic& nic = nics_[*index];
      if (!set_up(nic, word == "up")) throw failed(nic.name, fmt::format("cannot be set {}", word));
      nic.taken_down = word == "down";
      return "ok";
    }
    throw Error("agent", fmt::format("'{}' is no command", shown(word)));
  }

 private:
  ifreq request(const Nic& nic) const {
    ifreq asked{};
    std::memcpy(asked.ifr_name, nic.name.c_str(), nic.name.size());
    return asked;
  }

  bool set_up(const Nic& nic, bool up) const {
    ifreq asked = request(nic);
    if (::ioctl(control_.get(), SIOCGIFFLAGS, &asked) != 0) return false;
    const bool is_up = (asked.ifr_flags & IFF_UP) != 0;
    if (is_up == up) return true;
    asked.ifr_flags = static_cast<short>(up ? asked.ifr_flags | IFF_UP : asked.ifr_flags & ~IFF_UP);
    return ::ioctl(control_.get(), SIOCSIFFLAGS, &asked) == 0;
  }

  std::string open(std::string_view rest) {
    const auto first = number_in<std::uint32_t>(take_word(rest));
    if (!first) throw Error("agent", "open needs the number of the first NIC");
    nics_.clear();
    first_ = *first;
    while (!rest.empty() && nics_.size() < kMostNics) add(std::string(take_word(rest)));
    return "ok";
  }

  void add(const std::string& name) {
    const unsigned index = name.size() < IFNAMSIZ ? ::if_nametoindex(name.c_str()) : 0;
    if (index == 0) throw Error(name, "there is no such interface", "'ip link' lists them");
    const auto number = static_cast<std::uint32_t>(first_ + nics_.size());
    Nic nic{.name = name,
            .socket = Descriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                          htons(kTestFrameType))),
            .frame = {},
            .taken_down = false};
    if (nic.socket.get() < 0) throw failed(name, "cannot be listened to");
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(kTestFrameType);
    address.sll_ifindex = static_cast<int>(index);
    if (::bind(nic.socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw failed(name, "cannot be listened to");
    }
    ifreq asked = request(nic);
    if (::ioctl(control_.get(), SIOCGIFHWADDR, &asked) != 0) throw failed(name, "has no address");
    std::array<std::uint8_t, 6> mac{};
    std::memcpy(mac.data(), asked.ifr_hwaddr.sa_data, mac.size());
    nic.frame = make_test_frame(mac, {run_, number});
    if (!set_up(nic, true)) throw failed(name, "cannot be set up");
    nics_.push_back(std::move(nic));
  }

  std::string shout() {
    for (const Nic& nic : nics_) {
      const ssize_t sent = ::send(nic.socket.get(), nic.frame.data(), nic.frame.size(), 0);
      // A NIC without light is down to the kernel: it is not heard, which is what is to be found.
      if (sent < 0 && errno != ENETDOWN && errno != ENOBUFS && errno != EAGAIN) {
        throw failed(nic.name, "cannot send");
      }
    }
    return "ok";
  }

  std::string heard() {
    std::set<std::pair<std::size_t, std::uint32_t>> pairs;
    for (std::size_t at = 0; at < nics_.size(); ++at) {
      std::array<std::uint8_t, 256> buffer{};
      for (;;) {
        sockaddr_ll source{};
        socklen_t size = sizeof source;
        const ssize_t got = ::recvfrom(nics_[at].socket.get(), buffer.data(), buffer.size(), 0,
                                       reinterpret_cast<sockaddr*>(&source), &size);
        if (got < 0 && errno == ENETDOWN) continue;  // said once, when the NIC went down
        if (got < 0) break;
        if (source.sll_pkttype == PACKET_OUTGOING) continue;
        const auto label = read_test_frame(std::span(buffer).first(static_cast<std::size_t>(got)));
        if (label && label->run == run_) pairs.emplace(first_ + at, label->nic);
      }
    }
    std::string text = "heard";
    for (const auto& [to, from] : pairs) text += fmt::format(" {}:{}", to, from);
    return text;
  }

  std::string carrier() const {
    std::string text = "carrier";
    for (const Nic& nic : nics_) {
      ethtool_value value{.cmd = ETHTOOL_GLINK, .data = 0};
      ifreq asked = request(nic);
      asked.ifr_data = reinterpret_cast<char*>(&value);
      if (::ioctl(control_.get(), SIOCETHTOOL, &asked) != 0) {
        throw failed(nic.name, "does not tell of its carrier");
      }
      text += value.data != 0 ? " 1" : " 0";
    }
    return text;
  }

  std::uint64_t run_;
  Descriptor control_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::size_t first_ = 0;
  std::vector<Nic> nics_;
};

}  // namespace

void serve_nic_agent(std::uint64_t run, std::istream& in, std::ostream& out) {
  Agent agent(run);
  std::string line;
  while (std::getline(in, line)) {
    try {
      out << agent.answer(trimmed(line)) << '\n' << std::flush;
    } catch (const Error& error) {
      out << "error " << error.what() << '\n' << std::flush;
    }
  }
}

}  // namespace mixnet
