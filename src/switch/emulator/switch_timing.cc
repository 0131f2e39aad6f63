#include "emulator/switch_timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "base/csv.h"
#include "base/error.h"
#include "base/names.h"
#include "base/random.h"
#include "base/saturating.h"
#include "base/text_file.h"
#include "base/units.h"

namespace mixnet {
namespace {

constexpr double kZ99 = 2.3263478740408408;  // 99 % of a standard normal are below
/// ln(p99 / mean) can be no more than z^2 / 2.
constexpr double kMostLogRatio = kZ99 * kZ99 / 2;
constexpr double kMostMs = 3'600'000;
constexpr Duration kValidated = Duration::seconds(5);
constexpr Duration kManagedMove = Duration::milliseconds(25);  // SIGCOMM '25, section 7.1

Duration parse_duration(std::string_view text, std::string_view input) {
  const Duration time = Duration::of(parse_time(text, input));
  if (time > Duration::hours(1))
    throw Error(input, fmt::format("{} is too long", text), "at most 1 h");
  return time;
}

}  // namespace

SwitchTiming SwitchTiming::fixed(Duration time) {
  SwitchTiming timing;
  timing.kind_ = Kind::kFixed;
  timing.fixed_ = time;
  return timing;
}

SwitchTiming SwitchTiming::parse(std::string_view text, std::string_view input, Env& env) {
  if (same_word(text, "none")) return {};
  if (same_word(text, "polatis")) {
    SwitchTiming timing;
    timing.kind_ = Kind::kTable;
    timing.table_ = {{1, 41.44, 60}, {4, 42.44, 62}, {16, 46.75, 68}};
    return timing;
  }
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view time = text.substr(colon + 1);
    if (same_word(kind, "fixed")) return fixed(parse_duration(time, input));
    const bool allows_bypass = same_word(kind, "sonic-bypass");
    if (allows_bypass || same_word(kind, "sonic")) {
      SwitchTiming timing = fixed(parse_duration(time, input));
      if (allows_bypass) timing.kind_ = Kind::kBypass;
      timing.is_managed_ = true;
      return timing;
    }
  }
  if (text.find_first_of("./") != std::string_view::npos) {
    return of_table(read_text_file(std::filesystem::path(text), env), text);
  }
  const std::string known[] = {"polatis", "none", "fixed:25ms", "sonic:5s", "sonic-bypass:70ms"};
  refuse_name(text, input, "timing", known);
}

SwitchTiming SwitchTiming::of_table(std::string_view csv, std::string_view input) {
  const CsvTable table = CsvTable::parse(csv, input);
  const std::size_t pairs = table.column("pairs");
  const std::size_t mean = table.column("mean_ms");
  const std::size_t p99 = table.column("p99_ms");
  SwitchTiming timing;
  timing.kind_ = Kind::kTable;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const Row row = {static_cast<double>(table.integer(i, pairs, 1)), table.number(i, mean, 0.001),
                     table.number(i, p99, 0.001)};
    const auto refuse = [&](std::size_t column, std::string_view problem, std::string_view remedy) {
      throw Error(table.place(i, column), problem, remedy);
    };
    if (row.mean_ms > kMostMs) refuse(mean, "is too long", "at most 3600000 ms");
    if (row.p99_ms > kMostMs) refuse(p99, "is too long", "at most 3600000 ms");
    if (row.p99_ms < row.mean_ms || std::log(row.p99_ms / row.mean_ms) > kMostLogRatio) {
      refuse(p99, fmt::format("p99 {} of a mean of {}", row.p99_ms, row.mean_ms),
             "1 to 14.9 times the mean");
    }
    if (!timing.table_.empty()) {
      const Row& last = timing.table_.back();
      if (row.pairs <= last.pairs) refuse(pairs, "not more than in the row before", "rising pairs");
      if (row.mean_ms < last.mean_ms) refuse(mean, "less than in the row before", "more, or equal");
      if (row.p99_ms < last.p99_ms) refuse(p99, "less than in the row before", "more, or equal");
    }
    timing.table_.push_back(row);
  }
  return timing;
}

SwitchTiming::Row SwitchTiming::at(int pairs) const {
  const double x = pairs;
  if (table_.size() == 1 || x <= table_.front().pairs) return table_.front();
  // The rows around it, or the last two.
  std::size_t right = 1;
  while (right + 1 < table_.size() && table_[right].pairs < x) ++right;
  const Row& a = table_[right - 1];
  const Row& b = table_[right];
  const double part = (x - a.pairs) / (b.pairs - a.pairs);
  return {x, a.mean_ms + part * (b.mean_ms - a.mean_ms), a.p99_ms + part * (b.p99_ms - a.p99_ms)};
}

Duration SwitchTiming::before_moving(bool bypass) const {
  return is_managed_ ? std::max(Duration::zero(), draw(1, bypass, 0) - kManagedMove)
                     : Duration::zero();
}

Duration SwitchTiming::draw(int pairs, bool bypass, std::uint64_t stream) const {
  switch (kind_) {
    case Kind::kNone:
      return {};
    case Kind::kFixed:
      return fixed_;
    case Kind::kBypass:
      return bypass ? fixed_ : kValidated;
    case Kind::kTable:
      break;
  }
  const Row row = at(pairs);
  const double ratio = std::clamp(std::log(row.p99_ms / row.mean_ms), 0.0, kMostLogRatio);
  const double sigma = kZ99 - std::sqrt(std::max(0.0, kZ99 * kZ99 - 2 * ratio));
  const double mu = std::log(row.mean_ms) - sigma * sigma / 2;
  Random random(stream);
  return Duration::nanoseconds(saturating_round(std::exp(mu + sigma * random.normal()) * 1e6));
}

}  // namespace mixnet
