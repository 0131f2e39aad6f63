// Any text is refused with an Error, or read as a study of the flags given: known flags, each once,
// with values that differ, and rules about them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "base/error.h"
#include "sweep/study_file.h"
#include "sweep/sweep_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  const StudyFlag flags[] = {
      {.names = {"a", "b"}}, {.names = {"c"}}, {.names = {"s"}, .is_switch = true}};
  try {
    const Study study = parse_study({reinterpret_cast<const char*>(data), size}, "fuzz", flags);
    std::set<std::string> names;
    for (const StudySetting& setting : study.settings) {
      if (!names.insert(setting.flag).second || setting.values.empty()) std::abort();
      std::set<std::optional<std::string>> values;
      for (const StudyValue& value : setting.values) {
        if (value.line < 1 || value.column < 1 || !values.insert(value.text).second) std::abort();
        if (value.text && value.text->empty()) std::abort();
      }
    }
    for (const StudyExclusion& rule : study.exclusions) {
      if (rule.matches.empty()) std::abort();
      for (const StudyExclusion::Match& match : rule.matches) {
        for (const std::size_t value : match.values) {
          if (value >= study.settings.at(match.setting).values.size()) std::abort();
        }
      }
    }
    const SweepPlan plan(study, "fuzz");
    for (const std::size_t point : {std::size_t{0}, plan.points() - 1}) {
      if (plan.command_line(point).find('\n') != std::string::npos) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
