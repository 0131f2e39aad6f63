// How much one peer may ask for, so that no other waits for it.
//
// A PEER is what a certificate and a machine are together (access.h, Caller::who).
//
// RATE. Each has a bucket of tokens: it holds 10,000, gains 2,000 a second, and each call takes one
// or more (access.h, MethodRule::cost). The busiest honest caller is the first rank of a job:
// a demand and two marks for each layer, forward and backward, some 200 calls a second for a fast
// job, and 2,000 in the second in which it catches up after the daemon was away. Four such
// processes with one certificate, all catching up at once, are 8,000 calls; sustained, 800 a
// second. Neither meets a limit.
//
// AT A TIME. 64 calls and 16 streams a peer, 1,024 calls and 256 streams in all. gRPC's own limit,
// 64 calls and streams a connection, makes a client wait instead.
//
// Peers that are not remembered begin with a full bucket, and 4,096 are: whoever can show that many
// certificates or addresses is given their limits. Pure: times are handed in. Not thread-safe.
// O(1).
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/env.h"

namespace mixnet {

class TokenBucket {
 public:
  /// Full. Tokens; tokens a second.
  TokenBucket(double size, double rate, MonotonicTime now);
  bool has(double tokens, MonotonicTime now);
  /// Takes them, if they are all there.
  bool take(double tokens, MonotonicTime now);

 private:
  void fill(MonotonicTime now);

  double size_, rate_, tokens_;
  MonotonicTime filled_;
};

struct PeerLimits {
  double bucket = 10'000;
  double rate = 2'000;  ///< tokens a second
  int calls = 64;       ///< at a time
  int streams = 16;
  int all_calls = 1'024;
  int all_streams = 256;
  std::size_t peers = 4'096;  ///< more than all calls and streams together
};

class PeerTable {
 public:
  enum class Kind { kCall, kStream };

  explicit PeerTable(const PeerLimits& limits = {}) : limits_(limits) {}

  /// Empty: taken, until leave(). Else the limit that stands against it, for the caller.
  std::string_view enter(const std::string& peer, Kind kind, double cost, MonotonicTime now);
  void leave(const std::string& peer, Kind kind);

  std::size_t peers() const { return peers_.size(); }
  int calls() const { return calls_; }
  int streams() const { return streams_; }

 private:
  struct Peer {
    TokenBucket bucket;
    int calls = 0, streams = 0;
    std::list<std::string>::iterator place = {};  // in idle_, where it has nothing under way
    bool is_idle = true;
  };
  Peer& find(const std::string& peer, MonotonicTime now);

  PeerLimits limits_;
  std::unordered_map<std::string, Peer> peers_;
  std::list<std::string> idle_;  // who left longest ago first
  int calls_ = 0, streams_ = 0;
};

/// Whether somebody does what is refused so often that it is no mistake: more than 200 times, and
/// 100 a second. Remembers the latest 4,096. Not thread-safe.
class Floods {
 public:
  /// `weight`: a large message counts for many.
  bool add(const std::string& peer, double weight, MonotonicTime now);

 private:
  std::unordered_map<std::string, TokenBucket> patience_;
};

/// Refusals of a peer are written down once a span, with the number of those that were not: nobody
/// fills the audit trail. Not thread-safe.
class Notices {
 public:
  Notices(std::chrono::nanoseconds span, std::size_t most_peers)
      : span_(span), most_peers_(most_peers) {}
  /// How many of this peer have gone unwritten since the last; nothing: not now.
  std::optional<std::uint64_t> note(const std::string& peer, MonotonicTime now);

 private:
  struct Entry {
    MonotonicTime last;
    std::uint64_t unwritten = 0;
  };
  std::chrono::nanoseconds span_;
  std::size_t most_peers_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace mixnet
