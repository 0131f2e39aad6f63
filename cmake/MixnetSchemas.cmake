# mixnet_schemas(WING/ROOM NAME...)
#
# Makes src/WING/ROOM/NAME.fbs known to a room's target as "NAME_generated.h", FlatBuffers' C++ accessors:
# made in the build tree, seen by that target alone, and not held to our warnings.
include_guard(GLOBAL)

find_program(FLATC flatc REQUIRED)
find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)

function(mixnet_schemas place)
  get_filename_component(room ${place} NAME)
  set(view ${CMAKE_BINARY_DIR}/schemas/${room})
  foreach(name ${ARGN})
    set(schema ${CMAKE_SOURCE_DIR}/src/${place}/${name}.fbs)
    add_custom_command(
      OUTPUT ${view}/${name}_generated.h
      COMMAND ${FLATC} --cpp --scoped-enums -o ${view} ${schema}
      DEPENDS ${schema}
      VERBATIM)
    target_sources(mixnet_${room} PRIVATE ${view}/${name}_generated.h)
  endforeach()
  target_include_directories(mixnet_${room} SYSTEM PRIVATE ${view} ${FLATBUFFERS_INCLUDE_DIR})
endfunction()
