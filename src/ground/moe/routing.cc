#include "moe/routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text_file.h"
#include "moe/dynamic_routing.h"
#include "moe/routing_trace.h"
#include "moe/token_matrix.h"

namespace mixnet {
namespace {

constexpr std::string_view kInput = "--routing";
constexpr int kMaxExperts = 16'384;
constexpr std::int64_t kMaxTraits = std::int64_t{1} << 26;  // layers x experts

void check_shape(const RoutingShape& shape) {
  const auto refuse = [](const std::string& problem, std::string_view remedy) {
    throw Error(kInput, problem, remedy);
  };
  if (shape.ep < 1 || shape.experts < 1 || shape.layers < 1 || shape.tokens < 1) {
    refuse(fmt::format("EP {}, {} experts, {} layers, {} tokens cannot be routed", shape.ep,
                       shape.experts, shape.layers, shape.tokens),
           "give each at least 1");
  }
  if (shape.experts > kMaxExperts) {
    refuse(fmt::format("{} experts are too many", shape.experts),
           fmt::format("give at most {}", kMaxExperts));
  }
  if (shape.experts % shape.ep != 0) {
    refuse(fmt::format("{} experts do not spread over EP {}", shape.experts, shape.ep),
           "give an EP that divides the experts");
  }
  if (shape.top_k < 1 || shape.top_k > shape.experts) {
    refuse(fmt::format("top-{} of {} experts cannot be chosen", shape.top_k, shape.experts),
           fmt::format("give a top-k of 1 to {}", shape.experts));
  }
  if (shape.tokens > std::numeric_limits<std::int32_t>::max() / shape.top_k) {
    refuse(fmt::format("{} tokens x top-{} overflow a counter", shape.tokens, shape.top_k),
           "give a micro-batch of fewer than 2^31 token copies a rank");
  }
  if (std::int64_t{shape.layers} * shape.experts > kMaxTraits) {
    refuse(fmt::format("{} layers of {} experts are too many", shape.layers, shape.experts),
           fmt::format("give at most {} experts in all", kMaxTraits));
  }
}

/// FILE of "KIND:FILE"; nothing when the spec is of another kind.
std::optional<std::string> file_of(std::string_view spec, std::string_view kind) {
  if (!spec.starts_with(kind)) return std::nullopt;
  spec.remove_prefix(kind.size());
  if (spec.empty()) {
    throw Error(kInput, fmt::format("'{}' names no file", kind),
                fmt::format("give {}FILE with a CSV file", kind));
  }
  return std::string(spec);
}

std::filesystem::path own_data(std::string_view file) {
  return data_directory() / "routing" / file;
}

RoutingTrace read_trace(const std::string& file) {
  return RoutingTrace::parse(read_text_file(file), file);
}

std::string note_on(const RoutingTrace& trace, std::string_view name) {
  if (!trace.is_thin()) return {};
  return fmt::format(
      "{} has {} token{}, under {} choices for each of {} experts a layer: its loads are chance",
      name, trace.tokens(), trace.tokens() == 1 ? "" : "s", RoutingTrace::kFewChoices,
      trace.experts());
}

TokenCounts measured_counts(const RoutingShape& shape) {
  const std::filesystem::path path = own_data("production_mixtral_8x7b.csv");
  const Matrix<double> weights = parse_token_matrix(read_text_file(path), path.string());
  return tile_token_matrix(weights, shape, true, path.string());
}

}  // namespace

struct RoutingSource::State {
  using Source = std::variant<TokenCounts, RoutingTrace, DynamicRouting>;

  std::string name;
  RoutingShape shape;
  std::uint64_t seed;
  Source source;
  std::int32_t capacity = std::numeric_limits<std::int32_t>::max();  ///< of a cell

