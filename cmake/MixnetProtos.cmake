# mixnet_protos(NAME WING/ROOM FILE.proto)
#
# The library NAME: protobuf messages and gRPC services of src/WING/ROOM/FILE.proto, made in the
# build tree as "FILE.pb.h" and "FILE.grpc.pb.h". Generated code is not held to our warnings, and
# its headers are a system's for who includes them.
include_guard(GLOBAL)

# Debian's gRPC finds protobuf's targets by the module of that name, so it comes first.
find_package(Protobuf MODULE REQUIRED)
find_package(gRPC CONFIG REQUIRED)
# gRPC's re2 asks for -pthread (re2.pc), which glibc has long not needed, and whose macro makes headers
# that were compiled without it useless (MixnetPrecompiled.cmake).
get_target_property(options re2::re2 INTERFACE_COMPILE_OPTIONS)
if(options)
  list(REMOVE_ITEM options -pthread)
  set_target_properties(re2::re2 PROPERTIES INTERFACE_COMPILE_OPTIONS "${options}")
endif()

function(mixnet_protos name place file)
  get_filename_component(stem ${file} NAME_WE)
  set(folder ${CMAKE_SOURCE_DIR}/src/${place})
  set(view ${CMAKE_BINARY_DIR}/protos/${name})
  file(MAKE_DIRECTORY ${view})
  set(made ${view}/${stem}.pb.cc ${view}/${stem}.pb.h ${view}/${stem}.grpc.pb.cc
           ${view}/${stem}.grpc.pb.h)
  add_custom_command(
    OUTPUT ${made}
    COMMAND protobuf::protoc --proto_path=${folder} --cpp_out=${view} --grpc_out=${view}
            --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${folder}/${file}
    DEPENDS ${folder}/${file}
    VERBATIM)
  add_library(${name} STATIC ${made})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_compile_options(${name} PRIVATE -w)
  # clang-tidy reads .clang-tidy of the sources' own folder; these lie elsewhere and are nobody's.
  set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY "")
  target_include_directories(${name} SYSTEM PUBLIC ${view})
  target_link_libraries(${name} PUBLIC gRPC::grpc++ protobuf::libprotobuf)
endfunction()
