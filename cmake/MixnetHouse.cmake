# mixnet_write_house()
#
# Writes BUILD/house.json, what CMake knows of the targets of this project, all folders together: name,
# type, folder, sources, what they link and include. tests/house_test.py holds the tree's rules to it, and
# scripts/draw_house.py draws it. Call it last.
include_guard(GLOBAL)

function(mixnet_write_house)
  set(folders ${CMAKE_SOURCE_DIR})
  set(entries "")
  while(folders)
    list(POP_FRONT folders folder)
    get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
    list(APPEND folders ${below})
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
      mixnet_house_entry(${target} entry)
      list(APPEND entries "${entry}")
    endforeach()
  endwhile()
  list(JOIN entries ",\n" entries)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/house.json CONTENT "[\n${entries}\n]\n" @ONLY)
endfunction()

# One target as a JSON object in `out`.
function(mixnet_house_entry target out)
  get_target_property(type ${target} TYPE)
  set(entry "{\"name\": \"${target}\", \"type\": \"${type}\"")
  foreach(property SOURCE_DIR SOURCES LINK_LIBRARIES INTERFACE_LINK_LIBRARIES INCLUDE_DIRECTORIES
                   INTERFACE_INCLUDE_DIRECTORIES)
    get_target_property(values ${target} ${property})
    if(NOT values)
      set(values "")
    endif()
    list(TRANSFORM values REPLACE "[\\\"]" "?")
    list(TRANSFORM values REPLACE "(.+)" "\"\\1\"")
    list(JOIN values ", " values)
    string(APPEND entry ", \"${property}\": [${values}]")
  endforeach()
  set(${out} "${entry}}" PARENT_SCOPE)
endfunction()
