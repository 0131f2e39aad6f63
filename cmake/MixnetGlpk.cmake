# GLPK, the exact allocator's solver, as GLPK_LIBRARIES. It has no CMake package.
#
# Programs link it statically where the archives are there, as on Debian: GLPK and the five libraries
# that it loads would be half a megabyte of memory in every run, though few runs solve anything. A
# shared object (the Python package) takes the shared one: the archives are not position-independent.
include_guard(GLOBAL)

find_library(GLPK_LIBRARY glpk REQUIRED)
find_path(GLPK_INCLUDE_DIR glpk.h REQUIRED)
set(GLPK_LIBRARIES ${GLPK_LIBRARY})

set(glpk_archives)
foreach(name glpk amd colamd suitesparseconfig z ltdl gmp)
  find_library(GLPK_${name}_ARCHIVE lib${name}.a)
  mark_as_advanced(GLPK_${name}_ARCHIVE)
  list(APPEND glpk_archives ${GLPK_${name}_ARCHIVE})
endforeach()
if(NOT "${glpk_archives}" MATCHES "NOTFOUND")
  set(is_program $<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>)
  string(REPLACE ";" "$<SEMICOLON>" glpk_archives "${glpk_archives}")
  set(GLPK_LIBRARIES "$<IF:${is_program},${glpk_archives},${GLPK_LIBRARY}>")
endif()
