// The regional controller's dealings with the device: what to move, what was moved, whom to blame.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "region/region_controller.h"

namespace mixnet {
namespace {

bool holds(const std::vector<int>& table, const PortPair& pair) {
  return table[pair.a] == pair.b && table[pair.b] == pair.a;
}

}  // namespace

// Asking.

/// Fills the lists with what parts lit from target, up to the batch limit and the cap; false:
/// nothing does, or all that does waits for the cap.
bool RegionController::choose_moves(Slice& slice) const {
  const std::vector<int>& lit = state_.lit;
  const int nics = state_.config.optical_nics;
  slice.forget_moves();
  slice.waiting = 0;
  const auto tokens = static_cast<std::size_t>(state_.tokens());
  std::vector<char> good(lit.size(), 0);  // lit as wanted
  std::vector<char> going(lit.size(), 0);
  std::vector<char> waits;  // ports that are wanted for what waits for the cap
  const auto full = [&] { return slice.batch_limit > 0 && slice.moves >= slice.batch_limit; };
  const auto disconnect = [&](int p) {
    const int q = lit[p];
    if (q < 0 || going[p] != 0) return;
    slice.disconnect.push_back({std::min(p, q), std::max(p, q)});
    going[p] = going[q] = 1;
  };
  // A circuit on a suspect port was not to be moved: it is left alone until the hold is over.
  const auto stuck = [&](int p) {
    return lit[p] >= 0 && (state_.suspect(p) || state_.suspect(lit[p]) || state_.lit_by_others(p));
  };
  // Traffic goes on over it until what shall be in its place may be connected.
  const auto stays = [&](int p, int q) {
    return !waits.empty() && slice.tenant != 0 && !slice.leaving &&
           (waits[p] != 0 || waits[q] != 0) && state_.usable(p) && state_.usable(q) &&
           state_.owner_of(q) == slice.tenant;
  };
  for (const PortPair& pair : slice.target) {
    if (holds(lit, pair)) {
      good[pair.a] = good[pair.b] = 1;
      continue;
    }
    if (full()) continue;
    if (!state_.usable(pair.a) || !state_.usable(pair.b) || stuck(pair.a) || stuck(pair.b)) {
      continue;
    }
    if (slice.connect.size() >= tokens) {
      ++slice.waiting;
      waits.resize(lit.size(), 0);
      waits[pair.a] = waits[pair.b] = 1;
      continue;
    }
    disconnect(pair.a);
    disconnect(pair.b);
    slice.connect.push_back(pair);
    ++slice.moves;
  }
  for (const int server : slice.servers) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      const int q = lit[p];
      if (q < 0 || good[p] != 0 || going[p] != 0 || stuck(p) || full() || stays(p, q)) continue;
      disconnect(p);
      ++slice.moves;
    }
  }
  return slice.moves > 0;
}

void RegionController::send_command(Slice& slice) {
  slice.step = Step::kSwitching;
  slice.deadline = after(state_.config.command_timeout);
  slice.awaited = slice.last_id = ++state_.last_id;
  slice.denied = false;
  if (state_.config.moves_per_minute > 0) {
    const auto taken = static_cast<std::int64_t>(slice.connect.size());
    state_.bucket_full =
        std::max(state_.bucket_full, state_.elapsed) + state_.config.token_time() * taken;
  }
  ++state_.counters.commands;
  decisions_.emplace_back(DeviceCommand{slice.awaited, slice.tenant, slice.disconnect,
                                        slice.connect, state_.config.command_timeout});
}

void RegionController::send_read(Slice& slice) {
  const int doublings = std::min(slice.read_failures, RegionConfig::kMaxDoublings);
  slice.step = Step::kReading;
  const Duration time_out = state_.config.read_timeout * (std::int64_t{1} << doublings);
  slice.deadline = after(time_out);
  slice.awaited = slice.last_id = ++state_.last_id;
  ++state_.counters.reads;
  if (slice.tenant == 0) state_.next_audit = after(state_.config.audit_period);
  decisions_.emplace_back(ReadState{slice.awaited, time_out});
}

