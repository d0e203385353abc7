# What `cmake --install` puts where, for find_package(strata), and the Debian packages that cpack makes of it. Components:
# program (strata, its manual page and completions) and development (libraries, headers, CMake's package).
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/strata)

set_target_properties(strata_flags PROPERTIES EXPORT_NAME flags)
install(TARGETS strata_flags EXPORT strata COMPONENT development)
install(EXPORT strata NAMESPACE strata:: FILE strata-targets.cmake DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/strata-config.cmake.in ${PROJECT_BINARY_DIR}/strata-config.cmake
  INSTALL_DESTINATION ${package_folder})
# Before 1.0, a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/strata-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/strata-config.cmake ${PROJECT_BINARY_DIR}/strata-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/StrataDependencies.cmake
  DESTINATION ${package_folder} COMPONENT development)
# Headers keep their folders below include/strata, so that #include "framework/…" is the same everywhere.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/framework ${PROJECT_SOURCE_DIR}/rules ${PROJECT_SOURCE_DIR}/datasets
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata COMPONENT development FILES_MATCHING PATTERN "*.hpp"
  PATTERN cmake EXCLUDE PATTERN template EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/experiments/cli/cli.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata/experiments/cli COMPONENT development)
if(TARGET strata_conformance)
  install(FILES ${PROJECT_SOURCE_DIR}/tests/conformance/conformance.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata/tests/conformance COMPONENT development)
endif()

install(TARGETS strata COMPONENT program)
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libstrata-dev RENAME copyright
  COMPONENT development)

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_VENDOR "the authors of Strata")
  set(CPACK_PACKAGE_CONTACT "the authors of Strata <strata@localhost>")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "trains networks under pluggable learning rules")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_STRIP_FILES ON)
  set(CPACK_COMPONENTS_ALL program development)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME strata)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS dataset-fashion-mnist)
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "Compares learning rules (backprop, feedback alignment, target propagation, local,\nforward-only, energy-based) on one network, and shows what each does to the\nhierarchy of representations.")
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libstrata-dev)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libboost-program-options-dev, libeigen3-dev, libhdf5-dev, librandom123-dev, libtbb-dev, nlohmann-json3-dev, zlib1g-dev")
  if(STRATA_GEMM STREQUAL openblas)
    set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS libopenblas0-pthread)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libopenblas-pthread-dev")
  endif()
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS libboost-test-dev)
  set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Libraries, headers and the CMake package of Strata, for learning rules, layers and\ndata sets of your own.")
  # A package is for any machine; cpack refuses one that is compiled for this processor alone.
  set(CPACK_STRATA_NATIVE ${STRATA_NATIVE})
  set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/StrataPackage.cmake)
  include(CPack)
endif()
