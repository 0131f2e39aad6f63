// What became of requests that change something: told to people and programs, and waited for.
#pragma once

#include <functional>
#include <string>

#include "client/region_client.h"
#include "controller_flags.h"
#include "region_view.h"

namespace mixnet::ctl {

class Outcome {
 public:
  explicit Outcome(const RegionNames& names) : names_(names) {}

  /// `what`: "gpu-0 is drained", when it was taken.
  void add(const v1::Taken& taken, const std::string& what);
  /// A line more, and status 1 in the end: what was waited for has not come.
  void add_failure(const std::string& line);
  /// Prints it all. Ends with status 1 where something was refused or has not come.
  void tell(const ControllerFlags& flags) const;

 private:
  const RegionNames& names_;
  std::string text_;
  Json document_ = Json::array();
  bool failed_ = false;
};

/// Asks for the status until `is_so`, up to --limit; false: it is not.
bool wait_until(RegionClient& daemon, const ControllerFlags& flags,
                const std::function<bool(const v1::Status&)>& is_so);

}  // namespace mixnet::ctl
