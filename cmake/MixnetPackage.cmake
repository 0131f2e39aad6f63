# What a Debian package has besides the programs and their data, and the package: `make package`
# gives build/mixnet_VERSION_amd64.deb. The Python package is pip's affair, and libmixnet_mpi.so
# would bring MPI to every machine: neither is in it.
include_guard(GLOBAL)

set(packaging ${CMAKE_SOURCE_DIR}/packaging)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME host)  # what only belongs on a machine's own system
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/doc/mixnet)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
        DESTINATION share/doc/mixnet)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/mixnet RENAME copyright)
set(completions mixnet)
if(MIXNET_SWITCH)
  install(FILES ${packaging}/region.yaml ${packaging}/slurm/slurm.env DESTINATION share/doc/mixnet)
  install(FILES ${packaging}/mixnetd@.service DESTINATION lib/systemd/system)
  install(PROGRAMS ${packaging}/slurm/tenant.sh ${packaging}/slurm/prolog.sh ${packaging}/slurm/epilog.sh
          DESTINATION share/mixnet/slurm)
  list(APPEND completions mixnet-ctl)
endif()
foreach(program ${completions})
  install(CODE "execute_process(COMMAND ${CMAKE_BINARY_DIR}/${program} completion bash
                                OUTPUT_FILE ${CMAKE_BINARY_DIR}/${program}.bash COMMAND_ERROR_IS_FATAL ANY)"
          COMPONENT host)
  install(FILES ${CMAKE_BINARY_DIR}/${program}.bash DESTINATION share/bash-completion/completions
          RENAME ${program})
endforeach()
unset(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mixnet)
set(CPACK_PACKAGE_VENDOR "MixNet")
set(CPACK_PACKAGE_CONTACT "MixNet maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Networks of MoE training: simulator, and controller of optical switches")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Compares network fabrics for training mixture-of-experts models, drives optical\n circuit switches, and controls a region of them (mixnetd). See /usr/share/doc/mixnet.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENTS_ALL Unspecified host)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm
                                       ${packaging}/debian/postrm)
include(CPack)
