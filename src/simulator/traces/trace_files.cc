#include "traces/trace_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "base/text_fields.h"
#include "base/text_file.h"
#include "interop/aicb_workload.h"
#include "interop/kineto_trace.h"
#include "interop/torch_trace.h"
#include "traces/chakra_import.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHead = 65'536;  ///< bytes in which the format, and the rank, are looked for

struct TraceFile {
  std::string path;
  std::string head;
};

/// A format that traces are read from. A new one is a line here, and a reader in
/// read_trace_files().
enum class TraceFormat : std::uint8_t { kKineto, kTorch, kAicb };
struct FormatRow {
  TraceFormat format;
  std::string_view what;
  bool (*is_one)(std::string_view head);
};
bool holds(std::string_view head, std::string_view word) {
  return head.find(word) != std::string_view::npos;
}
constexpr FormatRow kTraceFormats[] = {
    {TraceFormat::kKineto, "Kineto profiles of PyTorch",
     [](std::string_view head) {
       return head.starts_with('{') &&
              (holds(head, "\"traceEvents\"") || holds(head, "\"schemaVersion\""));
     }},
    {TraceFormat::kTorch, "execution traces of PyTorch",
     [](std::string_view head) {
       return head.starts_with('{') && holds(head, "\"nodes\"") && holds(head, "\"schema\"");
     }},
    {TraceFormat::kAicb, "a workload of AICB",
     [](std::string_view head) {
       return head.starts_with("HYBRID_") || holds(head, "model_parallel_NPU_group");
     }},
};

const FormatRow* find_format(const TraceFile& file) {
  const std::string_view head = file.head;
  const std::size_t begin = std::min(head.find_first_not_of("\r\n\t "), head.size());
  for (const FormatRow& row : kTraceFormats) {
    if (row.is_one(head.substr(begin))) return &row;
  }
  return nullptr;
}

TraceFile open(const std::string& path) {
  TraceFile file{path, {}};
  if (system_env().kind(path) == Env::FileKind::kNone) {
    throw Error(path, "no such file or folder", "give traces, or folders of them");
  }
  if (const std::error_code reason = system_env().read(path, kHead, file.head)) {
    throw Error(path, fmt::format("cannot be read ({})", reason.message()));
  }
  return file;
}

const FormatRow& format_of(const TraceFile& file) {
  if (file.head.starts_with("\x1f\x8b")) {
    throw Error(file.path, "is compressed", "unpack it: gunzip FILE");
  }
  if (const FormatRow* row = find_format(file)) return *row;
  std::string known;
  for (const FormatRow& row : kTraceFormats) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.what);
  }
  throw Error(file.path, "is in no known format",
              fmt::format("give {}, or one folder or prefix of Chakra traces", known));
}

std::vector<TraceFile> open_all(std::span<const std::string> paths) {
  std::vector<TraceFile> files;
  for (const std::string& path : paths) {
    if (system_env().kind(path) != Env::FileKind::kFolder) {
      files.push_back(open(path));
      continue;
    }
    std::vector<std::string> names, traces;
    if (const std::error_code reason = system_env().list(path, names)) {
      throw Error(path, fmt::format("cannot be read ({})", reason.message()));
    }
    std::erase_if(names, [&](const std::string& name) {
      return name.starts_with('.') ||
             system_env().kind(fs::path(path) / name) != Env::FileKind::kFile;
    });
    std::ranges::copy_if(names, std::back_inserter(traces),
                         [](const std::string& name) { return name.ends_with(".json"); });
    for (const std::string& name : traces.empty() ? names : traces) {
      files.push_back(open((fs::path(path) / name).string()));
    }
  }
  if (files.empty()) throw Error("--trace", "names no traces", "give files, or folders of them");
  return files;
}

std::optional<std::uint32_t> rank_at(std::string_view text, std::size_t begin) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
  const auto rank = number_in<std::uint32_t>(text.substr(begin, end - begin));
  return rank && *rank < kMaxChakraRanks ? rank : std::nullopt;
}

/// "distributedInfo": {..., "rank": 3, ...} of a profile.
std::optional<std::uint32_t> rank_in_head(std::string_view head) {
  const std::size_t info = head.find("\"distributedInfo\"");
  if (info == std::string_view::npos) return std::nullopt;
  const std::size_t key = head.find("\"rank\"", info);
  if (key == std::string_view::npos) return std::nullopt;
  const std::size_t begin = head.find_first_not_of("\": \t", key + 6);
  return begin == std::string_view::npos ? std::nullopt : rank_at(head, begin);
}

