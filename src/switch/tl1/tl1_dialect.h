// How one family of TL1 switches is spoken to: a file, data/dialects/NAME.json.
//
//   login, connect, disconnect, read, read_all, identity   commands; these must be there
//   size        command; size_key the key of its answer: "SIZE=16x16" (two sides), "SIZE=192xCC" or
//               "SIZE=192x0" (192 ports, each carries both directions). Left out: the address says
//               ports= and sides=
//   after_login commands, denied or not; logout   command
//   power       command; left out: no power can be read
//   shutter     command; shutter_words what its answers mean, {"CLOSED": "blocked"}
//   not_logged_in   codes of denial after which a login helps: ["PLNA"]
//   inputs_after, outputs_after   input p is number inputs_after + p on the wire; without
//               outputs_after, outputs are counted on behind the inputs
//   row_in, row_out      keys of a patch's ends in a row of `read`; left out: the row is "IN,OUT"
//   row_port, row_value  keys in a row of `power` or `shutter`; left out: the row is "PORT:VALUE"
//
// A command has {ctag} once, and of {user}, {password}, {in}, {out}, {ports} what it needs. It is
// sent as it stands; one command joins or parts one pair, so that each pair has its own answer.
// Pure but for reading the file. Throws Error, which names file and key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "ocs/port_numbering.h"

namespace mixnet {

struct Tl1Dialect {
  std::string login, logout, identity, size, size_key, connect, disconnect, read, read_all, power,
      shutter;
  std::vector<std::string> after_login, not_logged_in;
  std::map<std::string, PortState> shutter_words;
  int inputs_after = 0;
  std::optional<int> outputs_after;
  std::string row_in, row_out, row_port, row_value;

  /// A port as our patches count it (1..2N), on the wire, and back; 0: there is no such port.
  int on_wire(int port, const PortNumbering& numbering) const;
  int from_wire(int number, const PortNumbering& numbering) const;

  /// Of a row of `read`; in and out 0: the row says that a port is in none. None: it is no such
  /// row.
  std::optional<Patch> patch_in(std::string_view row, const PortNumbering& numbering) const;
  /// Of a row of `power` or `shutter`: port and value.
  std::optional<std::pair<int, std::string>> value_in(std::string_view row,
                                                      const PortNumbering& numbering) const;
  /// Of the rows that answer `size`.
  std::optional<PortNumbering> size_in(const std::vector<std::string>& rows) const;
};

/// `name`: "polatis", or a file: what holds a `/` or ends in .json.
Tl1Dialect load_tl1_dialect(const std::string& name, Env& env);
Tl1Dialect parse_tl1_dialect(std::string_view json, std::string_view input);

/// `pattern` with what stands in braces replaced, each from `values`.
std::string fill_tl1(std::string_view pattern,
                     const std::map<std::string, std::string, std::less<>>& values);

}  // namespace mixnet
