#include "dataplane/privileges.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mixnet {
namespace {

bool has(std::uint64_t capabilities, int which) { return (capabilities >> which & 1) != 0; }

}  // namespace

std::uint64_t effective_capabilities() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &head, data) != 0) return 0;
  return data[0].effective | static_cast<std::uint64_t>(data[1].effective) << 32;
}

std::string missing_capabilities(std::uint64_t capabilities) {
  std::string missing;
  if (!has(capabilities, CAP_NET_ADMIN)) missing = "CAP_NET_ADMIN";
  if (!has(capabilities, CAP_BPF) && !has(capabilities, CAP_SYS_ADMIN)) {
    missing += missing.empty() ? "CAP_BPF" : " and CAP_BPF";
  }
  return missing;
}

bool may_adopt(std::uint64_t capabilities) { return has(capabilities, CAP_SYS_ADMIN); }

}  // namespace mixnet
