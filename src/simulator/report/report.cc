#include "report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/markup.h"
#include "report/report_assets.h"
#include "report/report_axis.h"
#include "report/report_header.h"
#include "report/report_looks.h"
#include "report/report_seeds.h"
#include "report/report_summary.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostCases = 12;

/// In the order in which they have to run.
std::array<const EmbeddedText*, 15> scripts() {
  return {&kChartLibrary,  &kBasicsScript, &kLooksScript,   &kSliceScript,   &kAxesScript,
          &kDrawingScript, &kNamesScript,  &kChartsScript,  &kFrontScript,   &kLinesScript,
          &kTableScript,   &kLayerScript,  &kPassageScript, &kFiguresScript, &kStartScript};
}

std::string html(std::string_view text) { return escaped(text, Markup::kHtml); }

/// For a <script> element: no '<' may stand in it, lest it end the element.
std::string script_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

Json or_null(const FlagValue& value) { return value ? Json(*value) : Json(nullptr); }
Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

/// Correctly rounded, so that 25 ms is written 0.025.
double seconds(Time time) { return static_cast<double>(time.ps) / 1e12; }

Json axis_json(const ReportAxis& axis) {
  Json values = Json::array();
  for (const FlagValue& value : axis.values) values.push_back(or_null(value));
  Json json = {{"flag", axis.flag}, {"values", values}};
  if (const std::optional<AxisScale> scale = axis_scale(axis)) {
    json["unit"] = scale->unit;
    json["numbers"] = scale->numbers;
  }
  return json;
}

Json run_json(const ReportRun& run) {
  Json parts = {
      {"compute", seconds(run.compute)}, {"ep", seconds(run.ep)},
      {"tp", seconds(run.tp)},           {"pp", seconds(run.pp)},
      {"dp", seconds(run.dp)},           {"reconfiguration", seconds(run.reconfiguration)},
      {"bubble", seconds(run.bubble)}};
  if (run.lost > Time::zero()) parts["lost"] = seconds(run.lost);
  return {{"model", run.model},
          {"fabric", to_string(run.fabric)},
          {"gbps", run.bandwidth.to_gbps()},
          {"gpus", run.gpus},
          {"layout", to_string(run.plan)},
          {"seconds", seconds(run.iteration)},
          {"parts", parts},
          {"tokens", run.tokens_per_second},
          {"tflops", or_null(run.tflops_per_gpu)},
          {"mfu", or_null(run.mfu)},
          {"days", or_null(run.training_days)},
          {"cost", or_null(run.cluster_cost_usd)},
          {"perf", or_null(run.performance_per_total_dollar)},
          {"routing", run.routing},
          {"policy", run.policy},
          {"fidelity", run.fidelity}};
}

/// A row's number, place on the axes, and command where it has one.
Json place_json(const ReportRow& row) {
  Json json = {{"point", row.point + 1}, {"values", row.values}};
  if (!row.command.empty()) json["command"] = row.command;
  return json;
}

/// `rows`: by place in the folder's, where in the page's it is. Intervals as half widths.
Json means_json(const SeedMeans& seeds, const std::vector<std::size_t>& places) {
  Json means = Json::array();
  for (const SeedMean& mean : seeds.means) {
    Json json = place_json(mean.row);
    json.update(run_json(*mean.row.run));
    Json of = Json::array();
    for (const std::size_t row : mean.of) of.push_back(places[row]);
    json["of"] = of;
    json["half"] = {{"seconds", or_null(mean.seconds)},
                    {"tokens", or_null(mean.tokens)},
                    {"perf", or_null(mean.performance)}};
    means.push_back(std::move(json));
  }
  return {{"axis", seeds.axis}, {"most", seeds.most}, {"means", means}};
}

Json sweep_json(const ReportFolder& folder, const ParseRun& parse) {
  const SweepHead& sweep = *folder.sweep;
  Json axes = Json::array();
  for (const ReportAxis& axis : sweep.axes) axes.push_back(axis_json(axis));
  Json fixed = Json::array();
  for (const auto& [flag, value] : sweep.fixed) fixed.push_back({flag, or_null(value)});
  Json rows = Json::array();
  Json failures = Json::array();
  std::vector<std::size_t> places;
  for (const ReportRow& row : folder.rows) {
    Json json = place_json(row);
    places.push_back(rows.size());
    if (row.run) {
      json.update(run_json(*row.run));
      rows.push_back(std::move(json));
    } else {
      json["error"] = row.error;
      failures.push_back(std::move(json));
    }
  }
  Json json = {{"program", sweep.program}, {"command", sweep.command},
               {"points", sweep.points},   {"axes", axes},
               {"fixed", fixed},           {"rows", rows},
               {"failures", failures},     {"looks", looks_json(folder, parse)}};
  if (const auto seeds = average_seeds(sweep, folder.rows)) {
    json["seeds"] = means_json(*seeds, places);
  }
  return json;
}

