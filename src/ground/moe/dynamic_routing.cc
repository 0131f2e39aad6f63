#include "moe/dynamic_routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/csv.h"
#include "base/error.h"
#include "base/random.h"
#include "moe/apportion.h"

namespace mixnet {
namespace {

constexpr int kFraction = 16;
constexpr double kOne = 1 << kFraction;
constexpr double kLog2E = 1.4426950408889634;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
constexpr double kMaxDeviation = 4;  // of a natural logarithm: a factor of 55

/// What a stream of random numbers is for; a part of its seed.
enum Stream : std::uint64_t { kSkew = 1, kDeviation, kLoading, kShared, kDrift, kRankText, kOwn };

/// A standard normal number, nearly: four uniform 16-bit numbers added, 16 fractional bits.
std::int64_t normal_of(std::uint64_t bits) {
  constexpr std::uint64_t kPairs = 0x0000ffff0000ffffULL;
  const std::uint64_t pairs = (bits & kPairs) + (bits >> 16 & kPairs);
  const auto sum =
      static_cast<std::int64_t>((pairs & 0xffffffff) + (pairs >> 32)) - std::int64_t{2} * 65535;
  // The sum's deviation is 65536 / sqrt(3) = 37837; 113512 = 2^32 / 37837.
  return (sum * 113512) >> kFraction;
}

std::int64_t normal_at(std::uint64_t stream, std::uint64_t index) {
  return normal_of(mix64(stream + index * kGolden));
}

std::int64_t fixed(double natural) { return std::llround(natural * kLog2E * kOne); }

constexpr double two_to(double exponent) {
  // Taylor series of e^(x ln 2), |x| <= 1: the compiler evaluates it once, so no libm is asked.
  double term = 1;
  double sum = 1;
  for (int i = 1; i < 24; ++i) sum += term *= exponent * 0.6931471805599453 / i;
  return sum;
}

/// To the nearest integer, x >= 0.
constexpr std::int32_t rounded(double x) {
  const auto floor = static_cast<std::int32_t>(x);
  return floor + (x - floor >= 0.5 ? 1 : 0);
}

/// 2^(-i/256) with 30 fractional bits.
constexpr std::array<std::int32_t, 256> kPowers = [] {
  std::array<std::int32_t, 256> powers{};
  for (int i = 0; i < 256; ++i) {
    powers[i] = rounded(two_to(-i / 256.0) * (1 << 30));
  }
  return powers;
}();

/// 2^(-x), x >= 0 with 16 fractional bits; 30 fractional bits, relative error below 4e-6 of what
/// 30 bits can hold.
std::int32_t power_of_minus(std::int64_t x) {
  const std::int64_t whole = x >> kFraction;
  if (whole > 30) return 0;
  const auto power = static_cast<std::int64_t>(kPowers[(x >> 8) & 0xff]);
  const std::int64_t rest = x & 0xff;
  constexpr std::int64_t kLn2 = 45426;  // 16 fractional bits
  return static_cast<std::int32_t>((power - ((power * rest * kLn2) >> 32)) >> whole);
}

double in_range(const CsvTable& table, std::size_t row, double most) {
  const double value = table.number(row, 1);
  if (value > most) {
    throw Error(table.place(row, 1), fmt::format("{} is too large", value),
                fmt::format("give at most {}", most));
  }
  return value;
}

std::size_t row_of(const CsvTable& table, std::string_view name) {
  std::size_t found = table.rows();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.text(row, 0) != name) continue;
    if (found < table.rows()) throw Error(table.place(row, 0), "comes twice", "give it once");
    found = row;
  }
  if (found == table.rows()) {
    throw Error(table.input(), fmt::format("has no parameter '{}'", name), "docs/routing.md");
  }
  return found;
}

}  // namespace

DynamicParameters parse_dynamic_parameters(std::string_view text, std::string_view input) {
  constexpr double kMaxMemory = 1000;
  const CsvTable table = CsvTable::parse(text, input);
  if (table.header() != std::vector<std::string>{"parameter", "value"}) {
    throw Error(input, "is no table of parameters by its header", "begin it with parameter,value");
  }
  const auto value = [&](std::string_view name, double most) {
    return in_range(table, row_of(table, name), most);
  };
  DynamicParameters parameters;
  parameters.static_median = value("static_median", kMaxDeviation);
  parameters.static_spread = value("static_spread", 2);
  parameters.iteration_sd = value("iteration_sd", kMaxDeviation);
  parameters.rank_sd = value("rank_sd", kMaxDeviation);
  parameters.topic_share = value("topic_share", 1);
  const std::size_t memory = row_of(table, "memory");
  table.integer(memory, 1, 1);
  parameters.memory = static_cast<int>(in_range(table, memory, kMaxMemory));
  return parameters;
}

