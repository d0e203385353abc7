# One-line calls that add a library, a program, a rule or a test.

# strata_precompile(TARGET FROM): the headers that nearly every source includes, compiled once in FROM, with more of them
# in FROM itself.
function(strata_precompile target from)
  if(NOT STRATA_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL from)
    target_precompile_headers(${target} PRIVATE <Eigen/Core> <algorithm> <filesystem> <functional> <map> <memory>
      <nlohmann/json.hpp> <span> <sstream> <string> <vector> ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

# strata_link(TARGET SCOPE SUFFIX LIBRARY…): links them, the strata:: ones as their twins of that suffix.
function(strata_link target scope suffix)
  foreach(library ${ARGN})
    if(library MATCHES "^strata::(framework|rules|datasets|cli|conformance)$")
      string(APPEND library ${suffix})
    endif()
    target_link_libraries(${target} ${scope} ${library})
  endforeach()
endfunction()

# strata_library(NAME SOURCES … LINK …)
#   Builds strata_NAME (float, also known as strata::NAME) and, with STRATA_F64, strata_NAME_f64 (double,
#   strata::NAME_f64), which links the _f64 twins of the strata:: libraries in LINK. The two are never linked into one
#   program.
set(STRATA_F64_SUFFIX)
if(STRATA_F64)
  set(STRATA_F64_SUFFIX "_f64")
endif()
function(strata_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  foreach(suffix "" ${STRATA_F64_SUFFIX})
    set(target strata_${name}${suffix})
    add_library(${target} STATIC ${ARG_SOURCES})
    add_library(strata::${name}${suffix} ALIAS ${target})
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${strata_SOURCE_DIR}>
                                                $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/strata>)
    target_link_libraries(${target} PUBLIC strata_flags PRIVATE $<BUILD_INTERFACE:strata_warnings>)
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name}${suffix})
    if(NOT suffix OR STRATA_INSTALL_F64)
      install(TARGETS ${target} EXPORT strata COMPONENT development)
    endif()
    strata_link(${target} PUBLIC "${suffix}" ${ARG_LINK})
    if(suffix)
      target_compile_definitions(${target} PUBLIC STRATA_DOUBLE)
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${STRATA_UNITY} UNITY_BUILD_BATCH_SIZE 12)
    strata_precompile(${target} strata_framework${suffix})
  endforeach()
endfunction()

# strata_program(NAME [SUFFIX _f64] SOURCES … LINK …): an executable on the strata:: libraries in LINK, or on their twins.
function(strata_program name)
  cmake_parse_arguments(ARG "" "SUFFIX" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE strata_warnings)
  strata_link(${name} PRIVATE "${ARG_SUFFIX}" ${ARG_LINK})
  strata_precompile(${name} strata_framework${ARG_SUFFIX})
endfunction()

# strata_test_main(): what all tests share, for each Scalar: main() and the precompiled headers. Tests are compiled with
# -O1, which takes two thirds of the time of -O3; what they test is in the libraries.
function(strata_test_main)
  foreach(suffix "" ${STRATA_F64_SUFFIX})
    set(target strata_test_main${suffix})
    add_library(${target} OBJECT support/main.cpp)
    strata_link(${target} PUBLIC "${suffix}" strata::framework)
    target_link_libraries(${target} PUBLIC strata_warnings Boost::unit_test_framework)
    target_compile_definitions(${target} PUBLIC BOOST_TEST_DYN_LINK)
    target_compile_options(${target} PUBLIC $<$<CONFIG:Release>:-O1>)
    strata_precompile(${target} ${target} <boost/test/unit_test.hpp>)
  endforeach()
endfunction()

