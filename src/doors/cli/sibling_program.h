// Words that `mixnet` runs another program for, which lies beside it and needs what `mixnet` must
// not (gRPC, TLS): `mixnet ocs` becomes mixnet-ocs-ctl, `mixnet ctl` mixnet-ctl.
#pragma once

#include <string_view>

#include "cli/program.h"

namespace mixnet::cli {

struct SiblingProgram {
  std::string_view word;     ///< after `mixnet`
  std::string_view program;  ///< the file
};

/// Null where the word is a command of our own, or none.
const SiblingProgram* sibling_of(std::string_view word);

// For lists of commands: what they take is the other programs' affair.
void add_ocs_command(Program& app);
void add_ctl_command(Program& app);

/// Becomes that program with these words, its own name first, null last. Throws Error when it is
/// not there.
void become(const SiblingProgram& sibling, char** words);

}  // namespace mixnet::cli
