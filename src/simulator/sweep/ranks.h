// The processes that run one sweep together, as MPI has it: numbered from 0, they send each other
// messages. It is all that a sweep needs of MPI, so that it can be tested without.
//
// One thread of a process uses it. No call waits for another process, but finish().
#pragma once

#include <optional>
#include <string>

namespace mixnet {

struct RankMessage {
  int from = 0;
  std::string text;
};

class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Messages from one rank to another arrive in the order sent; those to a rank that died vanish.
  virtual void send(int to, std::string text) = 0;
  /// The next message that is here, if there is one. Also moves on what is being sent: to be called
  /// often.
  virtual std::optional<RankMessage> receive() = 0;

  /// The last call of every rank, when all are alive: waits for all to get here.
  virtual void finish() = 0;
  /// The last call when some are dead, or where nobody should be waited for.
  virtual void leave() = 0;
};

}  // namespace mixnet
