#include "base/sha256.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

namespace mixnet {
namespace {

using Word = std::uint32_t;
constexpr std::size_t kBlock = 64;
constexpr std::size_t kRounds = 64;

__extension__ using Wide = unsigned __int128;

/// The first 32 bits behind the point of the square or cube roots of the first primes: an integer
/// root of prime * 2^(32 k), cut to 32 bits.
constexpr Word root_digits(std::uint32_t prime, int power) {
  // The largest r with r^power <= prime * 2^(32 * power).
  std::uint64_t root = 0;
  for (int bit = 35; bit >= 0; --bit) {
    const std::uint64_t more = root | (std::uint64_t{1} << bit);
    const Wide square = Wide{more} * more;
    // Of a cube, both sides are divided by 2^32 twice without losing what decides.
    const bool fits =
        power == 2 ? square <= (Wide{prime} << 64) : square <= ((Wide{prime} << 96) / more);
    if (fits) root = more;
  }
  return static_cast<Word>(root);
}

template <std::size_t n>
constexpr std::array<Word, n> roots_of_primes(int power) {
  std::array<Word, n> words{};
  std::size_t found = 0;
  for (std::uint32_t number = 2; found < n; ++number) {
    bool is_prime = true;
    for (std::uint32_t d = 2; d * d <= number; ++d) is_prime &= number % d != 0;
    if (is_prime) words[found++] = root_digits(number, power);
  }
  return words;
}

constexpr std::array<Word, 8> kStart = roots_of_primes<8>(2);
constexpr std::array<Word, kRounds> kConstants = roots_of_primes<kRounds>(3);

void add_block(std::array<Word, 8>& hash, std::string_view block) {
  std::array<Word, kRounds> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t byte = 0; byte < 4; ++byte) {
      w[i] = w[i] << 8 | static_cast<unsigned char>(block[4 * i + byte]);
    }
  }
  for (std::size_t i = 16; i < kRounds; ++i) {
    const Word a = w[i - 15];
    const Word b = w[i - 2];
    const Word s0 = std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3);
    const Word s1 = std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const Word s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const Word one = h + s1 + ((e & f) ^ (~e & g)) + kConstants[i] + w[i];
    const Word s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const Word two = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + one;
    d = c;
    c = b;
    b = a;
    a = one + two;
  }
  const std::array<Word, 8> sum = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < sum.size(); ++i) hash[i] += sum[i];
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::array<Word, 8> hash = kStart;
  std::string_view rest = bytes;
  for (; rest.size() >= kBlock; rest.remove_prefix(kBlock)) add_block(hash, rest.substr(0, kBlock));
  std::string end(rest);
  end += '\x80';
  while (end.size() % kBlock != kBlock - 8) end += '\0';
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) end += static_cast<char>(bits >> shift & 0xff);
  for (std::size_t at = 0; at < end.size(); at += kBlock) {
    add_block(hash, std::string_view(end).substr(at, kBlock));
  }
  std::string text;
  for (const Word word : hash) text += fmt::format("{:08x}", word);
  return text;
}

}  // namespace mixnet
