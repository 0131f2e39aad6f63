#include "cli/compare_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "cli/flag_group.h"
#include "moe/model_catalog.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

// GPUs of a server where no flag says: of an NVL72 domain, 64 of 72 are used (MixNet, section 8).
constexpr int kServerGpus = 8;
constexpr int kDomainGpus = 64;

}  // namespace

ComparisonRequest CompareFlags::request() const {
  ComparisonRequest request;
  request.model = plan.model(model);
  request.gpu = find_gpu(gpu);
  for (const std::string& text : split_list(bandwidths, "--bandwidth")) {
    request.bandwidths.push_back(parse_bandwidth(text, "--bandwidth"));
  }
  if (fabrics.empty()) {
    request.fabrics.assign(default_fabrics().begin(), default_fabrics().end());
  } else {
    for (const std::string& name : split_list(fabrics, "--fabric")) {
      request.fabrics.push_back(parse<FabricKind>(name, "--fabric"));
    }
  }
  request.plan = plan.request(
      std::ranges::any_of(request.fabrics, divides_gpu_bandwidth) ? kDomainGpus : kServerGpus);
  request.prices = prices.empty() ? PriceList::load() : PriceList::load(prices);
  request.server_link = parse<ServerLink>(server_link, "--server-link");
  simulation.apply(request);
  memory.apply(request, simulation.paper);
  if (!simulation.paper) request.tiers = 0;  // as few as the cluster needs
  request.switch_ports = switch_ports;
  request.running = {years, power_price, pue};
  if (!tokens.empty()) request.tokens = parse_token_count(tokens, "--tokens");
  if (server_price) {
    request.server = mixnet::server_price(request.gpu.name, request.plan.gpus_per_server);
    request.server.usd = *server_price;
    request.server.source = "--server-price";
  }
  FailureOptions& options = request.iteration.failures;
  for (const std::string& list : failures) {
    for (const std::string& text : split_list(list, "--fail")) {
      options.failures.push_back(parse_failure(text, "--fail"));
    }
  }
  request.iteration.network.spare_nics = spare_nics;
  options.backup = parse<Backup>(backup, "--backup");
  options.outage = parse_time(outage, "--outage");
  if (options.outage > Time::seconds(3600)) {
    throw Error("--outage", fmt::format("'{}' is too long", outage), "give at most 3600s");
  }
  return request;
}

namespace {

void add_cost_flags(CLI::App& command, CompareFlags& flags) {
  const FlagGroup group(command, "Cost");
  group.add("--tokens", flags.tokens,
            "Tokens to train on, such as 15T: how many days and dollars that takes");
  group.add("--prices", flags.prices, "Price list (CSV) in place of the shipped one");
  group.add_default("--server-link", flags.server_link,
                    "Link of an electrical NIC to its ToR switch: optics, dac or aoc");
  group.add_default("--switch-ports", flags.switch_ports,
                    "Ports of a packet switch: how many tiers the network has");
  group.add("--server-price", flags.server_price,
            "USD of a server without NICs (default: by --gpu; docs/cost.md)");
  group.add_default("--power-price", flags.power_price, "USD of a kWh");
  group.add_default("--pue", flags.pue, "kW that the building draws for 1 kW of the cluster");
  group.add_default("--years", flags.years, "How long the cluster is used");
}

}  // namespace

void add_compare_flags(CLI::App& command, CompareFlags& flags) {
  command
      .add_option("--model", flags.model,
                  "Preset ('mixnet models'), or the path of a HuggingFace config.json")
      ->required();
  command.add_option("--gpu", flags.gpu, "Kind of GPU ('mixnet gpus'), or FILE.yaml")
      ->capture_default_str();
  command.add_option("--bandwidth", flags.bandwidths, "Speeds of a NIC, comma-separated")
      ->capture_default_str();
  command.add_option("--fabric", flags.fabrics,
                     "Fabrics, comma-separated ('mixnet fabrics'; default: all but nvl72 and\n"
                     "mixnet-optical-io, which are made of domains of 64 GPUs)");
  add_parallel_plan_flags(command, flags.plan);
  add_memory_flags(command, flags.memory);
  add_simulation_flags(command, flags.simulation);
  command
      .add_option("--fail", flags.failures,
                  "What fails, comma-separated or repeated: nic:SERVER.NIC, link:SERVER.NIC,\n"
                  "link:TIER.NUMBER, gpu:RANK, server:SERVER, ocs:REGION; with @TIME behind it,\n"
                  "that long after the iteration's start (docs/failures.md)")
      ->type_name("PART")
      ->group("Failures");
  command
      .add_option("--backup", flags.backup,
                  "Where spare servers are: pool (all their NICs on the packet network) or region\n"
                  "(on its optical switch, too)")
      ->capture_default_str()
      ->group("Failures");
  command
      .add_option("--spare-nics", flags.spare_nics,
                  "mixnet: electrical NICs of a spare in the pool (default: as many as NICs of a\n"
                  "server)")
      ->group("Failures");
  command
      .add_option("--outage", flags.outage,
                  "How long what fails under way stands still until it is routed around")
      ->capture_default_str()
      ->group("Failures");
  add_cost_flags(command, flags);
}

}  // namespace mixnet::cli
