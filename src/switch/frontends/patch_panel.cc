#include "frontends/patch_panel.h"

namespace mixnet {

std::vector<Patch> PatchPanel::patches(const EmulatedSwitch& device) const {
  std::vector<Patch> patches;
  for (const LightPath& path : device.paths()) {
    if (numbering_.sides == Sides::kTwo) {
      patches.push_back({path.from, numbering_.positions + path.to});
    } else if (path.from < path.to) {
      patches.push_back({path.from, path.to});
    }
  }
  return patches;
}

std::optional<Patch> PatchPanel::patch_of(const EmulatedSwitch& device, int port) const {
  const bool is_output = port > numbering_.positions;
  const int position = numbering_.position(port);
  const int other = is_output ? device.path_to(position) : device.path_from(position);
  if (other == 0) return std::nullopt;
  if (numbering_.sides == Sides::kOne) return numbering_.ordered({port, other});
  return is_output ? Patch{other, port} : Patch{port, numbering_.positions + other};
}

void PatchPanel::clear(int port, PathRequest& request) const {
  const int position = numbering_.position(port);
  const bool is_one = numbering_.sides == Sides::kOne;
  if (is_one || port <= numbering_.positions) request.clear_inputs.push_back(position);
  if (is_one || port > numbering_.positions) request.clear_outputs.push_back(position);
}

PathRequest PatchPanel::connect(const std::vector<Patch>& patches) const {
  PathRequest request;
  for (const Patch& patch : patches) {
    clear(patch.in, request);
    clear(patch.out, request);
    const int from = numbering_.position(patch.in);
    const int to = numbering_.position(patch.out);
    request.add.push_back({from, to});
    if (numbering_.sides == Sides::kOne) request.add.push_back({to, from});
  }
  return request;
}

PathRequest PatchPanel::disconnect(const std::vector<int>& ports) const {
  PathRequest request;
  for (const int port : ports) clear(port, request);
  return request;
}

PathRequest PatchPanel::disconnect_all() const {
  PathRequest request;
  for (int port = 1; port <= count(); ++port) clear(port, request);
  return request;
}

double PatchPanel::power(const EmulatedSwitch& device, int port) const {
  const PortReading reading = device.reading(numbering_.position(port));
  const bool is_output = numbering_.sides == Sides::kTwo && port > numbering_.positions;
  return (is_output ? reading.output_dbm : reading.input_dbm).value_or(kDarkDbm);
}

}  // namespace mixnet
