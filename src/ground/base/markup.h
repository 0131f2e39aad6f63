// Text between the tags of HTML and SVG, or in an attribute in double quotes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mixnet {

enum class Markup {
  kHtml,  ///< as it is; also for an attribute in single quotes
  kXml,   ///< for SVG; control characters, of which XML knows few, become spaces
};

/// `text` such that nothing of it is taken for a tag.
std::string escaped(std::string_view text, Markup markup);

}  // namespace mixnet
