// Whole text files, in and out. Reading fails with one clear Error; writing is all or nothing.
// Thread-safe, but for writers of one file at once.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/env.h"

namespace mixnet {

/// The bytes of `path`. Throws Error when it is missing, a folder, unreadable, or over 1 GiB.
std::string read_text_file(const std::filesystem::path& path, Env& env = system_env());

/// What a written file outlasts: the end of the program by any cause, or that of the machine as
/// well, which costs a few milliseconds more.
enum class Outlasts { kKill, kPowerFailure };

/// Writes a temporary file beside `path` and renames it into place, so a reader never sees half of
/// it and a failed write leaves the old file. A symbolic link is followed. `path` must not be a
/// device or a pipe: it would be replaced by a plain file. Throws Error when writing fails.
void write_text_file(const std::filesystem::path& path, std::string_view content,
                     Env& env = system_env(), Outlasts outlasts = Outlasts::kKill);

/// What to do when writing failed by `reason`: a full disk is not a wrong path.
std::string write_remedy(std::error_code reason);

/// Where the data files that ship with the program are: $MIXNET_DATA_DIR, else ../share/mixnet of
/// the executable when installed, else data/ beside the shared object that this is part of (a
/// Python package), else data/ of the source tree it was built from.
/// Throws Error when none of them exists.
std::filesystem::path data_directory();

}  // namespace mixnet
