#include "daemon/maintenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/names.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::string_view kForm =
    "as in 'Sun 02:00-04:00 UTC' or '2026-12-24 00:00 / 2026-12-27 00:00 UTC'";
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr Duration kDay = Duration::days(1);
constexpr Duration kWeek = Duration::days(7);
/// 1970-01-01 was a Thursday.
constexpr Duration kFirstMonday = Duration::days(4);
constexpr int kFirstYear = 1971;
constexpr int kLastYear = 2261;

/// Cuts what is before `mark` off `rest`.
std::optional<std::string_view> take_before(std::string_view& rest, std::string_view mark) {
  const std::size_t at = rest.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = trimmed(rest.substr(0, at));
  rest = trimmed(rest.substr(at + mark.size()));
  return before;
}

/// "02:00"; "24:00" is the end of the day.
std::optional<Duration> time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = number_in<int>(text.substr(0, 2));
  const auto minute = number_in<int>(text.substr(3));
  if (!hour || !minute || *hour < 0 || *minute < 0 || *minute > 59) return std::nullopt;
  const Duration time = Duration::seconds((*hour * 60 + *minute) * 60);
  return time <= kDay ? std::optional(time) : std::nullopt;
}

/// "2026-12-24"
std::optional<Instant> date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = number_in<int>(text.substr(0, 4));
  const auto month = number_in<unsigned>(text.substr(5, 2));
  const auto day = number_in<unsigned>(text.substr(8));
  if (!year || !month || !day || *year < kFirstYear || *year > kLastYear) return std::nullopt;
  const std::chrono::year_month_day when{std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!when.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(when).time_since_epoch().count();
  return Instant{} + Duration::days(days);
}

std::optional<Instant> moment(std::string_view text) {
  std::string_view rest = text;
  const auto day = take_before(rest, " ");
  const auto when = day ? date(*day) : std::nullopt;
  const auto time = time_of_day(rest);
  if (!when || !time) return std::nullopt;
  return *when + *time;
}

std::optional<MaintenanceWindow> weekly(std::string_view text) {
  std::string_view rest = text;
  const auto name = take_before(rest, " ");
  const auto first = take_before(rest, "-");
  if (!name || !first) return std::nullopt;
  const auto day =
      std::ranges::find_if(kDays, [&](std::string_view known) { return same_word(known, *name); });
  const auto begin = time_of_day(*first);
  const auto end = time_of_day(rest);
  if (day == kDays.end() || !begin || !end || *begin == *end || *begin == kDay) return std::nullopt;
  MaintenanceWindow window;
  window.weekly = true;
  const Duration midnight = Duration::days(day - kDays.begin());
  window.week_begin = midnight + *begin;
  window.week_end = midnight + *end + (*end < *begin ? kDay : Duration::zero());
  return window;
}

std::optional<MaintenanceWindow> once(std::string_view text) {
  std::string_view rest = text;
  const auto first = take_before(rest, "/");
  const auto begin = first ? moment(*first) : std::nullopt;
  const auto end = moment(rest);
  if (!begin || !end || *end <= *begin) return std::nullopt;
  MaintenanceWindow window;
  window.begin = *begin;
  window.end = *end;
  return window;
}

/// Of one window.
MaintenanceState state_of(const MaintenanceWindow& window, Instant now) {
  if (!window.weekly) {
    if (now < window.begin) return {false, window.begin - now};
    if (now < window.end) return {true, window.end - now};
    return {false, Duration::max()};
  }
  // Since the Monday before; a window may reach over from the week before that.
  const std::int64_t since = ((now - Instant{} - kFirstMonday).ns % kWeek.ns + kWeek.ns) % kWeek.ns;
  for (const Duration week : {Duration{since} + kWeek, Duration{since}}) {
    if (week >= window.week_begin && week < window.week_end) return {true, window.week_end - week};
  }
  const Duration week{since};
  return {false,
          week < window.week_begin ? window.week_begin - week : window.week_begin + kWeek - week};
}

}  // namespace

MaintenanceWindow parse_maintenance(std::string_view text, std::string_view input) {
  constexpr std::string_view kZone = " UTC";
  std::string_view rest = trimmed(text);
  if (rest.size() > kZone.size() && same_word(rest.substr(rest.size() - kZone.size()), kZone)) {
    rest = trimmed(rest.substr(0, rest.size() - kZone.size()));
    if (const auto window = weekly(rest)) return *window;
    if (const auto window = once(rest)) return *window;
  }
  throw Error(input, fmt::format("'{}' is no maintenance window", shown(text)), kForm);
}

MaintenanceState maintenance_at(std::span<const MaintenanceWindow> windows, Instant now) {
  MaintenanceState state{.held = false, .until_change = Duration::max()};
  for (const MaintenanceWindow& window : windows) {
    const MaintenanceState one = state_of(window, now);
    state.held = state.held || one.held;
    state.until_change = std::min(state.until_change, one.until_change);
  }
  return state;
}

}  // namespace mixnet