# strata_test(NAME [F64] [ALONE] [SOURCES …] [LINK …] [DEFINE …])
#   A Boost.Test program from NAME.cpp, registered with ctest under NAME; F64 links the double libraries. Sets
#   NAME_COMMAND, what runs it. With STRATA_UNITY_TESTS the tests of a folder that have one source each and are not
#   ALONE share a program, where each is a suite of the name of its source.
function(strata_test name)
  cmake_parse_arguments(ARG "F64;ALONE" "" "SOURCES;LINK;DEFINE" ${ARGN})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${name}.cpp)
  endif()
  set(suffix "")
  if(ARG_F64)
    set(suffix "_f64")
  endif()
  list(LENGTH ARG_SOURCES count)
  if(STRATA_UNITY_TESTS AND count EQUAL 1 AND NOT ARG_ALONE)
    get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    get_filename_component(suite ${ARG_SOURCES} NAME_WE)
    set(command tests_${folder}${suffix} --run_test=${suite})
    get_property(known DIRECTORY PROPERTY STRATA_TESTS${suffix}_SUITES)
    if(NOT known)
      cmake_language(EVAL CODE "cmake_language(DEFER CALL strata_tests_of_folder tests_${folder} [[${suffix}]])")
    endif()
    set_property(DIRECTORY APPEND PROPERTY STRATA_TESTS${suffix}_SUITES ${suite})
    set_property(DIRECTORY APPEND PROPERTY STRATA_TESTS${suffix}_LINK ${ARG_LINK})
    set_property(DIRECTORY APPEND PROPERTY STRATA_TESTS${suffix}_DEFINE ${ARG_DEFINE})
  else()
    set(command ${name})
    strata_add_test_program(${name} "${suffix}" "${ARG_SOURCES}" "${ARG_LINK}" "${ARG_DEFINE}")
  endif()
  add_test(NAME ${name} COMMAND ${command})
  set(${name}_COMMAND ${command} PARENT_SCOPE)
endfunction()

function(strata_add_test_program name suffix sources link define)
  add_executable(${name} ${sources})
  strata_link(${name} PRIVATE "${suffix}" ${link})
  target_link_libraries(${name} PRIVATE strata_test_main${suffix})
  target_compile_definitions(${name} PRIVATE ${define})
  strata_precompile(${name} strata_test_main${suffix})
endfunction()

# The program of a folder's tests, eight to a source: their headers first, then each in a suite, hence in a namespace.
function(strata_tests_of_folder name suffix)
  foreach(what SUITES LINK DEFINE)
    get_property(${what} DIRECTORY PROPERTY STRATA_TESTS${suffix}_${what})
  endforeach()
  set(sources)
  while(SUITES)
    set(headers)
    set(suites "")
    foreach(i RANGE 7)
      if(SUITES)
        list(POP_FRONT SUITES suite)
        set(source ${CMAKE_CURRENT_SOURCE_DIR}/${suite}.cpp)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        file(STRINGS ${source} includes REGEX "^#include")
        list(APPEND headers ${includes})
        string(APPEND suites "BOOST_AUTO_TEST_SUITE(${suite})\n#include \"${source}\"\nBOOST_AUTO_TEST_SUITE_END()\n")
      endif()
    endforeach()
    list(REMOVE_DUPLICATES headers)
    list(JOIN headers "\n" headers)
    list(LENGTH sources number)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/${name}${suffix}_${number}.cpp)
    file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT "@headers@\n@suites@")
    list(APPEND sources ${generated})
  endwhile()
  strata_add_test_program(${name}${suffix} "${suffix}" "${sources}" "${LINK}" "${DEFINE}")
  # A fixture in an unnamed namespace, in a file that is included: meant so.
  target_compile_options(${name}${suffix} PRIVATE -Wno-subobject-linkage)
endfunction()

# add_learning_rule(NAME): NAME.cpp in this folder defines `RuleEntry strata::rules::NAME()`.
function(add_learning_rule name)
  set_property(DIRECTORY APPEND PROPERTY STRATA_RULES ${name})
endfunction()

# strata_rules_library(SOURCES …): the library strata::rules from the rules added so far, with the generated
# builtin_catalog() that calls each. Explicit calls, since static initialisers vanish under static linking.
function(strata_rules_library)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  get_property(rules DIRECTORY PROPERTY STRATA_RULES)
  set(declarations "")
  set(calls "")
  set(sources ${ARG_SOURCES})
  foreach(rule ${rules})
    string(APPEND declarations "RuleEntry ${rule}();\n")
    string(APPEND calls "  catalog.add(rules::${rule}());\n")
    list(APPEND sources ${rule}.cpp)
  endforeach()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/builtin_catalog.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT
"// Written by CMake from the add_learning_rule calls.
#include \"rules/builtin.hpp\"
namespace strata::rules {
@declarations@}
namespace strata {
Catalog builtin_catalog() {
  Catalog catalog;
@calls@  return catalog;
}
}  // namespace strata
")
  strata_library(rules SOURCES ${sources} ${generated} LINK strata::framework)
  # A rule is compiled alone, unless nobody is going to touch it: touching it compiles nothing else.
  foreach(suffix "" ${STRATA_F64_SUFFIX})
    set_target_properties(strata_rules${suffix} PROPERTIES UNITY_BUILD ${STRATA_UNITY_RULES} UNITY_BUILD_BATCH_SIZE 9)
  endforeach()
endfunction()
