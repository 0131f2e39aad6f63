#include "graphs/collective_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "graphs/collective_traffic.h"
#include "graphs/flow_study.h"

namespace mixnet {
namespace {

constexpr Bytes kMostBytes = {std::int64_t{1} << 40};
constexpr int kMostRows =
    4'096;  // of the matrix of who sends to whom: 0.3 GB with what is made of it
constexpr double kSlice = 128 * 1024;  // of a tree
constexpr double kPs = 1e12;

/// The steps between servers, of so many bytes of the collective: seconds.
struct Steps {
  double slowest = 0;  ///< transfer
  double mean = 0;     ///< transfer and propagation; of a ring over all its hops between servers
  double delay = 0;    ///< the longest propagation
};

void check(const CollectiveRequest& request) {
  const int per_server = request.gpus_per_server;
  if (per_server < 1 || per_server > 1024) {
    throw Error("--gpus-per-server", fmt::format("{} is out of range", per_server),
                "give 1 to 1024 GPUs");
  }
  if (request.gpus < 2 || request.gpus > kMaxFlowHosts) {
    throw Error("--gpus", fmt::format("{} is out of range", request.gpus),
                fmt::format("give 2 to {}, which take part", kMaxFlowHosts));
  }
  if (request.gpus > per_server && request.gpus % per_server != 0) {
    throw Error("--gpus", fmt::format("{} are no whole servers of {}", request.gpus, per_server),
                "give a multiple of --gpus-per-server");
  }
  const int nics = request.network.nics_per_server;
  if (nics < 1 || nics > per_server || per_server % nics != 0) {
    throw Error("--nics-per-server",
                fmt::format("{} NICs cannot be shared by {} GPUs of a server", nics, per_server),
                "give a divisor of --gpus-per-server");
  }
  const int servers = std::max(1, request.gpus / per_server);
  const int rows = is_of_nics(request.collective) ? servers * nics : servers;
  if (rows > kMostRows) {
    throw Error("--gpus",
                fmt::format("{} are too many for {}", request.gpus, to_string(request.collective)),
                fmt::format("give at most {}", kMostRows / (rows / servers) * per_server));
  }
  if (request.sizes.empty()) throw Error("--bytes", "names no size", "give one such as 64MB");
  for (const Bytes size : request.sizes) {
    if (size < Bytes{1} || size > kMostBytes) {
      throw Error("--bytes", fmt::format("{} B is out of range", size.count), "give 1B to 1024GiB");
    }
  }
}

class Study {
 public:
  explicit Study(const CollectiveRequest& request)
      : request_(request),
        per_server_(std::min(request.gpus, request.gpus_per_server)),
        servers_(request.gpus / per_server_),
        shares_(traffic_of(request.collective, request.gpus, per_server_,
                           request.network.nics_per_server)) {
    request_.network.hosts = servers_ * request.network.nics_per_server;
    if (servers_ == 1) return;
    // Times of a fluid are a straight line of the bytes: two runs tell all.
    const double largest = std::ranges::max(shares_.cells());
    const FlowReport small = run(1e6 / largest, Fidelity::kFluid);
    const FlowReport large = run(1e9 / largest, Fidelity::kFluid);
    for (std::size_t f = 0; f < small.flows.size(); ++f) {
      const double bytes = static_cast<double>(large.flows[f].bytes.count);
      const double fewer = static_cast<double>(small.flows[f].bytes.count);
      const double slope =
          static_cast<double>((large.completions[f] - small.completions[f]).ps) / (bytes - fewer);
      delays_.push_back(
          std::max(0.0, static_cast<double>(small.completions[f].ps) - slope * fewer) / kPs);
      transfers_.push_back(slope * bytes / (1e9 / largest) / kPs);  // of one byte
    }
  }

  const CollectiveRequest& request() const { return request_; }

  double seconds(Bytes size) const {
    const auto bytes = static_cast<double>(size.count);
    const Steps between = servers_ > 1 ? steps(bytes) : Steps{};
    const double inside = bytes * inside_share(request_.collective, request_.gpus, per_server_) /
                          request_.gpu_bandwidth.bytes_per_second();
    switch (shape_of(request_.collective)) {
      case CollectiveShape::kRing:
        return ring(between, inside);
      case CollectiveShape::kTree:
        return tree(bytes, between, inside);
      case CollectiveShape::kDirect:
        break;
    }
    const double here = per_server_ > 1 ? inside + latency() : 0;
    return std::max(here, between.slowest + between.delay);
  }

 private:
  double latency() const { return static_cast<double>(request_.gpu_latency.ps) / kPs; }

  FlowReport run(double bytes, Fidelity fidelity) const {
    FlowStudyRequest study;
    study.network = request_.network;
    study.fidelity = fidelity;
    study.packets = request_.packets;
    study.seed = request_.seed;
    study.input = "--gpus";
    Matrix<std::int64_t> matrix(shares_.rows(), shares_.columns());
    for (std::size_t r = 0; r < shares_.rows(); ++r) {
      for (std::size_t c = 0; c < shares_.columns(); ++c) {
        matrix(r, c) = std::llround(std::ceil(shares_(r, c) * bytes));
      }
    }
    study.traffic = std::move(matrix);
    return FlowStudy(std::move(study)).run();
  }

