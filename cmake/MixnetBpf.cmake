# mixnet_bpf(WING/ROOM NAME...)
#
# Compiles src/WING/ROOM/NAME.bpf.c for the kernel's BPF machine and makes it known to a room's target
# as "NAME.skel.h", libbpf's skeleton with the program in it: made in the build tree, seen by that
# target alone, and not held to our warnings. No root, and no BPF in the kernel, is needed to build.
include_guard(GLOBAL)

find_program(BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
# Debian keeps it where users other than root do not look.
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
find_path(LIBBPF_INCLUDE bpf/libbpf.h REQUIRED)
find_library(LIBBPF bpf REQUIRED)

function(mixnet_bpf place)
  get_filename_component(room ${place} NAME)
  set(view ${CMAKE_BINARY_DIR}/bpf/${room})
  file(MAKE_DIRECTORY ${view})
  foreach(name ${ARGN})
    set(source ${CMAKE_SOURCE_DIR}/src/${place}/${name}.bpf.c)
    # -g: the maps are declared by their debugging information.
    add_custom_command(
      OUTPUT ${view}/${name}.skel.h
      COMMAND ${BPF_CLANG} -O2 -g -Wall $<$<BOOL:${MIXNET_WERROR}>:-Werror> -target bpf -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
              -isystem ${LIBBPF_INCLUDE} -MD -MF ${view}/${name}.d -MT ${view}/${name}.skel.h -c ${source}
              -o ${view}/${name}.o
      COMMAND sh -c "${BPFTOOL} gen skeleton ${view}/${name}.o name ${name} > ${view}/${name}.skel.h"
      DEPENDS ${source}
      DEPFILE ${view}/${name}.d
      COMMAND_EXPAND_LISTS VERBATIM)
    target_sources(mixnet_${room} PRIVATE ${view}/${name}.skel.h)
  endforeach()
  target_include_directories(mixnet_${room} SYSTEM PRIVATE ${view} ${LIBBPF_INCLUDE})
  target_link_libraries(mixnet_${room} PRIVATE ${LIBBPF})
endfunction()
