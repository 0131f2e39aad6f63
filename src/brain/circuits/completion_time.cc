#include "circuits/completion_time.h"

#include <algorithm>
#include <vector>

namespace mixnet {
namespace {

/// The most bytes that one server sends or receives.
class BusiestServer {
 public:
  explicit BusiestServer(std::size_t servers) : out_(servers), in_(servers) {}

  void add(std::size_t from, std::size_t to, std::int64_t bytes) {
    out_[from] += bytes;
    in_[to] += bytes;
  }
  Bytes bytes() const {
    std::int64_t most = 0;
    for (const std::int64_t sum : out_) most = std::max(most, sum);
    for (const std::int64_t sum : in_) most = std::max(most, sum);
    return {most};
  }

 private:
  std::vector<std::int64_t> out_;
  std::vector<std::int64_t> in_;
};

}  // namespace

CompletionTime circuits_first_time(const ServerDemand& demand, const CircuitCounts& counts,
                                   int eps_nics, Bandwidth nic_rate) {
  CompletionTime time;
  BusiestServer eps(demand.rows());
  for (std::size_t a = 0; a < demand.rows(); ++a) {
    for (std::size_t b = a + 1; b < demand.rows(); ++b) {
      const std::int64_t there = demand(a, b);
      const std::int64_t back = demand(b, a);
      if (counts(a, b) > 0) {
        const Bytes slower{std::max(there, back)};
        time.circuits = std::max(time.circuits, slower / (nic_rate * counts(a, b)));
      } else if (there > 0 || back > 0) {
        eps.add(a, b, there);
        eps.add(b, a, back);
        ++time.eps_pairs;
        time.eps_bytes += Bytes{there} + Bytes{back};
      }
    }
  }
  time.eps = eps.bytes() / (nic_rate * eps_nics);
  return time;
}

Time completion_lower_bound(const ServerDemand& demand, int nics, Bandwidth nic_rate) {
  BusiestServer all(demand.rows());
  for (std::size_t a = 0; a < demand.rows(); ++a) {
    for (std::size_t b = 0; b < demand.rows(); ++b) {
      if (a != b) all.add(a, b, demand(a, b));
    }
  }
  return all.bytes() / (nic_rate * nics);
}

}  // namespace mixnet