/// "Take x at y:" stands out from the reason behind it.
std::string headline_html(const std::string& headline) {
  const std::size_t colon = headline.find(": ");
  if (colon == std::string::npos) return fmt::format("<h1><b>{}</b></h1>", html(headline));
  return fmt::format("<h1><b>{}</b> {}</h1>", html(headline.substr(0, colon + 1)),
                     html(headline.substr(colon + 2)));
}

std::string facts_html(const ReportFolder& folder, const ParseRun& parse) {
  std::string text = "<dl class=\"facts\" id=\"facts\">";
  for (const auto& [name, value] : header_facts(folder, gpu_title(folder, parse))) {
    text += fmt::format("\n<div><dt>{}</dt><dd>{}</dd></div>", html(name), html(value));
  }
  return text + "\n</dl>";
}

std::string summary_html(const ReportSummary& summary) {
  std::string text = headline_html(summary.headline);
  if (!summary.reasons.empty()) {
    text += "\n<ul class=\"reasons\">";
    for (const std::string& reason : summary.reasons) {
      text += fmt::format("\n<li>{}</li>", html(reason));
    }
    text += "\n</ul>";
  }
  if (summary.cases.empty()) return text;
  text += "\n<details class=\"cases\"><summary>What to take, case by case</summary>\n<dl>";
  for (std::size_t i = 0; i < std::min(summary.cases.size(), kMostCases); ++i) {
    const auto& [name, advice] = summary.cases[i];
    text += fmt::format("\n<dt>{}</dt><dd>{}</dd>", html(name.empty() ? "All points" : name),
                        html(advice));
  }
  text += "\n</dl>";
  if (summary.cases.size() > kMostCases) {
    text += fmt::format("\n<p>... and {} more; the table has all points.</p>",
                        summary.cases.size() - kMostCases);
  }
  return text + "\n</details>";
}

std::string figures_sentence(std::span<const Figure> figures) {
  std::size_t claims = 0;
  std::size_t hold = 0;
  std::size_t partly = 0;
  for (const Figure& figure : figures) {
    claims += figure.verdicts.size();
    for (const FigureVerdict& verdict : figure.verdicts) {
      hold += verdict.holds == Holds::kYes ? 1 : 0;
      partly += verdict.holds == Holds::kPartly ? 1 : 0;
    }
  }
  return fmt::format("{} of {} claims of the paper hold: {} more hold in part, {} do not.", hold,
                     claims, partly, claims - hold - partly);
}

/// Puts values in place of {{NAME}}. What is put in is not looked at again.
std::string filled(std::string_view page,
                   std::span<const std::pair<std::string_view, std::string>> values) {
  std::string text;
  while (true) {
    const std::size_t begin = page.find("{{");
    text += page.substr(0, begin);
    if (begin == std::string_view::npos) return text;
    page.remove_prefix(begin + 2);
    const std::size_t end = page.find("}}");
    const auto value = std::ranges::find(values, page.substr(0, end),
                                         &std::pair<std::string_view, std::string>::first);
    text += value->second;
    page.remove_prefix(end + 2);
  }
}

}  // namespace

std::string html_report(const ReportFolder& folder, const ParseRun& parse) {
  Json data = Json::object();
  std::string findings;
  std::string summary;
  if (!folder.figures.empty()) {
    // As they were read.
    data["figures"] = Json::parse(to_figures_json(folder.figures)).at("figures");
    findings = figures_sentence(folder.figures);
  }
  if (folder.sweep && !folder.rows.empty()) {
    data["sweep"] = sweep_json(folder, parse);
    summary = summary_html(summarize(*folder.sweep, folder.rows));
    if (!findings.empty()) summary += fmt::format("\n<p class=\"second\">{}</p>", html(findings));
  } else {
    summary = headline_html(findings);
  }
  std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; script-src";
  std::string code;
  for (const EmbeddedText* script : scripts()) {
    policy += fmt::format(" '{}'", script->csp_hash);
    code += fmt::format("<script>{}</script>\n", script->text);
  }
  policy += fmt::format("; style-src '{}'", kPageStyle.csp_hash);
  const std::pair<std::string_view, std::string> values[] = {
      {"POLICY", policy},          {"STYLE", std::string(kPageStyle.text)},
      {"SUMMARY", summary},        {"FACTS", facts_html(folder, parse)},
      {"DATA", script_json(data)}, {"SCRIPTS", code}};
  return filled(kPage.text, values);
}

}  // namespace mixnet
