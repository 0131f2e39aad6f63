# mixnet_embed(ROOM HEADER NAME=FILE...)
#
# Puts text files into a room's library: HEADER ("report/report_assets.h") declares
#   extern const EmbeddedText NAME;   // its `text`, and `csp_hash`, "sha256-...", of that
# for each. Made in the build tree, seen by that room alone, and made anew when a file changes.
#
# The same file is the script that does it, one text at a time:
#   cmake -D NAME=... -D FILE=... -D HEADER=... -D OUT=... -P MixnetEmbed.cmake
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  # The digest in base64, as a Content-Security-Policy has it: 3 hexadecimal digits make 2 of its
  # digits; 64 of them and two zeros make 44, the last of which only pads.
  file(SHA256 ${FILE} digest)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  set(hash "")
  foreach(at RANGE 0 63 3)
    string(SUBSTRING "${digest}00" ${at} 3 digits)
    math(EXPR high "0x${digits} / 64")
    math(EXPR low "0x${digits} % 64")
    string(SUBSTRING ${alphabet} ${high} 1 high)
    string(SUBSTRING ${alphabet} ${low} 1 low)
    string(APPEND hash ${high}${low})
  endforeach()
  string(SUBSTRING ${hash} 0 43 hash)

  file(READ ${FILE} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  file(WRITE ${OUT} "#include \"${HEADER}\"\n\nnamespace mixnet {\nnamespace {\n"
       "constexpr unsigned char kBytes[] = {${bytes}0};\n}\n"
       "const EmbeddedText ${NAME} = {{reinterpret_cast<const char*>(kBytes), ${size}},\n"
       "                             \"sha256-${hash}=\"};\n}  // namespace mixnet\n")
  return()
endif()

include_guard(GLOBAL)
set(MIXNET_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(mixnet_embed room header)
  set(view ${CMAKE_BINARY_DIR}/embedded/${room})
  string(
    CONCAT declarations "#pragma once\n\n#include <string_view>\n\nnamespace mixnet {\n\n"
           "struct EmbeddedText {\n  std::string_view text;\n  std::string_view csp_hash;\n};\n\n")
  foreach(pair ${ARGN})
    string(REGEX MATCH "^([^=]+)=(.+)$" matched ${pair})
    set(name ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
    string(APPEND declarations "extern const EmbeddedText ${name};\n")
    add_custom_command(
      OUTPUT ${view}/${name}.cc
      COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D FILE=${file} -D HEADER=${header} -D
              OUT=${view}/${name}.cc -P ${MIXNET_EMBED_SCRIPT}
      DEPENDS ${file} ${MIXNET_EMBED_SCRIPT}
      VERBATIM)
    target_sources(mixnet_${room} PRIVATE ${view}/${name}.cc)
    # clang-tidy has no say about a table of bytes.
    set_source_files_properties(${view}/${name}.cc PROPERTIES SKIP_LINTING ON)
  endforeach()
  file(CONFIGURE OUTPUT ${view}/${header} CONTENT "${declarations}\n}  // namespace mixnet\n" @ONLY)
  target_include_directories(mixnet_${room} PRIVATE ${view})
endfunction()
