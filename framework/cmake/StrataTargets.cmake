# One-line calls that add a library, a program, a rule or a test.

# strata_precompile(TARGET SUFFIX): the headers that nearly every source includes, compiled once for each Scalar.
function(strata_precompile target suffix)
  if(NOT STRATA_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL "strata_framework${suffix}")
    target_precompile_headers(${target} PRIVATE <Eigen/Core> <algorithm> <filesystem> <functional> <map> <memory>
      <nlohmann/json.hpp> <span> <sstream> <string> <vector>)
  else()
    target_precompile_headers(${target} REUSE_FROM strata_framework${suffix})
  endif()
endfunction()

# strata_link(TARGET SCOPE SUFFIX LIBRARY…): links them, the strata:: ones as their twins of that suffix.
function(strata_link target scope suffix)
  foreach(library ${ARGN})
    if(library MATCHES "^strata::")
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
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
    target_link_libraries(${target} PUBLIC strata_flags)
    strata_link(${target} PUBLIC "${suffix}" ${ARG_LINK})
    if(suffix)
      target_compile_definitions(${target} PUBLIC STRATA_DOUBLE)
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${STRATA_UNITY} UNITY_BUILD_BATCH_SIZE 5)
    strata_precompile(${target} "${suffix}")
  endforeach()
endfunction()

# strata_program(NAME [SUFFIX _f64] SOURCES … LINK …): an executable on the strata:: libraries in LINK, or on their twins.
function(strata_program name)
  cmake_parse_arguments(ARG "" "SUFFIX" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  strata_link(${name} PRIVATE "${ARG_SUFFIX}" ${ARG_LINK})
  strata_precompile(${name} "${ARG_SUFFIX}")
endfunction()

# strata_test(NAME [F64] [SOURCES …] [LINK …])
#   A Boost.Test program from NAME.cpp, registered with ctest under NAME; F64 links the double libraries.
function(strata_test name)
  cmake_parse_arguments(ARG "F64" "" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${name}.cpp)
  endif()
  set(suffix "")
  if(ARG_F64)
    set(suffix "_f64")
  endif()
  strata_program(${name} SUFFIX "${suffix}" SOURCES ${ARG_SOURCES} LINK ${ARG_LINK})
  target_link_libraries(${name} PRIVATE Boost::unit_test_framework)
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK BOOST_TEST_MODULE=${name})
  add_test(NAME ${name} COMMAND ${name})
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
