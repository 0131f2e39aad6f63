// Which of an iteration's all-to-alls stand for the others. Pure; deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mixnet {

/// `count` different places of `rounds` x `layers`; place = round * layers + layer. A Latin
/// hypercube: cut the layers into `count` equal parts, and the rounds (micro-batches of replicas),
/// and each part has one sample at random, so every layer (and with it every stage) is visited as
/// often as any other, and nothing is in step with anything. All places where `count` is as many.
std::vector<std::size_t> choose_places(std::size_t rounds, std::size_t layers, std::size_t count,
                                       std::uint64_t seed);

}  // namespace mixnet