// Hearing.

void RegionController::on(const DeviceAnswer& answer) {
  for (Slice& slice : state_.slices) {
    if (slice.step == Step::kSwitching && slice.awaited == answer.id) {
      return take_answer(slice, answer);
    }
    if (answer.id != 0 && slice.overdue == answer.id) {
      slice.overdue = 0;
      state_.next_audit = std::min(state_.next_audit, state_.elapsed);
      return drop();
    }
  }
  drop();
}

/// Of the command that is out.
void RegionController::take_answer(Slice& slice, const DeviceAnswer& answer) {
  ++state_.counters.answered;
  slice.denied = !answer.ok;
  if (slice.denied) {
    alarm(Severity::kMinor, AlarmCode::kCommandDenied, slice.tenant,
          static_cast<std::int64_t>(answer.id));
    if (std::ranges::binary_search(slice.moving_ports(), answer.denied_port)) {
      make_suspect(answer.denied_port, slice.tenant);
    }
  }
  if (!answer.has_lit || !tells_of_moves(slice, answer)) return send_read(slice);
  slice.awaited = 0;
  slice.step = Step::kSettled;
  table_ = state_.lit;
  for (const int port : slice.moving_ports()) table_[port] = -1;
  for (const PortPair& pair : answer.lit) {
    table_[pair.a] = pair.b;
    table_[pair.b] = pair.a;
  }
  take_reading(slice, table_);
  judge_moves(slice);
}

/// Whether an answer's own report can stand for a reading: it names ports of the command only, all
/// within the slice, each once.
bool RegionController::tells_of_moves(const Slice& slice, const DeviceAnswer& answer) const {
  const std::vector<int> ours = slice.moving_ports();
  if (std::ranges::any_of(ours, [&](int p) { return state_.owner_of(p) != slice.tenant; })) {
    return false;
  }
  std::vector<int> named;
  for (const PortPair& pair : answer.lit) named.insert(named.end(), {pair.a, pair.b});
  std::ranges::sort(named);
  if (std::ranges::adjacent_find(named) != named.end()) return false;
  return std::ranges::all_of(named, [&](int p) { return std::ranges::binary_search(ours, p); });
}

void RegionController::on(const DeviceState& read) {
  const auto asker = std::ranges::find_if(state_.slices, [&](const Slice& slice) {
    return slice.step == Step::kReading && slice.awaited == read.id;
  });
  if (asker == state_.slices.end() || !read_table(read.lit, table_)) return drop();
  ++state_.counters.reads_answered;
  if (std::exchange(state_.device_silent, false)) {
    alarm(Severity::kEvent, AlarmCode::kDeviceBack, 0, 0);
  }
  asker->awaited = 0;
  asker->step = Step::kSettled;
  asker->read_failures = 0;
  for (Slice& slice : state_.slices) {
    // Others may take it too, when nothing of theirs was under way since it was asked for.
    const bool quiet = slice.step == Step::kSettled && slice.last_id < read.id;
    if (&slice == &*asker || quiet) take_reading(slice, table_);
  }
  judge_moves(*asker);
}

bool RegionController::read_table(const std::vector<PortPair>& pairs,
                                  std::vector<int>& table) const {
  table.assign(state_.lit.size(), -1);
  const RegionConfig& config = state_.config;
  for (const PortPair& pair : pairs) {
    const auto bad = [&](int port) {
      return port < 0 || port >= config.ports() || (table[port] >= 0 && !config.forbids(port));
    };
    if (pair.a == pair.b || bad(pair.a) || bad(pair.b)) return false;
    table[pair.a] = pair.b;
    table[pair.b] = pair.a;
  }
  for (const int port : config.forbidden) table[port] = -1;
  return true;
}

