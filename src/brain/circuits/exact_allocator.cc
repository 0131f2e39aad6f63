#include "circuits/exact_allocator.h"

#include <fmt/format.h>
#include <glpk.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "circuits/balanced_time.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {
namespace {

constexpr std::size_t kMaxServers = 64;

/// A server with no NIC at all counts as having one: what cannot be done is found elsewhere.
double all_nics_bound(const ServerDemand& demand, std::span<const int> optical,
                      std::span<const int> electrical) {
  double most = 0;
  for (std::size_t s = 0; s < demand.rows(); ++s) {
    double out = 0;
    double in = 0;
    for (std::size_t t = 0; t < demand.rows(); ++t) {
      if (s == t) continue;
      out += static_cast<double>(demand(s, t));
      in += static_cast<double>(demand(t, s));
    }
    most = std::max(most, std::max(out, in) / std::max(1, optical[s] + electrical[s]));
  }
  return most;
}

/// The programme for one time; sizes are in units of `unit` bytes, so that GLPK's tolerances fit.
class Programme {
 public:
  Programme(const ServerDemand& demand, std::span<const int> optical,
            std::span<const int> electrical, double time)
      : demand_(demand), problem_(glp_create_prob()), n_(static_cast<int>(demand.rows())) {
    unit_ = time;  // then T = 1
    glp_set_obj_dir(problem_.get(), GLP_MIN);
    first_pair_ = glp_add_cols(problem_.get(), n_ * (n_ - 1) / 2);
    for (int s = 0; s < n_; ++s) {
      for (int t = s + 1; t < n_; ++t) {
        const int most = std::min(optical[s], optical[t]);
        glp_set_col_kind(problem_.get(), pair(s, t), GLP_IV);
        glp_set_col_bnds(problem_.get(), pair(s, t), most > 0 ? GLP_DB : GLP_FX, 0, most);
      }
    }
    const int first_degree = glp_add_rows(problem_.get(), n_);
    const int first_out = glp_add_rows(problem_.get(), n_);
    const int first_in = glp_add_rows(problem_.get(), n_);
    for (int s = 0; s < n_; ++s) {
      glp_set_row_bnds(problem_.get(), first_degree + s, GLP_UP, 0, optical[s]);
      glp_set_row_bnds(problem_.get(), first_out + s, GLP_UP, 0, electrical[s]);
      glp_set_row_bnds(problem_.get(), first_in + s, GLP_UP, 0, electrical[s]);
    }
    for (int s = 0; s < n_; ++s) {
      for (int t = s + 1; t < n_; ++t) {
        put(first_degree + s, pair(s, t), 1);
        put(first_degree + t, pair(s, t), 1);
      }
    }
    for (int s = 0; s < n_; ++s) {
      for (int t = 0; t < n_; ++t) {
        if (s == t || demand(s, t) == 0) continue;
        const int rest = glp_add_cols(problem_.get(), 1);
        glp_set_col_bnds(problem_.get(), rest, GLP_LO, 0, 0);
        glp_set_obj_coef(problem_.get(), rest, 1);
        const int row = glp_add_rows(problem_.get(), 1);
        glp_set_row_bnds(problem_.get(), row, GLP_LO, static_cast<double>(demand(s, t)) / unit_, 0);
        put(row, rest, 1);
        put(row, pair(std::min(s, t), std::max(s, t)), 1);
        put(first_out + s, rest, 1);
        put(first_in + t, rest, 1);
      }
    }
    glp_load_matrix(problem_.get(), static_cast<int>(values_.size()) - 1, rows_.data(),
                    columns_.data(), values_.data());
  }

  bool solve(CircuitCounts& counts) {
    glp_iocp options;
    glp_init_iocp(&options);
    options.presolve = GLP_ON;
    options.msg_lev = GLP_MSG_OFF;
    options.tm_lim = 60'000;
    const int code = glp_intopt(problem_.get(), &options);
    if (code == GLP_ENOPFS) return false;
    const int status = glp_mip_status(problem_.get());
    if (code != 0 || (status != GLP_OPT && status != GLP_NOFEAS)) {
      throw Error("exact allocation", fmt::format("GLPK gave up (code {})", code),
                  "use the refined allocator for regions of this size");
    }
    if (status == GLP_NOFEAS) return false;
    for (int s = 0; s < n_; ++s) {
      for (int t = s + 1; t < n_; ++t) {
        counts(s, t) = counts(t, s) =
            static_cast<std::int32_t>(std::lround(glp_mip_col_val(problem_.get(), pair(s, t))));
      }
    }
    return true;
  }

 private:
  struct Delete {
    void operator()(glp_prob* problem) const { glp_delete_prob(problem); }
  };
  int pair(int s, int t) const { return first_pair_ + s * n_ - s * (s + 1) / 2 + t - s - 1; }
  void put(int row, int column, double value) {
    rows_.push_back(row);
    columns_.push_back(column);
    values_.push_back(value);
  }

  const ServerDemand& demand_;
  std::unique_ptr<glp_prob, Delete> problem_;
  int n_;
  double unit_ = 1;
  int first_pair_ = 0;
  std::vector<int> rows_ = {0}, columns_ = {0};  // GLPK counts from 1
  std::vector<double> values_ = {0};
};

}  // namespace

ExactCircuits allocate_exactly(const ServerDemand& demand, int degree, int eps_nics, double gap) {
  const std::vector<int> optical(demand.rows(), degree);
  const std::vector<int> electrical(demand.rows(), eps_nics);
  return allocate_exactly(demand, optical, electrical, gap);
}

ExactCircuits allocate_exactly(const ServerDemand& demand, std::span<const int> optical,
                               std::span<const int> electrical, double gap) {
  if (demand.rows() > kMaxServers) {
    throw Error("exact allocation", fmt::format("{} servers are too many", demand.rows()),
                fmt::format("give at most {}, or use the refined allocator", kMaxServers));
  }
  if (optical.size() != demand.rows() || electrical.size() != demand.rows()) {
    throw Error("exact allocation", "NICs are not given for each server");
  }
  for (const auto& nics : {optical, electrical}) {
    if (std::ranges::any_of(nics, [](int count) { return count < 0; })) {
      throw Error("exact allocation", "a server cannot have fewer than no NICs");
    }
  }
  ExactCircuits best;
  best.counts = GreedyAllocator().allocate(demand, optical);
  best.time = balanced_time(demand, best.counts, electrical);
  best.bound = all_nics_bound(demand, optical, electrical);
  if (!std::isfinite(best.time)) {
    // A pair without a way: then any finite time is better, if there is one.
    double all = 0;
    for (const std::int64_t bytes : demand.cells()) all += static_cast<double>(bytes);
    CircuitCounts counts(demand.rows(), demand.rows());
    if (!Programme(demand, optical, electrical, all).solve(counts)) return best;
    best.counts = counts;
    best.time = balanced_time(demand, counts, electrical);
  }
  CircuitCounts counts(demand.rows(), demand.rows());
  while (best.time > best.bound * (1 + gap)) {
    const double middle = (best.time + best.bound) / 2;
    if (Programme(demand, optical, electrical, middle).solve(counts)) {
      best.counts = counts;
      best.time = std::min(middle, balanced_time(demand, counts, electrical));
    } else {
      best.bound = middle;
    }
  }
  best.time = balanced_time(demand, best.counts, electrical);
  return best;
}

}  // namespace mixnet
