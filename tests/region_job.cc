// A job as mixnetd sees it, for tests in Python, which has no gRPC everywhere:
//   region_job HOST:PORT TENANT SEQUENCE SERVERS SEED
// reports a demand between SERVERS servers, larger between some of them, as SEED has it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>

#include "client/region_client.h"

int main(int argc, char** argv) {
  using namespace mixnet;
  if (argc != 6) return 2;
  try {
    RegionClient client(parse_controller_address(argv[1], "HOST:PORT"));
    const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
    const std::size_t servers = number(4);
    DemandReport report;
    report.tenant = static_cast<int>(number(2));
    report.phase.sequence = number(3);
    report.bytes = ServerDemand(servers, servers);
    std::minstd_rand random(static_cast<unsigned>(number(5)));
    for (std::size_t from = 0; from < servers; ++from) {
      for (std::size_t to = 0; to < servers; ++to) {
        const std::int64_t draw = random() % 100;
        if (from != to) report.bytes(from, to) = draw * draw * draw * draw * 20;
      }
    }
    const v1::Taken taken = client.report(report, Duration::seconds(10));
    return taken.refused_size() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "region_job: %s\n", error.what());
    return 2;
  }
}
