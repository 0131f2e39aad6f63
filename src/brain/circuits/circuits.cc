#include "circuits/circuits.h"

#include <algorithm>

namespace mixnet {

MovingCircuits moving_circuits(const CircuitCounts& present, const CircuitCounts& wanted) {
  MovingCircuits moving = {wanted, wanted};
  for (std::size_t i = 0; i < wanted.cells().size(); ++i) {
    moving.stay.cells()[i] = std::min(present.cells()[i], wanted.cells()[i]);
    moving.move.cells()[i] = wanted.cells()[i] - moving.stay.cells()[i];
  }
  return moving;
}

}  // namespace mixnet
