// Any text as a gNMI path: an Error, or a path that is the same after it was written and read.
#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "gnmi/gnmi_path.h"
#include "gnmi/sonic_tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  static const SonicPorts kPorts(16);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const std::optional<Patch> patch = kPorts.patch(text)) {
    if (!kPorts.numbering().is_possible(*patch) || kPorts.key(*patch) != text) std::abort();
  }
  gnmi::Path path;
  try {
    path = parse_gnmi_path(text, "fuzz");
  } catch (const Error&) {
    return 0;
  }
  const gnmi::Path again = parse_gnmi_path(to_text(path), "fuzz");
  if (!google::protobuf::util::MessageDifferencer::Equals(path, again)) std::abort();
  try {
    const SonicPath at = sonic_path({}, path);
    if (!at.db.empty() && sonic_path({}, at.to_gnmi()).db != at.db) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
