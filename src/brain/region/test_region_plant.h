// A switch and servers for tests of the regional controller: they do what they are told, as far as
// what has failed, sticks or is in the way lets them.
#pragma once

#include <algorithm>
#include <vector>

#include "region/region_state.h"

namespace mixnet {

/// How the switch deals with a command of which one pair is impossible.
enum class Refusal { kWhole, kStops, kSkips };

/// The switch and the servers as they really are.
struct Plant {
  std::vector<int> table;       ///< by port: the port it is joined to, -1: dark
  std::vector<bool> failed[4];  ///< by Part
  std::vector<bool> stuck;      ///< ports that do not let go
  Refusal refusal = Refusal::kWhole;
  bool names_port = false;
  bool reports_lit = false;

  bool works(const RegionConfig& config, int port) const {
    return !failed[0][port] && !failed[1][port] && !failed[3][config.server_of(port)];
  }
  void darken(int p) {
    if (table[p] >= 0) table[table[p]] = -1;
    table[p] = -1;
  }
  std::vector<PortPair> lit() const {
    std::vector<PortPair> lit;
    for (int p = 0; p < static_cast<int>(table.size()); ++p) {
      if (table[p] > p) lit.push_back({p, table[p]});
    }
    return lit;
  }

  DeviceAnswer execute(const DeviceCommand& command) {
    DeviceAnswer answer{command.id, true, -1, false, {}};
    const auto deny = [&](int port) {
      answer.ok = false;
      if (names_port && answer.denied_port < 0) answer.denied_port = port;
    };
    const std::vector<int> before = table;
    bool stopped = false;
    for (const PortPair& pair : command.disconnect) {
      if (stopped || table[pair.a] != pair.b) continue;
      if (stuck[pair.a] || stuck[pair.b]) {
        deny(stuck[pair.a] ? pair.a : pair.b);
        stopped = refusal != Refusal::kSkips;
      } else {
        darken(pair.a);
      }
    }
    for (const PortPair& pair : command.connect) {
      if (stopped) break;
      int bad = -1;
      for (const int port : {pair.a, pair.b}) {
        if (failed[0][port] || table[port] >= 0) bad = port;
      }
      if (bad >= 0) {
        deny(failed[0][bad] ? bad : -1);
        stopped = refusal != Refusal::kSkips;
        continue;
      }
      table[pair.a] = pair.b;
      table[pair.b] = pair.a;
    }
    if (!answer.ok && refusal == Refusal::kWhole) table = before;
    if (reports_lit) report(command, answer);
    return answer;
  }

 private:
  /// What is lit of the command's ports.
  void report(const DeviceCommand& command, DeviceAnswer& answer) const {
    answer.has_lit = true;
    for (const auto* list : {&command.disconnect, &command.connect}) {
      for (const PortPair& pair : *list) {
        for (const int p : {pair.a, pair.b}) {
          const PortPair lit{std::min(p, table[p]), std::max(p, table[p])};
          if (table[p] >= 0 && std::ranges::find(answer.lit, lit) == answer.lit.end()) {
            answer.lit.push_back(lit);
          }
        }
      }
    }
  }
};

}  // namespace mixnet
