// The bytes of a config.json as JSON in UTF-8: what editors and Python make of such files is
// undone.
//
// UTF-16 and UTF-32 with a byte order mark, or without one where the text shows it, become UTF-8; a
// mark is skipped; Infinity, -Infinity and NaN, which Python writes and JSON has no word for,
// become strings of their length, so that they stand where no number can be and errors keep their
// columns.
#pragma once

#include <string>
#include <string_view>

namespace mixnet {

/// `input` names the file. Throws Error on text that is cut within a character. Linear.
std::string config_text(std::string_view bytes, std::string_view input);

}  // namespace mixnet
