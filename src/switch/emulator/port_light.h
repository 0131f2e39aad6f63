// What light there is: what is plugged into each position, how strong it shines, and what is lost.
//
//   NIC n --loss--> position n | matrix input  i --insertion loss(i, j)--> matrix output j |
//                                         position of j --loss--> NIC
//
// As cabled rightly, matrix input and output n lead to position n. Swapped fibres exchange two of
// them, behind the table that the device keeps but before its power meters: light for a leaves at
// b, and the meter of b sees it. Insertion loss is a function of (seed, i, j): about 1.0 dB, up
// to 2.5. Positions from 1; who asks for another reads nonsense or worse. A plain value; O(1) each.
//
// Whoever changes what shines or is shut (set_input, set_shut, swap) on a switch's light tells the
// switch (EmulatedSwitch::refresh_light).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mixnet {

/// What a power meter reads where there is no light.
constexpr double kDarkDbm = -60;

/// Bytes of a label, for who takes one from outside.
constexpr std::size_t kMostLabel = 255;

enum class FibreEnd { kIn, kOut };

class PortLight {
 public:
  PortLight(int ports, std::uint64_t seed);

  int ports() const { return static_cast<int>(positions_.size()) - 1; }

  // The patch table.
  const std::string& label(int position) const { return at(position).label; }
  void set_label(int position, std::string label) { at(position).label = std::move(label); }

  /// What the NIC sends, dBm; none: no light enters. As made: 0 dBm +- 0.5, by the seed.
  void set_input(int position, std::optional<double> dbm) { at(position).sent = dbm; }
  std::optional<double> input(int position) const { return at(position).sent; }
  /// More loss, dB, of the position's fibre in or out: a weak link.
  void set_fibre_loss(int position, FibreEnd end, double db);
  double fibre_loss(int position, FibreEnd end) const;

  /// Nothing passes a shut shutter, in or out; the meter of the input is before it.
  void set_shut(int position, bool shut) { at(position).shut = shut; }
  bool is_shut(int position) const { return at(position).shut; }
  /// A fault: no light enters, whatever is sent.
  void set_dark(int position, bool dark) { at(position).dark = dark; }
  bool is_dark(int position) const { return at(position).dark; }

  /// Exchanges the fibres of two positions.
  void swap(int a, int b, FibreEnd end);
  /// The position whose light enters the matrix at `input`; at which what the matrix sends to
  /// `output` leaves; and the other way about.
  int source_of(int input) const { return at(input).source; }
  int exit_of(int output) const { return at(output).exit; }
  int input_of(int position) const { return at(position).input; }
  int output_of(int position) const { return at(position).output; }

  /// Whether what enters at the source of `input` comes out at the exit of `output`, given that the
  /// matrix joins them.
  bool passes(int input, int output) const;
  double insertion_loss(int input, int output) const;
  /// At the meters; kDarkDbm: dark. `input` 0: the matrix joins nothing to `output`.
  double input_dbm(int position) const;
  double output_dbm(int input, int output) const;

 private:
  struct Position {
    std::string label;
    std::optional<double> sent;
    double loss_in = 0;
    double loss_out = 0;
    bool shut = false;
    bool dark = false;
    int source = 0, exit = 0, input = 0, output = 0;
  };
  const Position& at(int position) const { return positions_[static_cast<std::size_t>(position)]; }
  Position& at(int position) { return positions_[static_cast<std::size_t>(position)]; }

  std::uint64_t seed_;
  std::vector<Position> positions_;  ///< from 1
};

}  // namespace mixnet
