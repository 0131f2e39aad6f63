// The event queue of the packet network: a calendar of short slots for the near future and a heap
// for the rest (Brown, CACM 1988). Times in a packet network mostly increase, and nearly all events
// lie within a few round trips.
//
// Events are records of the caller's in one array; the wheel links them by index through
// `Record::next` and reads `Record::time` (picoseconds). An event is in the wheel at most once.
// While it is there, its time stays.
//
// Order: by time; among equal times the order is fixed by what was pushed before, so equal runs are
// equal. An event earlier than the one last popped is popped next.
//
// Cost: push O(1) within the horizon, O(log far events) beyond; pop O(1) amortised when slots hold
// few events, which is what set_slot() is for. No allocation once the scratch space has seen the
// fullest slot. Not thread-safe.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace mixnet {

inline constexpr std::uint32_t kNoEvent = UINT32_MAX;

template <typename Record>
class EventWheel {
 public:
  explicit EventWheel(std::vector<Record>& records) : records_(records) {
    set_slot(11, kLeastSlots);
  }

  bool empty() const { return size_ == 0; }

  static constexpr int kLeastSlots = 14, kMostSlots = 18;

  /// 2^slots slots of 2^bits ps each. About as long as events lie apart is best, and as many as
  /// hold nearly all of them. The wheel must be empty.
  void set_slot(int bits, int slots = kMostSlots) {
    slot_bits_ = std::clamp(bits, 4, 24);
    clear();
    slots_ = std::int64_t{1} << std::clamp(slots, kLeastSlots, kMostSlots);
    if (heads_.size() == static_cast<std::size_t>(slots_)) return;
    heads_ = std::vector<std::uint32_t>(static_cast<std::size_t>(slots_), kNoEvent);
    occupied_ = std::vector<std::uint64_t>(static_cast<std::size_t>(slots_ / 64));
  }

  /// Forgets all events; time starts again at zero.
  void clear() {
    if (size_ > 0) {
      std::ranges::fill(heads_, kNoEvent);
      std::ranges::fill(occupied_, 0);
    }
    ready_.clear();
    far_.clear();
    at_ = 0;
    size_ = 0;
    tick_ = walked_ = -1;
    walker_ = kNoEvent;
  }

  void push(std::uint32_t event) {
    ++size_;
    place(event);
  }

  /// The earliest event when its time is before `end`, else kNoEvent.
  std::uint32_t pop_before(std::int64_t end) {
    for (;;) {
      if (at_ == ready_.size()) {
        if (size_ == 0 || !advance(end)) return kNoEvent;
        continue;
      }
      const std::uint32_t event = ready_[at_];
      const std::int64_t time = records_[event].time;
      if (time >= end) return kNoEvent;
      ++at_;
      --size_;
      return event;
    }
  }

  /// What the wheel holds, without the records.
  std::size_t capacity_bytes() const {
    return heads_.capacity() * sizeof(heads_[0]) + occupied_.capacity() * sizeof(occupied_[0]) +
           (ready_.capacity() + sorted_.capacity()) * sizeof(ready_[0]) +
           far_.capacity() * sizeof(Far) + keys_.capacity() * sizeof(keys_[0]);
  }

  /// The event `ahead` pops from now, as far as it is in the current slot: for prefetching.
  std::uint32_t peek(std::size_t ahead) const {
    return at_ + ahead < ready_.size() ? ready_[at_ + ahead] : kNoEvent;
  }

  /// To hide the latency of memory: called once a pop, visits the events of the next few slots one
  /// by one and prefetches their records. Returns the event whose record the call before fetched,
  /// or kNoEvent.
  std::uint32_t look_ahead() {
    if (walker_ == kNoEvent) {
      if (walked_ > tick_ + kLead || size_ == 0) return kNoEvent;
      const std::int64_t tick = next_occupied(std::max(walked_, tick_));
      if (tick == INT64_MAX || tick - tick_ >= slots_ / 2) return kNoEvent;
      walked_ = tick;
      walker_ = heads_[tick & (slots_ - 1)];
      __builtin_prefetch(&records_[walker_]);
      return kNoEvent;
    }
    const std::uint32_t event = walker_;
    walker_ = records_[event].next;
    if (walker_ != kNoEvent) __builtin_prefetch(&records_[walker_]);
    return event;
  }

