#include "ocs/host_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

#include "ocs/switch_error.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime in(MonotonicTime::duration span) { return system_env().monotonic_now() + span; }

SwitchFault fault_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const SwitchError& error) {
    return error.fault();
  }
  ADD_FAILURE() << "nothing is thrown";
  return SwitchFault::kMisuse;
}

TEST(HostLookup, AddressesNeedNoResolver) {
  const Resolver never = [](auto...) -> int { throw std::logic_error("it was asked"); };
  EXPECT_TRUE(look_up_host("127.0.0.1", 3082, "tl1://x", in(seconds(5)), system_env(), never));
  EXPECT_TRUE(look_up_host("::1", 3082, "tl1://x", in(seconds(5)), system_env(), never));
}

TEST(HostLookup, NamesAreLookedUp) {
  const Resolver finds = [](const char* host, const char* service, const addrinfo* hints,
                            addrinfo** found) {
    EXPECT_STREQ(host, "polatis");
    return ::getaddrinfo("127.0.0.1", service, hints, found);
  };
  EXPECT_TRUE(look_up_host("polatis", 3082, "tl1://polatis", in(seconds(5)), system_env(), finds));
  const Resolver fails = [](auto...) { return EAI_NONAME; };
  EXPECT_EQ(fault_of([&] {
              look_up_host("polatis", 3082, "tl1://polatis", in(seconds(5)), system_env(), fails);
            }),
            SwitchFault::kUnreachable);
}

TEST(HostLookup, AResolverThatHangsIsLeftAtTheDeadLine) {
  // Outlives the call, as the system's own does.
  const auto goes_on = std::make_shared<std::atomic<bool>>(false);
  const Resolver hangs = [goes_on](auto...) {
    while (!*goes_on) std::this_thread::sleep_for(milliseconds(1));
    return EAI_AGAIN;
  };
  const MonotonicTime start = system_env().monotonic_now();
  EXPECT_EQ(fault_of([&] {
              look_up_host("polatis", 3082, "tl1://polatis", in(milliseconds(50)), system_env(),
                           hangs);
            }),
            SwitchFault::kTimedOut);
  EXPECT_LT(system_env().monotonic_now() - start, seconds(2));
  *goes_on = true;
}

}  // namespace
}  // namespace mixnet
