#include "dataplane/links.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

/// A message about one interface, with an attribute or without.
struct LinkRequest {
  nlmsghdr head{};
  ifinfomsg link{};
  std::array<std::byte, 64> rest{};

  LinkRequest(std::uint16_t type, std::uint16_t flags) {
    head.nlmsg_len = NLMSG_LENGTH(sizeof link);
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    link.ifi_family = AF_UNSPEC;
  }
  void add(std::uint16_t type, std::string_view value) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
    std::memcpy(rest.data(), &attribute, sizeof attribute);
    std::memcpy(rest.data() + RTA_LENGTH(0), value.data(), value.size());
    head.nlmsg_len += RTA_ALIGN(attribute.rta_len);
  }
  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(this), head.nlmsg_len};
  }
};

Descriptor open_netlink(std::uint32_t groups) {
  Descriptor made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (!made || bind(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw Error("network interfaces", std::string("no netlink socket: ") + std::strerror(errno));
  }
  return made;
}

/// To `read`: type and value of each.
void each_attribute(std::span<const std::byte> list,
                    const std::function<void(int, std::string_view)>& read) {
  rtattr attribute;
  while (list.size() >= sizeof attribute) {
    std::memcpy(&attribute, list.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > list.size()) break;
    read(attribute.rta_type & NLA_TYPE_MASK,
         {reinterpret_cast<const char*>(list.data()) + RTA_LENGTH(0),
          attribute.rta_len - static_cast<std::size_t>(RTA_LENGTH(0))});
    list = list.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), list.size()));
  }
}

std::span<const std::byte> attributes_of(std::span<const std::byte> body) {
  return body.subspan(NLMSG_ALIGN(sizeof(ifinfomsg)));
}

std::int32_t number(std::string_view value) {
  std::int32_t read = 0;
  std::memcpy(&read, value.data(), std::min(value.size(), sizeof read));
  return read;
}

/// Text ends with a zero.
bool is_text(std::string_view value, std::string_view text) {
  return value.substr(0, value.find('\0')) == text;
}

Link read_link(std::span<const std::byte> body) {
  Link link;
  ifinfomsg info;
  std::memcpy(&info, body.data(), sizeof info);
  link.index = info.ifi_index;
  link.up = (info.ifi_flags & IFF_UP) != 0;
  link.promiscuous = (info.ifi_flags & IFF_PROMISC) != 0;
  each_attribute(attributes_of(body), [&](int type, std::string_view value) {
    if (type == IFLA_CARRIER) link.carrier = !value.empty() && value[0] != 0;
    if (type == IFLA_MASTER) link.master = number(value);
    if (type == IFLA_QDISC) link.has_queue = !is_text(value, "noqueue");
    if (type == IFLA_LINK) link.across = number(value);
    if (type == IFLA_LINK_NETNSID) link.across_in = number(value);
    if (type != IFLA_LINKINFO) return;
    each_attribute(std::as_bytes(std::span(value)), [&](int inner, std::string_view kind) {
      if (inner == IFLA_INFO_KIND) link.is_veth = is_text(kind, "veth");
    });
  });
  link.carrier = link.carrier && link.up;
  return link;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Links::Links() : socket_(open_netlink(0)), news_(open_netlink(RTMGRP_LINK | RTMGRP_TC)) {}

int Links::ask(std::span<const std::byte> request,
               const std::function<void(std::span<std::byte>)>& read) {
  if (send(socket_.get(), request.data(), request.size(), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<std::byte, 16384> answer;
  while (true) {
    const ssize_t size = recv(socket_.get(), answer.data(), answer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) return size < 0 ? errno : EBADMSG;
    nlmsghdr head;
    std::memcpy(&head, answer.data(), sizeof head);
    if (head.nlmsg_seq != sequence_) continue;  // the answer to a question given up
    const std::span body = std::span(answer).first(size).subspan(NLMSG_HDRLEN);
    if (head.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr error;
      if (body.size() < sizeof error.error) return EBADMSG;
      std::memcpy(&error.error, body.data(), sizeof error.error);
      return -error.error;
    }
    if (body.size() < sizeof(ifinfomsg)) return EBADMSG;
    read(body);
    return 0;
  }
}

std::optional<Link> Links::find(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  LinkRequest request(RTM_GETLINK, 0);
  request.head.nlmsg_seq = ++sequence_;
  request.add(IFLA_IFNAME, std::string(name) + '\0');
  std::optional<Link> found;
  const int error =
      ask(request.bytes(), [&](std::span<std::byte> body) { found = read_link(body); });
  if (error != 0 && error != ENODEV) {
    throw Error(name, std::string("it cannot be asked for: ") + std::strerror(error));
  }
  return found;
}

std::optional<HardwareAddress> Links::address_across(const Link& link) {
  if (!link.is_veth || !link.across_in) return std::nullopt;
  LinkRequest request(RTM_GETLINK, 0);
  request.head.nlmsg_seq = ++sequence_;
  request.link.ifi_index = link.across;
  request.add(IFLA_TARGET_NETNSID,
              {reinterpret_cast<const char*>(&*link.across_in), sizeof *link.across_in});
  std::optional<HardwareAddress> found;
  (void)ask(request.bytes(), [&](std::span<std::byte> body) {
    each_attribute(attributes_of(body), [&](int type, std::string_view value) {
      HardwareAddress address;
      if (type != IFLA_ADDRESS || value.size() != sizeof address) return;
      std::memcpy(address.data(), value.data(), sizeof address);
      found = address;
    });
  });
  return found;
}

bool Links::set(int index, bool up, bool promiscuous) {
  LinkRequest request(RTM_NEWLINK, NLM_F_ACK);
  request.head.nlmsg_seq = ++sequence_;
  request.link.ifi_index = index;
  if (up) request.link.ifi_flags |= IFF_UP;
  if (promiscuous) request.link.ifi_flags |= IFF_PROMISC;
  request.link.ifi_change = IFF_UP | IFF_PROMISC;
  return ask(request.bytes(), [](std::span<std::byte>) {}) == 0;
}

bool Links::has_news() {
  std::array<std::byte, 16384> message;
  bool any = false;
  while (true) {
    const ssize_t size = recv(news_.get(), message.data(), message.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    // ENOBUFS: more than the socket holds, so that some are lost. News all the same.
    if (size < 0 && errno != ENOBUFS) return any;
    any = true;
  }
}

}  // namespace mixnet