 private:
  static constexpr std::size_t kFew = 24;
  static constexpr std::int64_t kLead = 8;  // slots
  struct Far {
    std::int64_t time;
    std::uint64_t order;
    std::uint32_t event;
    bool operator>(const Far& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  void place(std::uint32_t event) {
    const std::int64_t tick = records_[event].time >> slot_bits_;
    if (tick <= tick_) {
      insert_now(event);
    } else if (tick - tick_ < slots_) {
      link(tick & (slots_ - 1), event);
    } else {
      far_.push_back({records_[event].time, far_order_++, event});
      std::ranges::push_heap(far_, std::greater<>{});
    }
  }

  void link(std::int64_t slot, std::uint32_t event) {
    records_[event].next = heads_[slot];
    heads_[slot] = event;
    occupied_[slot >> 6] |= std::uint64_t{1} << (slot & 63);
  }

  /// Into the slot being emptied: behind everything that is not later.
  void insert_now(std::uint32_t event) {
    ready_.push_back(event);
    std::size_t at = ready_.size() - 1;
    for (; at > at_ && records_[ready_[at - 1]].time > records_[event].time; --at) {
      ready_[at] = ready_[at - 1];
    }
    ready_[at] = event;
  }

  std::int64_t next_occupied(std::int64_t after) const {
    const std::int64_t slot = (after + 1) & (slots_ - 1);
    auto word = static_cast<std::size_t>(slot >> 6);
    std::uint64_t bits = occupied_[word] & (~std::uint64_t{0} << (slot & 63));
    for (std::int64_t scanned = 0; scanned <= slots_ / 64; ++scanned) {
      if (bits != 0) {
        const std::int64_t found = static_cast<std::int64_t>(word) * 64 + std::countr_zero(bits);
        return after + 1 + ((found - slot) & (slots_ - 1));
      }
      word = (word + 1) & (slots_ / 64 - 1);
      bits = occupied_[word];
    }
    return INT64_MAX;
  }

  /// To the next slot that has events, unless it begins at `end` or later: events may yet be pushed
  /// before it.
  bool advance(std::int64_t end) {
    std::int64_t tick = next_occupied(tick_);
    if (!far_.empty()) tick = std::min(tick, far_.front().time >> slot_bits_);
    if (tick > (end - 1) >> slot_bits_) return false;
    tick_ = tick;
    if (walked_ <= tick_) walker_ = kNoEvent;
    ready_.clear();
    at_ = 0;
    while (!far_.empty() && (far_.front().time >> slot_bits_) - tick_ < slots_ / 2) {
      const std::uint32_t event = far_.front().event;
      std::ranges::pop_heap(far_, std::greater<>{});
      far_.pop_back();
      place(event);
    }
    const std::int64_t slot = tick_ & (slots_ - 1);
    const std::size_t placed = ready_.size();
    for (std::uint32_t event = heads_[slot]; event != kNoEvent; event = records_[event].next) {
      ready_.push_back(event);
    }
    heads_[slot] = kNoEvent;
    occupied_[slot >> 6] &= ~(std::uint64_t{1} << (slot & 63));
    // The list is newest first.
    std::reverse(ready_.begin() + static_cast<std::ptrdiff_t>(placed), ready_.end());
    sort_ready();
    return true;
  }

  /// Stable.
  void sort_ready() {
    if (ready_.size() > kFew) return sort_many();
    for (std::size_t i = 1; i < ready_.size(); ++i) {
      const std::uint32_t event = ready_[i];
      const std::int64_t time = records_[event].time;
      std::size_t at = i;
      for (; at > 0 && records_[ready_[at - 1]].time > time; --at) ready_[at] = ready_[at - 1];
      ready_[at] = event;
    }
  }

  void sort_many() {
    keys_.clear();
    for (std::size_t i = 0; i < ready_.size(); ++i) keys_.emplace_back(records_[ready_[i]].time, i);
    std::ranges::sort(keys_);
    sorted_.clear();
    for (const auto& [time, place] : keys_) sorted_.push_back(ready_[place]);
    ready_.swap(sorted_);
  }

  std::vector<Record>& records_;
  int slot_bits_ = 11;
  std::int64_t slots_ = 0;               // a power of two
  std::vector<std::uint32_t> heads_;     // newest event of each slot
  std::vector<std::uint64_t> occupied_;  // one bit a slot
  std::vector<std::uint32_t> ready_;     // the current slot in order
  std::size_t at_ = 0;                   // next in ready_
  std::vector<Far> far_;
  std::uint64_t far_order_ = 0;
  std::size_t size_ = 0;
  std::int64_t tick_ = -1;
  std::uint32_t walker_ = kNoEvent;  // next event of look_ahead(), in slot walked_
  std::int64_t walked_ = -1;
  std::vector<std::pair<std::int64_t, std::size_t>> keys_;  // work space of sort_many()
  std::vector<std::uint32_t> sorted_;
};

}  // namespace mixnet