  static Source open(std::string_view spec, const RoutingShape& shape, std::uint64_t seed) {
    if (spec == "uniform") return uniform_counts(shape);
    if (spec == "measured") return measured_counts(shape);
    if (spec == "dynamic") {
      const std::filesystem::path path = own_data("dynamic.csv");
      return DynamicRouting(parse_dynamic_parameters(read_text_file(path), path.string()), shape,
                            seed);
    }
    if (const auto file = file_of(spec, "matrix:")) {
      return tile_token_matrix(parse_token_matrix(read_text_file(*file), *file), shape, false,
                               *file);
    }
    if (const auto file = file_of(spec, "trace:")) {
      RoutingTrace trace = read_trace(*file);
      trace.check_model(shape.experts, shape.top_k);
      return trace;
    }
    const std::array<std::string, 5> known = {"uniform", "measured", "dynamic", "matrix:FILE",
                                              "trace:FILE"};
    throw Error(kInput, fmt::format("unknown routing '{}'", spec), suggest(spec, known));
  }
};

RoutingSource RoutingSource::make(std::string_view spec, const RoutingShape& shape,
                                  std::uint64_t seed) {
  check_shape(shape);
  return RoutingSource(std::make_shared<const State>(
      State{std::string(spec), shape, seed, State::open(spec, shape, seed)}));
}

RoutingSource RoutingSource::make_for_ranks(std::string_view spec, int ep, int layers,
                                            std::int64_t tokens, std::uint64_t seed) {
  RoutingShape shape{
      .ep = ep, .experts = ep, .top_k = std::min(2, ep), .layers = layers, .tokens = tokens};
  const auto file = file_of(spec, "trace:");
  if (!file) return make(spec, shape, seed);
  RoutingTrace trace = read_trace(*file);
  shape.experts = trace.experts();
  shape.top_k = trace.top_k();
  check_shape(shape);
  return RoutingSource(
      std::make_shared<const State>(State{std::string(spec), shape, seed, std::move(trace)}));
}

RoutingSource RoutingSource::limited(double factor) const {
  if (!(factor > 0 && factor <= 1e6)) {
    throw Error("--capacity-factor", fmt::format("{} is out of range", factor),
                "give a factor above 0, up to 1000000, or leave it out: nothing is dropped");
  }
  State state = *state_;
  const double most =
      std::ceil(factor * static_cast<double>(state.shape.row_total()) / state.shape.experts);
  state.capacity =
      static_cast<std::int32_t>(std::min<double>(most, std::numeric_limits<std::int32_t>::max()));
  return RoutingSource(std::make_shared<const State>(std::move(state)));
}

const RoutingShape& RoutingSource::shape() const { return state_->shape; }

std::string RoutingSource::note() const {
  const auto* trace = std::get_if<RoutingTrace>(&state_->source);
  return trace == nullptr ? std::string() : note_on(*trace, state_->name);
}

std::string routing_note(std::string_view spec) {
  const auto file = file_of(spec, "trace:");
  return file ? note_on(read_trace(*file), spec) : std::string();
}

void RoutingSource::counts(const RoutingPlace& place, TokenCounts& out) const {
  const RoutingShape& shape = state_->shape;
  const auto rows = static_cast<std::size_t>(shape.ep);
  const auto columns = static_cast<std::size_t>(shape.experts);
  if (out.rows() != rows || out.columns() != columns) out = TokenCounts(rows, columns);
  if (const auto* trace = std::get_if<RoutingTrace>(&state_->source)) {
    trace->replay(place, shape, state_->seed, out);
  } else if (const auto* dynamic = std::get_if<DynamicRouting>(&state_->source)) {
    dynamic->counts(place, out);
  } else {
    out = std::get<TokenCounts>(state_->source);
  }
  if (state_->capacity == std::numeric_limits<std::int32_t>::max()) return;
  for (std::int32_t& cell : out.cells()) cell = std::min(cell, state_->capacity);
}

bool RoutingSource::varies() const {
  const auto* trace = std::get_if<RoutingTrace>(&state_->source);
  if (trace != nullptr) return trace->sequences() > 1 || trace->layers() > 1;
  return std::holds_alternative<DynamicRouting>(state_->source);
}

const std::string& RoutingSource::name() const { return state_->name; }

}  // namespace mixnet
