// Seeded random numbers that are the same on every machine and for every order of calls.
//
// Results must repeat to the byte, so nothing here depends on the standard library's
// distributions. A stream belongs to a *place* in the simulation, not to a moment: derive the seed
// from what the numbers are for (`derive_seed(seed, layer, micro_batch)`), and threads or reordered
// loops cannot change them. The generator is xoshiro256** by Blackman and Vigna (2018), seeded by
// SplitMix64. Not thread-safe; 32 bytes; about 1 ns a draw.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace mixnet {

/// One step of SplitMix64: a bijective mix of 64 bits, also used to hash flows onto paths.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// The seed of the stream for one place, from the user's seed and the place's coordinates.
template <typename... Parts>
constexpr std::uint64_t derive_seed(std::uint64_t seed, Parts... parts) {
  std::uint64_t hash = mix64(seed);
  ((hash = mix64(hash ^ static_cast<std::uint64_t>(parts))), ...);
  return hash;
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = seed = mix64(seed);
  }

  constexpr std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in [0, bound), bound > 0 (bias below bound / 2^64).
  constexpr std::uint64_t below(std::uint64_t bound) {
    __extension__ using Product = unsigned __int128;
    return static_cast<std::uint64_t>((Product{next()} * bound) >> 64);
  }

  /// Standard normal (Marsaglia's polar method; the second value of each pair is kept).
  double normal() {
    if (has_spare_) return has_spare_ = false, spare_;
    double x = 0;
    double y = 0;
    double s = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      s = x * x + y * y;
    } while (s >= 1 || s == 0);
    const double factor = std::sqrt(-2 * std::log(s) / s);
    spare_ = y * factor;
    has_spare_ = true;
    return x * factor;
  }

 private:
  std::uint64_t state_[4] = {};
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace mixnet