  Steps steps(double bytes) const {
    if (request_.fidelity == Fidelity::kFluid) {
      return of_flows([&](std::size_t f) { return transfers_[f] * bytes; }, transfers_.size());
    }
    const FlowReport report = run(bytes, request_.fidelity);
    // Fewer bytes than NICs are fewer flows, but as far apart.
    const double delay = std::ranges::max(delays_);
    return of_flows(
        [&](std::size_t f) {
          const double end = static_cast<double>(report.completions[f].ps) / kPs;
          return std::max(0.0, end - (f < delays_.size() ? delays_[f] : delay));
        },
        report.flows.size());
  }

  template <typename Transfer>
  Steps of_flows(Transfer&& transfer, std::size_t flows) const {
    Steps steps;
    double delays = 0;
    for (std::size_t f = 0; f < flows; ++f) {
      const double delay = delays_[std::min(f, delays_.size() - 1)];
      steps.slowest = std::max(steps.slowest, transfer(f));
      steps.mean += transfer(f) / static_cast<double>(flows);
      steps.delay = std::max(steps.delay, delay);
      delays += delay / static_cast<double>(flows);
    }
    steps.mean += delays;
    return steps;
  }

  double ring(const Steps& between, double inside) const {
    const int hops = request_.gpus;
    const int here = servers_ > 1 ? hops - servers_ : hops;
    const double around = (here * (inside + latency()) + (hops - here) * between.mean) / hops;
    const double step = std::max({inside, between.slowest, around});
    return static_cast<double>(steps_of(request_.collective, hops)) * step;
  }

  /// Slices follow each other down the tree and, in the last server, from GPU to GPU.
  double tree(double bytes, const Steps& between, double inside) const {
    const double slices = std::max(1.0, std::ceil(bytes / kSlice));
    const double slowest = std::max(between.slowest, inside);
    int depth = 0;
    for (const bool second : {false, true}) {
      depth = std::max(depth, depth_of(broadcast_tree(servers_, second), servers_));
    }
    const int chain = per_server_ - 1;
    const double first =
        depth * (between.slowest / slices + between.delay) + chain * (inside / slices + latency());
    return first + (slices - 1) * slowest / slices;
  }

  CollectiveRequest request_;
  int per_server_;
  int servers_;
  Matrix<double> shares_;
  std::vector<double> delays_;     ///< seconds, by flow
  std::vector<double> transfers_;  ///< seconds for each byte of the collective, by flow
};

std::string words_of(Collective collective) {
  switch (shape_of(collective)) {
    case CollectiveShape::kRing:
      return "rings, one a NIC";
    case CollectiveShape::kTree:
      return "two binary trees";
    case CollectiveShape::kDirect:
      break;
  }
  return "all at once";
}

}  // namespace

double bus_factor(Collective collective, int gpus) {
  const double others = static_cast<double>(gpus - 1) / gpus;
  switch (collective) {
    case Collective::kAllReduce:
      return 2 * others;
    case Collective::kBroadcast:
    case Collective::kReduce:
    case Collective::kSendReceive:
      return 1;
    default:
      return others;
  }
}

CollectiveReport run_collective(const CollectiveRequest& request) {
  check(request);
  ProgressBar progress("collective", request.sizes.size() + 1);
  const Study study(request);
  progress.advance();
  CollectiveReport report;
  report.request = study.request();
  report.algorithm = words_of(request.collective);
  for (const Bytes size : request.sizes) {
    const double seconds = study.seconds(size);
    CollectiveRow row;
    row.bytes = size;
    row.time = Time::from_seconds(seconds);
    row.algorithm_bandwidth = static_cast<double>(size.count) / seconds;
    row.bus_bandwidth = row.algorithm_bandwidth * bus_factor(request.collective, request.gpus);
    report.rows.push_back(row);
    progress.advance();
  }
  return report;
}

std::string to_json(const CollectiveReport& report) {
  using Json = nlohmann::ordered_json;
  const CollectiveRequest& request = report.request;
  Json rows = Json::array();
  for (const CollectiveRow& row : report.rows) {
    rows.push_back({{"bytes", row.bytes.count},
                    {"time_us", static_cast<double>(row.time.ps) / 1e6},
                    {"algbw_gbytes_per_second", row.algorithm_bandwidth / 1e9},
                    {"busbw_gbytes_per_second", row.bus_bandwidth / 1e9}});
  }
  const Json document = {{"schema", "mixnet.collective/1"},
                         {"collective", to_string(request.collective)},
                         {"algorithm", report.algorithm},
                         {"fabric", to_string(request.network.fabric)},
                         {"fidelity", to_string(request.fidelity)},
                         {"gpus", request.gpus},
                         {"gpus_per_server", request.gpus_per_server},
                         {"nics_per_server", request.network.nics_per_server},
                         {"bandwidth_gbps", request.network.bandwidth.to_gbps()},
                         {"gpu_bandwidth_gbps", request.gpu_bandwidth.to_gbps()},
                         {"rows", rows}};
  return document.dump(2) + "\n";
}

}  // namespace mixnet
