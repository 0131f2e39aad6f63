#include "moe/routing_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/csv.h"
#include "base/error.h"
#include "base/random.h"
#include "moe/apportion.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;
constexpr int kMaxLayers = 10'000;
constexpr int kMaxExperts = 16'384;
constexpr std::size_t kMaxTopK = 64;
constexpr std::size_t kMaxCells = std::size_t{1} << 28;

/// What one row says, without its choices.
struct Visit {
  std::int64_t sequence = 0;
  std::int64_t token = 0;
  int layer = 0;
  std::size_t row = 0;
};

void check_header(const CsvTable& table) {
  const std::vector<std::string>& header = table.header();
  bool right = header.size() >= 4 && header.size() <= 3 + kMaxTopK && header[0] == "sequence" &&
               header[1] == "token" && header[2] == "layer";
  for (std::size_t c = 3; right && c < header.size(); ++c) {
    right = header[c] == fmt::format("expert{}", c - 3);
  }
  if (!right) {
    throw Error(table.input(), "is no routing trace by its header",
                "begin it with sequence,token,layer,expert0,expert1,... and one expert column for "
                "each of the top-k choices (at most 64)");
  }
}

std::int64_t id_below(const CsvTable& table, std::size_t row, std::size_t column,
                      std::int64_t bound) {
  const std::int64_t id = table.integer(row, column);
  if (id < bound) return id;
  throw Error(table.place(row, column), fmt::format("{} is too large", id),
              fmt::format("give an id below {}", bound));
}

std::vector<Visit> sorted_visits(const CsvTable& table) {
  std::vector<Visit> visits(table.rows());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    visits[row] = {id_below(table, row, 0, kMaxId), id_below(table, row, 1, kMaxId),
                   static_cast<int>(id_below(table, row, 2, kMaxLayers)), row};
  }
  const auto key = [](const Visit& v) { return std::tie(v.sequence, v.token, v.layer, v.row); };
  std::ranges::sort(visits, {}, key);
  for (std::size_t i = 1; i < visits.size(); ++i) {
    const Visit& a = visits[i - 1];
    const Visit& b = visits[i];
    if (a.sequence == b.sequence && a.token == b.token && a.layer == b.layer) {
      throw Error(table.place(b.row, 2),
                  fmt::format("token {} of sequence {} comes twice in layer {}", b.token,
                              b.sequence, b.layer),
                  "give every token one row a layer");
    }
  }
  return visits;
}

/// The experts of every row, top_k to a row; checked to be distinct.
std::vector<int> read_choices(const CsvTable& table) {
  const std::size_t top_k = table.columns() - 3;
  std::vector<int> choices(table.rows() * top_k);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto first = choices.begin() + static_cast<std::ptrdiff_t>(row * top_k);
    for (std::size_t k = 0; k < top_k; ++k) {
      const auto here = first + static_cast<std::ptrdiff_t>(k);
      *here = static_cast<int>(id_below(table, row, 3 + k, kMaxExperts));
      if (std::find(first, here, *here) != here) {
        throw Error(table.place(row, 3 + k), fmt::format("expert {} comes twice", *here),
                    "the top-k choices of one token are distinct");
      }
    }
  }
  return choices;
}

}  // namespace