DynamicRouting::DynamicRouting(const DynamicParameters& parameters, const RoutingShape& shape,
                               std::uint64_t seed)
    : shape_(shape),
      seed_(seed),
      traits_(static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.experts)) {
  // Only +, *, / and sqrt from here on, which IEEE 754 rounds alike everywhere, each rounded to an
  // integer before it meets another.
  const double through_topics = std::sqrt(parameters.topic_share / kTopics);
  const double beside_topics = std::sqrt(1 - parameters.topic_share);
  iteration_topic_ = fixed(parameters.iteration_sd * through_topics);
  iteration_drift_ = fixed(parameters.iteration_sd * beside_topics);
  rank_topic_ = fixed(parameters.rank_sd * through_topics);
  rank_own_ = fixed(parameters.rank_sd * beside_topics);
  for (int i = 0; i <= parameters.memory; ++i) {
    const double u = static_cast<double>(i) / parameters.memory;
    knot_weights_.push_back(static_cast<std::int32_t>(std::lround(std::sqrt(u) * kOne)));
  }
  for (int layer = 0; layer < shape.layers; ++layer) fill_layer(layer, parameters);
}

void DynamicRouting::fill_layer(int layer, const DynamicParameters& parameters) {
  // The layer's deviation is median * 2^(spread * normal); the power is taken below 1 and put back.
  constexpr std::int64_t kLift = 10;  // spread * log2(e) * 3.47 is at most 10.01
  const std::int64_t exponent =
      (fixed(parameters.static_spread) *
       normal_at(derive_seed(seed_, kDeviation), static_cast<std::uint64_t>(layer))) >>
      kFraction;
  const std::int64_t power =
      power_of_minus(std::max<std::int64_t>(0, (kLift << kFraction) - exponent));
  const std::int64_t deviation =
      std::min(fixed(kMaxDeviation), (fixed(parameters.static_median) * power) >> (30 - kLift));
  const std::uint64_t skew = derive_seed(seed_, kSkew, layer);
  const std::uint64_t loading = derive_seed(seed_, kLoading, layer);
  for (int e = 0; e < shape_.experts; ++e) {
    ExpertTraits& traits = traits_[static_cast<std::size_t>(layer) * shape_.experts + e];
    traits.skew = static_cast<std::int32_t>(
        (deviation * normal_at(skew, static_cast<std::uint64_t>(e))) >> kFraction);
    for (int k = 0; k < kTopics; ++k) {
      traits.loading[k] = static_cast<std::int32_t>(
          normal_at(loading, static_cast<std::uint64_t>(e) * kTopics + k));
    }
  }
}

/// The value in `iteration` of the lane-th process of a stream of processes that change in step.
std::int64_t DynamicRouting::over_time(std::uint64_t stream, int iteration,
                                       std::uint64_t lane) const {
  const auto memory = static_cast<std::uint64_t>(knot_weights_.size() - 1);
  // A phase of its own keeps the knots of different streams apart in time.
  const std::uint64_t moment = static_cast<std::uint64_t>(iteration) + mix64(stream) % memory;
  const std::uint64_t knot = moment / memory;
  const std::uint64_t since = moment % memory;
  const std::uint64_t series = stream + lane * 0x100000001b3ULL;
  return (knot_weights_[memory - since] * normal_at(series, knot) +
          knot_weights_[since] * normal_at(series, knot + 1)) >>
         kFraction;
}

void DynamicRouting::counts(const RoutingPlace& place, TokenCounts& out) const {
  assert(place.layer >= 0 && place.layer < shape_.layers);
  const auto experts = static_cast<std::size_t>(shape_.experts);
  const auto ranks = static_cast<std::size_t>(shape_.ep);
  const ExpertTraits* traits = &traits_[static_cast<std::size_t>(place.layer) * experts];

  Topics shared;
  for (int k = 0; k < kTopics; ++k) {
    shared[k] =
        (iteration_topic_ * over_time(derive_seed(seed_, kShared, k), place.iteration, 0)) >>
        kFraction;
  }
  // What all ranks share waits in the last row, which is turned into counts last: no scratch
  // memory.
  const std::span<std::int32_t> common = out.row(ranks - 1);
  const std::uint64_t drift = derive_seed(seed_, kDrift, place.layer);
  for (std::size_t e = 0; e < experts; ++e) {
    common[e] = static_cast<std::int32_t>(
        traits[e].skew + ((iteration_drift_ * over_time(drift, place.iteration, e)) >> kFraction));
  }

  const std::uint64_t text =
      derive_seed(seed_, kRankText, place.iteration, place.micro_batch, place.replica);
  const std::uint64_t own_stream = derive_seed(text, kOwn, place.layer);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    Topics topics;
    for (std::size_t k = 0; k < kTopics; ++k) {
      topics[k] = shared[k] + ((rank_topic_ * normal_at(text, rank * kTopics + k)) >> kFraction);
    }
    const std::span<std::int32_t> row = out.row(rank);
    const std::uint64_t own = mix64(own_stream + rank);
    std::int32_t highest = std::numeric_limits<std::int32_t>::min();
    for (std::size_t e = 0; e < experts; ++e) {
      std::int64_t moved = rank_own_ * normal_at(own, e);
      for (int k = 0; k < kTopics; ++k) moved += topics[k] * traits[e].loading[k];
      row[e] = common[e] + static_cast<std::int32_t>(moved >> kFraction);
      highest = std::max(highest, row[e]);
    }
    for (std::size_t e = 0; e < experts; ++e) {
      row[e] = power_of_minus(std::int64_t{highest} - row[e]);
    }
    const auto offset = static_cast<std::uint32_t>(mix64(own ^ kGolden) >> 32);
    apportion(row, shape_.row_total(), shape_.tokens, offset);
  }
}

}  // namespace mixnet
