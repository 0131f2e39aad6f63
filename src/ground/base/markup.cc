#include "base/markup.h"

namespace mixnet {

std::string escaped(std::string_view text, Markup markup) {
  const bool is_html = markup == Markup::kHtml;
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '"') {
      safe += "&quot;";
    } else if (c == '\'' && is_html) {
      safe += "&#39;";
    } else {
      safe += static_cast<unsigned char>(c) < 0x20 && !is_html ? ' ' : c;
    }
  }
  return safe;
}

}  // namespace mixnet
