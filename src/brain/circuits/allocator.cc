#include "circuits/allocator.h"

#include <vector>

#include "circuits/exact_allocator.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {
namespace {

class Greedy final : public CircuitAllocator {
 public:
  const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> optical,
                                std::span<const int>) override {
    return allocator_.allocate(demand, optical);
  }

 private:
  GreedyAllocator allocator_;
};

class Refined final : public CircuitAllocator {
 public:
  explicit Refined(std::int64_t budget) : budget_(budget) {}
  const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> optical,
                                std::span<const int> electrical) override {
    return allocator_.allocate(demand, optical, electrical, budget_);
  }

 private:
  std::int64_t budget_;
  RefinedAllocator allocator_;
};

class Exact final : public CircuitAllocator {
 public:
  const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> optical,
                                std::span<const int> electrical) override {
    return counts_ = allocate_exactly(demand, optical, electrical).counts;
  }

 private:
  CircuitCounts counts_;
};

}  // namespace

const CircuitCounts& CircuitAllocator::allocate(const ServerDemand& demand, int degree,
                                                int eps_nics) {
  optical_.assign(demand.rows(), degree);
  electrical_.assign(demand.rows(), eps_nics);
  return allocate(demand, optical_, electrical_);
}

std::unique_ptr<CircuitAllocator> make_allocator(AllocatorKind kind, std::int64_t budget) {
  switch (kind) {
    case AllocatorKind::kGreedy:
      return std::make_unique<Greedy>();
    case AllocatorKind::kRefined:
      return std::make_unique<Refined>(budget);
    case AllocatorKind::kExact:
      break;
  }
  return std::make_unique<Exact>();
}

}  // namespace mixnet
