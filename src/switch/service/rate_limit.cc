#include "service/rate_limit.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace mixnet {

TokenBucket::TokenBucket(double size, double rate, MonotonicTime now)
    : size_(size), rate_(rate), tokens_(size), filled_(now) {}

void TokenBucket::fill(MonotonicTime now) {
  if (now <= filled_) return;
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  tokens_ = std::min(size_, tokens_ + seconds * rate_);
  filled_ = now;
}

bool TokenBucket::has(double tokens, MonotonicTime now) {
  fill(now);
  return tokens_ >= tokens;
}

bool TokenBucket::take(double tokens, MonotonicTime now) {
  if (!has(tokens, now)) return false;
  tokens_ -= tokens;
  return true;
}

PeerTable::Peer& PeerTable::find(const std::string& peer, MonotonicTime now) {
  if (const auto found = peers_.find(peer); found != peers_.end()) return found->second;
  if (peers_.size() >= limits_.peers && !idle_.empty()) {
    peers_.erase(idle_.front());
    idle_.pop_front();
  }
  idle_.push_back(peer);
  Peer fresh{TokenBucket(limits_.bucket, limits_.rate, now)};
  fresh.place = std::prev(idle_.end());
  return peers_.emplace(peer, std::move(fresh)).first->second;
}

std::string_view PeerTable::enter(const std::string& peer, Kind kind, double cost,
                                  MonotonicTime now) {
  Peer& entry = find(peer, now);
  const bool is_call = kind == Kind::kCall;
  int& own = is_call ? entry.calls : entry.streams;
  int& all = is_call ? calls_ : streams_;
  if (own >= (is_call ? limits_.calls : limits_.streams)) {
    return is_call ? "too many calls of one peer at a time" : "too many streams of one peer";
  }
  if (all >= (is_call ? limits_.all_calls : limits_.all_streams)) {
    return is_call ? "too many calls at a time" : "too many streams";
  }
  if (!entry.bucket.take(cost, now)) return "too many calls a second";
  ++own;
  ++all;
  if (std::exchange(entry.is_idle, false)) idle_.erase(entry.place);
  return {};
}

void PeerTable::leave(const std::string& peer, Kind kind) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  Peer& entry = found->second;
  --(kind == Kind::kCall ? entry.calls : entry.streams);
  --(kind == Kind::kCall ? calls_ : streams_);
  if (entry.calls > 0 || entry.streams > 0) return;
  entry.is_idle = true;
  idle_.push_back(peer);
  entry.place = std::prev(idle_.end());
}

bool Floods::add(const std::string& peer, double weight, MonotonicTime now) {
  constexpr double kPatience = 200;
  constexpr double kRate = 100;
  constexpr std::size_t kMostPeers = 4'096;
  if (patience_.size() >= kMostPeers && !patience_.contains(peer)) patience_.clear();
  const auto at = patience_.try_emplace(peer, TokenBucket(kPatience, kRate, now)).first;
  if (at->second.take(weight, now)) return false;
  patience_.erase(at);
  return true;
}

std::optional<std::uint64_t> Notices::note(const std::string& peer, MonotonicTime now) {
  const auto found = entries_.find(peer);
  if (found != entries_.end() && now - found->second.last < span_) {
    ++found->second.unwritten;
    return {};
  }
  if (found != entries_.end()) {
    found->second.last = now;
    return std::exchange(found->second.unwritten, 0);
  }
  if (entries_.size() >= most_peers_) {
    std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.last >= span_; });
    // So many at once are refused without a word each.
    if (entries_.size() >= most_peers_) return {};
  }
  entries_.emplace(peer, Entry{now});
  return 0;
}

}  // namespace mixnet