std::optional<std::uint32_t> rank_in_name(const std::string& path) {
  std::string name = fs::path(path).filename().string();
  if (const auto word = name.rfind("rank"); word != std::string::npos) {
    const std::size_t begin = name.find_first_not_of("-_.=", word + 4);
    if (begin != std::string::npos) {
      if (const auto rank = rank_at(name, begin)) return rank;
    }
  }
  const std::size_t end = name.find_last_of("0123456789");
  if (end == std::string::npos) return std::nullopt;
  const std::size_t before = name.find_last_not_of("0123456789", end);
  return rank_at(name, before == std::string::npos ? 0 : before + 1);
}

/// The files of a rank, by format.
struct RankFiles {
  std::string profile, trace;
};

class TorchJob {
 public:
  /// `copies`: whether one trace stands for all ranks.
  TorchJob(const std::vector<TraceFile>& files, bool copies) {
    for (const TraceFile& file : files) add(file);
    if (!copies) check_ranks();
    if (!copies || ranks_.size() == 1) return;
    throw Error(
        "--ranks",
        fmt::format("is for one trace that stands for all, and there are {}", ranks_.size()),
        "leave it out, or give one rank's");
  }

  TraceJob read(const ChakraImport& options) {
    TraceJob job;
    ChakraImport named = options;
    named.prefix = "--trace";
    named.groups = {};
    job.graph =
        options.ranks > 0
            ? read_copies(named)
            : join_rank_traces(
                  ranks_.size(),
                  [&](std::size_t rank) { return read_rank(static_cast<std::uint32_t>(rank)); },
                  named);
    if (options.ranks > 0) job.notes.push_back(copies_note(options.ranks));
    const bool has_profiles = !ranks_.begin()->second.profile.empty();
    const bool has_traces = !ranks_.begin()->second.trace.empty();
    job.format = has_profiles ? "Kineto profiles of PyTorch" : "execution traces of PyTorch";
    if (has_profiles && has_traces) job.format = "Kineto profiles and execution traces of PyTorch";
    std::string source = "distributedInfo, else the digits in the files' names";
    if (by_name_ == 0) source = "distributedInfo";
    if (by_name_ == files_) source = "the digits in the files' names";
    job.notes.push_back("ranks taken from " + source);
    if (!has_profiles) {
      job.notes.emplace_back(
          "execution traces have no times: no work is simulated, and calls follow one another "
          "(give the ranks' Kineto profiles beside them)");
    } else if (is_on_cpu_) {
      job.notes.emplace_back(
          "the profiles have no kernels: work is the operators' time on the CPU");
    }
    return job;
  }

 private:
  void add(const TraceFile& file) {
    const TraceFormat format = format_of(file).format;
    if (format == TraceFormat::kAicb) {
      throw Error(file.path, "is a workload of AICB, beside traces of ranks",
                  "give it alone: it says what all ranks do");
    }
    ++files_;
    auto rank = format == TraceFormat::kKineto ? rank_in_head(file.head) : std::nullopt;
    if (!rank) {
      rank = rank_in_name(file.path);
      ++by_name_;
    }
    if (!rank) {
      throw Error(file.path, "does not say of which rank it is",
                  "give its name the rank, as in trace.rank3.json");
    }
    std::string& place =
        format == TraceFormat::kKineto ? ranks_[*rank].profile : ranks_[*rank].trace;
    if (!place.empty()) {
      throw Error(file.path, fmt::format("is of rank {}, as {} is", *rank, place),
                  "give one file for each rank");
    }
    place = file.path;
  }

  void check_ranks() const {
    std::uint32_t next = 0;
    for (const auto& [rank, files] : ranks_) {
      const std::string& file = files.profile.empty() ? files.trace : files.profile;
      if (rank != next) {
        throw Error(file,
                    fmt::format("is of rank {}, and there is no trace of rank {}", rank, next),
                    "give the traces of all ranks from 0 on");
      }
      const RankFiles& first = ranks_.begin()->second;
      if (files.profile.empty() != first.profile.empty()) {
        throw Error(file,
                    fmt::format("is the only trace of rank {}, and others have profiles", rank),
                    "give the same formats for all ranks");
      }
      ++next;
    }
  }

  TorchRank parse(std::uint32_t rank) const {
    const RankFiles& files = ranks_.at(rank);
    if (files.profile.empty()) {
      return parse_torch_trace(read_text_file(files.trace), files.trace);
    }
    TorchRank profile = parse_kineto_trace(read_text_file(files.profile), files.profile);
    if (profile.rank && *profile.rank != rank) {
      throw Error(files.profile,
                  fmt::format("is of rank {}, and its name says {}", *profile.rank, rank),
                  "give it the name of its rank");
    }
    if (files.trace.empty()) return profile;
    return merged(std::move(profile), parse_torch_trace(read_text_file(files.trace), files.trace));
  }

