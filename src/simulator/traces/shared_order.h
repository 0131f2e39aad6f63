// One order for tasks that several files list, each some of them and each in an order of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mixnet {

/// `task_of`: task of every entry, the files one after another; `begins`: the first entry of each
/// file, and the end. Tasks are below `tasks`; those in no file are left out.
///
/// The result is in the order of every file, where there is such an order: a task comes when it is
/// the next of all files that list it. Where none is, the first file's next comes first. Of several
/// orders it is the one that follows a file as far as it can, the first before the others.
/// Deterministic; O(entries).
std::vector<std::uint32_t> shared_order(std::span<const std::uint32_t> task_of,
                                        std::span<const std::uint32_t> begins, std::size_t tasks);

}  // namespace mixnet
