#include "emulator/port_light.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace mixnet {
namespace {

// What the seed is for.
constexpr std::uint64_t kSent = 1;
constexpr std::uint64_t kInsertion = 2;

}  // namespace

PortLight::PortLight(int ports, std::uint64_t seed)
    : seed_(seed), positions_(static_cast<std::size_t>(ports) + 1) {
  for (int p = 1; p <= ports; ++p) {
    Position& position = at(p);
    position.source = position.exit = position.input = position.output = p;
    position.sent = Random(derive_seed(seed, kSent, p)).uniform() - 0.5;
  }
}

void PortLight::set_fibre_loss(int position, FibreEnd end, double db) {
  (end == FibreEnd::kIn ? at(position).loss_in : at(position).loss_out) = db;
}

double PortLight::fibre_loss(int position, FibreEnd end) const {
  return end == FibreEnd::kIn ? at(position).loss_in : at(position).loss_out;
}

void PortLight::swap(int a, int b, FibreEnd end) {
  if (end == FibreEnd::kIn) {
    std::swap(at(a).input, at(b).input);
    at(at(a).input).source = a;
    at(at(b).input).source = b;
  } else {
    std::swap(at(a).output, at(b).output);
    at(at(a).output).exit = a;
    at(at(b).output).exit = b;
  }
}

bool PortLight::passes(int input, int output) const {
  const Position& source = at(source_of(input));
  const Position& exit = at(exit_of(output));
  return source.sent && !source.dark && !source.shut && !exit.shut;
}

double PortLight::insertion_loss(int input, int output) const {
  // Most paths are near 0.9 dB, few over 2: the product of two uniform numbers has a mean of 1/4.
  Random random(derive_seed(seed_, kInsertion, input, output));
  const double first = random.uniform();
  return 0.5 + 2 * first * random.uniform();
}

double PortLight::input_dbm(int position) const {
  const Position& there = at(position);
  if (!there.sent || there.dark) return kDarkDbm;
  return std::max(kDarkDbm, *there.sent - there.loss_in);
}

double PortLight::output_dbm(int input, int output) const {
  if (input == 0 || !passes(input, output)) return kDarkDbm;
  const double lost = insertion_loss(input, output) + at(exit_of(output)).loss_out;
  return std::max(kDarkDbm, input_dbm(source_of(input)) - lost);
}

}  // namespace mixnet
