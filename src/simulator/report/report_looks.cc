#include "report/report_looks.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "compare/layer_picture.h"
#include "sweep/sweep_plan.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostLooks = 8;
constexpr std::size_t kMostServersDrawn = 64;
constexpr double kLookAtGbps = 400;

/// Correctly rounded, so that 25 ms is written 0.025.
double seconds(Time time) { return static_cast<double>(time.ps) / 1e12; }

/// What the row's command line asks for. Throws Error.
ComparisonRequest request_of(const ReportRow& row, const ParseRun& parse) {
  std::vector<std::string> words = shell_words(row.command, "command");
  if (words.size() < 2) throw Error("command", "is empty");
  words.erase(words.begin(), words.begin() + 2);  // mixnet compare
  return parse(words);
}

Json cells_json(const auto& matrix) {
  return Json(std::vector(matrix.cells().begin(), matrix.cells().end()));
}

Json spans_json(const std::vector<TimelineSpan>& spans) {
  Json json = Json::array();
  for (const TimelineSpan& span : spans) {
    json.push_back({{"track", to_string(span.track)},
                    {"part", to_string(span.part)},
                    {"start", seconds(span.start)},
                    {"end", seconds(span.end)}});
  }
  return json;
}

Json look_json(const ReportRow& row, const ParseRun& parse) {
  Json json = {{"model", row.run->model}, {"point", row.point + 1}, {"command", row.command}};
  try {
    const ComparisonRequest request = request_of(row, parse);
    if (request.fabrics.at(0) != FabricKind::kMixNet) throw Error("command", "is not of the row");
    const LayerPicture picture = picture_layer(request);
    json["title"] = picture.model;
    json["layout"] = to_string(picture.plan);
    json["gbps"] = picture.bandwidth.to_gbps();
    json["degree"] = picture.degree;
    json["allocator"] = picture.allocator;
    json["layer"] = picture.regions.empty() ? 0 : picture.regions.back().layer + 1;
    json["forward"] = spans_json(picture.forward);
    json["backward"] = spans_json(picture.backward);
    Json& regions = json["regions"] = Json::array();
    for (const RegionPicture& region : picture.regions) {
      if (region.demand.rows() > kMostServersDrawn) continue;
      regions.push_back({{"layer", region.layer + 1},
                         {"servers", region.demand.rows()},
                         {"bytes", cells_json(region.demand)},
                         {"circuits", cells_json(region.circuits)}});
    }
  } catch (const Error& error) {
    // Its model file may be gone, or the folder come from elsewhere: the rest stands without it.
    json["problem"] = error.what();
  }
  return json;
}

}  // namespace

std::string gpu_title(const ReportFolder& folder, const ParseRun& parse) {
  if (!folder.gpu.empty() || !folder.sweep) return folder.gpu;
  const auto row =
      std::ranges::find_if(folder.rows, [](const ReportRow& one) { return one.run.has_value(); });
  if (row == folder.rows.end() || row->command.empty()) return {};
  try {
    return request_of(*row, parse).gpu.title;
  } catch (const Error&) {
    return {};  // a file that the command names is gone
  }
}

/// By model, the first points on MixNet; of their speeds the one nearest to kLookAtGbps.
nlohmann::ordered_json looks_json(const ReportFolder& folder, const ParseRun& parse) {
  std::vector<std::pair<std::string, const ReportRow*>> chosen;
  const auto distance = [](const ReportRow& row) {
    return std::abs(std::log(row.run->bandwidth.to_gbps() / kLookAtGbps));
  };
  const std::size_t speed = folder.sweep->axis("bandwidth");
  const auto differs_in_speed_only = [&](const ReportRow& a, const ReportRow& b) {
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      if (i != speed && a.values[i] != b.values[i]) return false;
    }
    return true;
  };
  for (const ReportRow& row : folder.rows) {
    if (!row.run || row.run->fabric != FabricKind::kMixNet || row.command.empty()) continue;
    const auto known =
        std::ranges::find(chosen, row.run->model, &std::pair<std::string, const ReportRow*>::first);
    if (known == chosen.end()) {
      if (chosen.size() < kMostLooks) chosen.emplace_back(row.run->model, &row);
    } else if (differs_in_speed_only(*known->second, row) &&
               distance(row) < distance(*known->second)) {
      known->second = &row;
    }
  }
  Json looks = Json::array();
  for (const auto& [model, row] : chosen) looks.push_back(look_json(*row, parse));
  return looks;
}

}  // namespace mixnet
