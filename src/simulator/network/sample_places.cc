#include "network/sample_places.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace mixnet {

std::vector<std::size_t> choose_places(std::size_t rounds, std::size_t layers, std::size_t count,
                                       std::uint64_t seed) {
  const std::size_t all = rounds * layers;
  std::vector<std::size_t> places(std::min(count, all));
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (count >= all) return places;

  Random random(derive_seed(seed, all, count));
  const auto within = [&](std::size_t part, std::size_t size) {
    const double at = (static_cast<double>(part) + random.uniform()) / static_cast<double>(count);
    return std::min(size - 1, static_cast<std::size_t>(at * static_cast<double>(size)));
  };
  std::vector<std::size_t> layer_parts = places;
  for (std::size_t i = count; i-- > 1;) std::swap(layer_parts[i], layer_parts[random.below(i + 1)]);
  std::vector<bool> is_taken(all, false);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t place = within(i, rounds) * layers + within(layer_parts[i], layers);
    // Taken: another round of the same layer, and only if there is none, another layer.
    for (std::size_t tried = 1; is_taken[place]; ++tried) {
      place = (place + layers + (tried % rounds == 0 ? 1 : 0)) % all;
    }
    is_taken[place] = true;
    places[i] = place;
  }
  return places;
}

}  // namespace mixnet
