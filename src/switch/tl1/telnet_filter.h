// Telnet's option bytes (RFC 854) amid a stream of text: they are dropped, whatever they ask for.
// A byte at a time, O(1).
#pragma once

namespace mixnet {

class TelnetFilter {
 public:
  /// Whether the byte is text.
  bool is_text(unsigned char byte) {
    constexpr unsigned char kCommand = 255, kSubnegotiation = 250, kEnd = 240, kWill = 251;
    switch (state_) {
      case State::kText:
        if (byte == kCommand) state_ = State::kCommand;
        return byte != kCommand;
      case State::kCommand:
        state_ = byte == kSubnegotiation             ? State::kOptions
                 : byte >= kWill && byte != kCommand ? State::kOption
                                                     : State::kText;
        return false;
      case State::kOption:
        state_ = State::kText;
        return false;
      case State::kOptions:
        if (byte == kCommand) state_ = State::kOptionsCommand;
        return false;
      case State::kOptionsCommand:
        state_ = byte == kEnd ? State::kText : State::kOptions;
        return false;
    }
    return true;
  }

 private:
  enum class State { kText, kCommand, kOption, kOptions, kOptionsCommand };
  State state_ = State::kText;
};

}  // namespace mixnet
