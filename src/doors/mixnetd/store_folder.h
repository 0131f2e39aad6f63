// Where mixnetd keeps its store when nobody says: NAME, or NAME-observe, in the first of
// $STATE_DIRECTORY (systemd's), /var/lib/mixnet where we may write, $XDG_STATE_HOME/mixnet and
// ~/.local/state/mixnet. Who only observes has a store of his own beside the acting one's.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/env.h"

namespace mixnet::daemon {

/// Throws Error where there is no such place.
std::filesystem::path default_store(std::string_view region, bool observes,
                                    Env& env = system_env());

/// NAME-observe beside the store NAME, and not in it, where the path ends with '/'.
std::filesystem::path observed_store(const std::filesystem::path& acting);

}  // namespace mixnet::daemon