/// Believes the table about the slice's ports. What differs and was not being moved is a
/// contradiction: somebody else has changed it. Somebody may while we are held, and a pin between
/// two slices is nobody's.
void RegionController::take_reading(Slice& slice, const std::vector<int>& table) {
  const int nics = state_.config.optical_nics;
  const std::vector<int> moving = slice.moving_ports();
  for (const int server : slice.servers) {
    for (int p = server * nics; p < (server + 1) * nics; ++p) {
      if (state_.lit[p] == table[p]) continue;
      const int before = std::exchange(state_.lit[p], table[p]);
      const auto inert = [&](int peer) { return peer < 0 || state_.is_inert(p, peer); };
      if (inert(before) && inert(table[p])) continue;
      // A port that was held by another slice's is free for use now.
      if (before >= 0 && state_.owner_of(before) != slice.tenant) slice.replan = true;
      if (std::ranges::binary_search(moving, p) || state_.held) continue;
      ++state_.counters.contradictions;
      alarm(Severity::kMinor, AlarmCode::kContradiction, slice.tenant, p);
      slice.replan = true;
    }
  }
}

/// After a reading: which of the moves have come about, and what follows for those that have not.
void RegionController::judge_moves(Slice& slice) {
  if (state_.held) slice.forget_moves();  // nobody is to blame for what somebody else has changed
  if (slice.moves == 0) return;
  const auto in_vain = [&](const std::vector<PortPair>& list, bool wanted) {
    return std::ranges::count_if(list,
                                 [&](const PortPair& p) { return holds(state_.lit, p) != wanted; });
  };
  for (const PortPair& pair : slice.connect) {
    if (!holds(state_.lit, pair)) continue;
    for (const int port : {pair.a, pair.b}) {
      if (!state_.suspect(port)) state_.suspicion[port].strikes = 0;
    }
  }
  const auto undone = in_vain(slice.connect, true) + in_vain(slice.disconnect, false);
  const auto all = static_cast<std::ptrdiff_t>(slice.connect.size() + slice.disconnect.size());
  if (undone == 0) {
    slice.attempts = 0;
    slice.batch_limit = 0;
  } else if (undone < all) {
    slice.attempts = 0;
  } else if (++slice.attempts >= state_.config.attempts || (slice.denied && slice.moves > 1)) {
    slice.attempts = 0;
    slice.batch_limit = slice.moves > 1 ? (slice.moves + 1) / 2 : 0;
    if (slice.moves == 1) blame(slice);
  }
  slice.forget_moves();
}

/// One move alone has failed again and again.
void RegionController::blame(Slice& slice) {
  for (const PortPair& pair : slice.disconnect) {
    if (!holds(state_.lit, pair)) continue;
    make_suspect(pair.a, slice.tenant);
    make_suspect(pair.b, slice.tenant);
  }
  for (const PortPair& pair : slice.connect) {
    // A port that is lit otherwise is not to blame: what it is joined to has not let go.
    if (state_.lit[pair.a] >= 0 || state_.lit[pair.b] >= 0) continue;
    make_suspect(pair.a, slice.tenant);
    make_suspect(pair.b, slice.tenant);
  }
}

void RegionController::make_suspect(int port, int tenant) {
  Suspicion& suspicion = state_.suspicion[port];
  if (suspicion.until > Duration::zero() || state_.held) return;
  const int doublings = std::min(suspicion.strikes, RegionConfig::kMaxDoublings);
  suspicion.strikes = std::min(suspicion.strikes + 1, RegionConfig::kMaxDoublings);
  // Each port has a hold of its own, from one to two times the configured one.
  const auto share = static_cast<std::int64_t>(
      mix64(static_cast<std::uint64_t>(port) * 64 + static_cast<std::uint64_t>(doublings)) % 16);
  const Duration hold = state_.config.suspect_hold * (std::int64_t{1} << doublings);
  suspicion.until = after(hold + hold / 16 * share);
  alarm(Severity::kMajor, AlarmCode::kPortSuspect, tenant, port);
  facts_changed(state_.config.server_of(port));
}

}  // namespace mixnet
