#include "cli/timeline_flags.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/units.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

constexpr const char* kFlag = "--timeline-";

}  // namespace

void TimelineFlags::check(const std::string& part) const {
  if (!most) return;
  if (file.empty()) {
    throw Error(kFlag + part, "goes with --timeline", "name the file of the timeline, too");
  }
  if (*most < 1) {
    throw Error(kFlag + part, fmt::format("{} is too few", *most), "give 1 or more");
  }
}

void add_timeline_flags(CLI::App& command, TimelineFlags& flags, const std::string& part) {
  const std::string group = "Timeline (docs/timeline.md)";
  command
      .add_option("--timeline", flags.file,
                  "Also write what happens when, as Chrome trace events, which ui.perfetto.dev\n"
                  "opens ('-': only that)")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option(kFlag + part, flags.most,
                  "Of so many " + part + " (default: as many as make a file of about 80 MB)")
      ->group(group);
}

std::string describe_timeline(const TimelineFlags& flags, const std::string& part, int drawn,
                              int all, std::size_t bytes) {
  std::string text = fmt::format("\n{}: timeline of {} of {} {}, {}; open it in ui.perfetto.dev\n",
                                 flags.file, grouped(drawn), grouped(all), part,
                                 to_string(Bytes{static_cast<std::int64_t>(bytes)}));
  if (drawn < all) text += fmt::format("{}{} says how many to draw\n", kFlag, part);
  return text;
}

}  // namespace mixnet::cli
