#include "ocs/host_lookup.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

/// Shared by who waits and the thread that asks; the last one lets go of it.
struct Lookup {
  std::string host;
  std::string service;
  Resolver resolver;
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  int code = 0;
  HostAddresses found{nullptr, &::freeaddrinfo};
};

addrinfo hints_of(int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  return hints;
}

void ask(const std::shared_ptr<Lookup>& lookup) {
  const addrinfo hints = hints_of(0);
  addrinfo* found = nullptr;
  const int code = lookup->resolver(lookup->host.c_str(), lookup->service.c_str(), &hints, &found);
  const std::lock_guard lock(lookup->mutex);
  lookup->code = code;
  lookup->found.reset(code == 0 ? found : nullptr);
  lookup->is_done = true;
  lookup->done.notify_one();
}

}  // namespace

HostAddresses look_up_host(const std::string& host, int port, std::string_view device,
                           MonotonicTime dead_line, Env& env, const Resolver& resolver) {
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->service = std::to_string(port);
  lookup->resolver = resolver;
  const addrinfo numeric = hints_of(AI_NUMERICHOST);
  addrinfo* at_once = nullptr;
  if (::getaddrinfo(host.c_str(), lookup->service.c_str(), &numeric, &at_once) == 0) {
    return {at_once, &::freeaddrinfo};
  }
  try {
    std::thread(ask, lookup).detach();
  } catch (const std::system_error& error) {
    throw SwitchError(SwitchFault::kUnreachable, device,
                      "its name cannot be looked up (" + error.code().message() + ")");
  }
  std::unique_lock lock(lookup->mutex);
  const auto left = dead_line - env.monotonic_now();
  const auto wait = std::min<std::chrono::nanoseconds>(left, std::chrono::hours(1));
  if (!lookup->done.wait_for(lock, wait, [&] { return lookup->is_done; })) {
    throw SwitchError(SwitchFault::kTimedOut, device, "its name was not found by the dead-line",
                      "do the name servers answer; an address needs none");
  }
  if (lookup->code != 0) {
    throw SwitchError(SwitchFault::kUnreachable, device, ::gai_strerror(lookup->code),
                      "the name or address of a host");
  }
  return std::move(lookup->found);
}

}  // namespace mixnet
