// The NICs of a region's servers, asked through one agent a server (nic_agent.h).
//
// Agents are started with `prefix + agent command`, live as long as this, and are killed with it.
// Every question goes to all servers at once and has a dead-line. NICs are counted over the region,
// in the site's order, optical ones only. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "cabling/cabling.h"
#include "site/region_site.h"

namespace mixnet {

/// The optical NICs of a site: names "gpu-0:eth2", and where each is to be plugged in.
struct OpticalNics {
  std::vector<std::string> names;
  std::vector<int> positions;
};
OpticalNics optical_nics(const RegionSite& site);

class NicProbe {
 public:
  /// `agent`: the words that start an agent on a server, after its own `run` words. Throws Error
  /// that names the server, when one cannot be started or does not answer.
  NicProbe(const RegionSite& site, const std::vector<std::string>& agent, MonotonicTime dead_line,
           Env& env = system_env());
  NicProbe(const NicProbe&) = delete;
  NicProbe& operator=(const NicProbe&) = delete;
  ~NicProbe();

  void shout(MonotonicTime dead_line);
  /// (to, from), since last asked.
  std::vector<std::pair<int, int>> heard(MonotonicTime dead_line);
  std::vector<bool> carrier(MonotonicTime dead_line);
  void set_up(int nic, bool up, MonotonicTime dead_line);

 private:
  class Agent;
  std::vector<std::string> ask_all(const std::string& line, MonotonicTime dead_line);

  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace mixnet