  TaskGraph read_copies(const ChakraImport& options) {
    TorchRank torch = parse(ranks_.begin()->first);
    is_on_cpu_ = torch.is_on_cpu;
    RankTrace one{torch.file, {}};
    ChakraGroups named;
    one.trace =
        to_chakra_trace(std::move(torch), 0, static_cast<std::uint32_t>(options.ranks), named);
    return join_rank_traces(
        options.ranks, [&](std::size_t) { return one; }, options);
  }

  RankTrace read_rank(std::uint32_t rank) {
    TorchRank torch = parse(rank);
    is_on_cpu_ = is_on_cpu_ || torch.is_on_cpu;
    RankTrace read{torch.file, {}};
    ChakraGroups named;
    read.trace =
        to_chakra_trace(std::move(torch), rank, static_cast<std::uint32_t>(ranks_.size()), named);
    for (const ChakraNode& node : read.trace.nodes) {
      const auto group = named.find(node.process_group);
      if (group == named.end()) continue;
      members_[group->first] = group->second;
      if (users_[group->first].empty() || users_[group->first].back() != rank) {
        users_[group->first].push_back(rank);
      }
    }
    if (rank + 1 == ranks_.size()) check_groups();
    return read;
  }

  /// Whether all ranks of a group have its calls.
  void check_groups() const {
    for (const auto& [name, members] : members_) {
      const auto& users = users_.at(name);
      for (const std::uint32_t member : members) {
        if (std::ranges::find(users, member) != users.end()) continue;
        const RankFiles& files = ranks_.at(member);
        throw Error(files.profile.empty() ? files.trace : files.profile,
                    fmt::format("has no calls in process group {}, of which rank {} has some",
                                shown(name), users.front()),
                    "profile the same steps on all ranks");
      }
    }
  }

  std::map<std::uint32_t, RankFiles> ranks_;
  std::size_t files_ = 0, by_name_ = 0;
  bool is_on_cpu_ = false;
  ChakraGroups members_, users_;  ///< ranks that are in a process group, and that call it
};

TraceJob read_aicb(const std::string& path, ChakraImport options) {
  if (options.ranks > 0) {
    throw Error("--ranks", "is for one rank's trace, and a workload of AICB says what all do",
                "leave it out");
  }
  const AicbWorkload workload = parse_aicb_workload(read_text_file(path), path);
  options.prefix = path;
  options.groups = {};
  TraceJob job;
  job.graph = join_rank_traces(
      workload.ranks,
      [&](std::size_t rank) {
        return RankTrace{path, aicb_rank(workload, static_cast<std::uint32_t>(rank))};
      },
      options);
  job.format = "a workload of AICB";
  if (workload.pp > 1) {
    job.notes.push_back(fmt::format(
        "pp {}: each stage runs the file's lines, and sends nothing to the next, as in SimAI",
        workload.pp));
  }
  return job;
}

}  // namespace

TraceJob read_trace_files(std::span<const std::string> paths, ChakraImport options) {
  if (paths.size() == 1 && !is_trace_file(paths.front()) && is_chakra(paths.front())) {
    TraceJob job;
    options.prefix = paths.front();
    job.graph = read_chakra_graph(std::move(options), &job.notes);
    job.format = "Chakra traces";
    return job;
  }
  const std::vector<TraceFile> files = open_all(paths);
  if (files.size() == 1 && format_of(files.front()).format == TraceFormat::kAicb) {
    return read_aicb(files.front().path, std::move(options));
  }
  return TorchJob(files, options.ranks > 0).read(options);
}

bool is_trace_file(const std::string& path) {
  std::string first = path;
  if (system_env().kind(path) == Env::FileKind::kFolder) {
    std::vector<std::string> names;
    if (system_env().list(path, names)) return false;
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with('.') || !(name.ends_with(".json") || name.ends_with(".et"));
    });
    if (names.empty() || names.front().ends_with(".et") || names.back().ends_with(".et"))
      return false;
    first = (fs::path(path) / names.front()).string();
  }
  TraceFile file{first, {}};
  return system_env().kind(first) == Env::FileKind::kFile &&
         !system_env().read(first, kHead, file.head) && find_format(file) != nullptr;
}

}  // namespace mixnet