RoutingTrace RoutingTrace::parse(std::string_view text, std::string_view input) {
  const CsvTable table = CsvTable::parse(text, input);
  check_header(table);
  const std::vector<Visit> visits = sorted_visits(table);
  const std::vector<int> choices = read_choices(table);

  RoutingTrace trace;
  trace.input_ = input;
  trace.top_k_ = static_cast<int>(table.columns() - 3);
  trace.experts_ = 1 + std::ranges::max(choices);
  trace.rows_ = static_cast<std::int64_t>(visits.size());
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const bool new_sequence = i == 0 || visits[i].sequence != visits[i - 1].sequence;
    if (new_sequence) ++trace.sequences_;
    if (new_sequence || visits[i].token != visits[i - 1].token) ++trace.tokens_;
    trace.layers_ = std::max(trace.layers_, visits[i].layer + 1);
  }
  trace.missing_rows_ = trace.tokens_ * trace.layers_ - trace.rows_;

  const auto experts = static_cast<std::size_t>(trace.experts_);
  const std::size_t per_sequence = static_cast<std::size_t>(trace.layers_) * experts;
  const auto sequences = static_cast<std::size_t>(trace.sequences_);
  if (sequences > kMaxCells / per_sequence) {
    throw Error(input,
                fmt::format("has {} sequences of {} layers and {} experts", sequences,
                            trace.layers_, experts),
                fmt::format("give at most {} of sequences x layers x experts", kMaxCells));
  }
  trace.choices_.assign(sequences * per_sequence, 0);
  std::vector<std::int32_t> of_layer(per_sequence, 0);
  std::size_t sequence = 0;
  for (std::size_t i = 0; i < visits.size(); ++i) {
    if (i > 0 && visits[i].sequence != visits[i - 1].sequence) ++sequence;
    for (int k = 0; k < trace.top_k_; ++k) {
      const std::size_t cell = static_cast<std::size_t>(visits[i].layer) * experts +
                               static_cast<std::size_t>(choices[visits[i].row * trace.top_k_ + k]);
      ++trace.choices_[sequence * per_sequence + cell];
      ++of_layer[cell];
    }
  }

  for (std::size_t layer = 0; layer < static_cast<std::size_t>(trace.layers_); ++layer) {
    const std::span<const std::int32_t> all{&of_layer[layer * experts], experts};
    if (std::ranges::max(all) == 0) {
      throw Error(input, fmt::format("has no row of layer {}", layer),
                  fmt::format("number the {} layers without a gap", trace.layers_));
    }
    for (std::size_t s = 0; s < sequences; ++s) {
      const std::span<std::int32_t> own{&trace.choices_[s * per_sequence + layer * experts],
                                        experts};
      if (std::ranges::max(own) == 0) std::ranges::copy(all, own.begin());
    }
  }
  return trace;
}

void RoutingTrace::check_model(int experts, int top_k) const {
  if (experts != experts_) {
    throw Error(
        input_,
        fmt::format("has {} experts (its highest id plus one), the model {}", experts_, experts),
        "give a trace of the model's own gates");
  }
  if (top_k == top_k_) return;
  throw Error(input_,
              fmt::format("has {} choice{} a token, and the model is top-{}", top_k_,
                          top_k_ == 1 ? "" : "s", top_k),
              "give a trace of the model's own gates");
}

bool RoutingTrace::is_thin() const { return tokens_ * top_k_ < kFewChoices * experts_; }

int RoutingTrace::sequence_of(const RoutingPlace& place, int rank, int ep,
                              std::uint64_t seed) const {
  const std::uint64_t drawn =
      derive_seed(seed, place.iteration, place.micro_batch, place.replica, rank);
  const auto near = static_cast<std::uint64_t>(std::min(sequences_, ep));
  return static_cast<int>((static_cast<std::uint64_t>(place.iteration) + drawn % near) %
                          static_cast<std::uint64_t>(sequences_));
}

void RoutingTrace::replay(const RoutingPlace& place, const RoutingShape& shape, std::uint64_t seed,
                          TokenCounts& out) const {
  const int layer = place.layer % layers_;
  for (int rank = 0; rank < shape.ep; ++rank) {
    const int sequence = sequence_of(place, rank, shape.ep, seed);
    const std::span<std::int32_t> row = out.row(static_cast<std::size_t>(rank));
    for (int e = 0; e < experts_; ++e) {
      row[static_cast<std::size_t>(e)] = choices(sequence, layer, e);
    }
    apportion(row, shape.row_total(), shape.tokens, kHalfOffset);
  }
}

}  // namespace mixnet
