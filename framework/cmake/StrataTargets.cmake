# One-line calls that add a library, a rule or a test.

# strata_library(NAME SOURCES … LINK …)
#   Builds strata_NAME (float, also known as strata::NAME) and strata_NAME_f64 (double, strata::NAME_f64), which links
#   the _f64 twins of the strata:: libraries in LINK. The two are never linked into one program.
function(strata_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  foreach(suffix "" "_f64")
    set(target strata_${name}${suffix})
    add_library(${target} STATIC ${ARG_SOURCES})
    add_library(strata::${name}${suffix} ALIAS ${target})
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
    target_link_libraries(${target} PUBLIC strata_flags)
    foreach(library ${ARG_LINK})
      if(library MATCHES "^strata::")
        target_link_libraries(${target} PUBLIC ${library}${suffix})
      else()
        target_link_libraries(${target} PUBLIC ${library})
      endif()
    endforeach()
    if(suffix)
      target_compile_definitions(${target} PUBLIC STRATA_DOUBLE)
    endif()
  endforeach()
endfunction()

# strata_test(NAME [F64] [SOURCES …] [LINK …])
#   A Boost.Test program from NAME.cpp, registered with ctest under NAME; F64 links the double libraries.
function(strata_test name)
  cmake_parse_arguments(ARG "F64" "" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${name}.cpp)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  foreach(library ${ARG_LINK})
    if(ARG_F64 AND library MATCHES "^strata::")
      target_link_libraries(${name} PRIVATE ${library}_f64)
    else()
      target_link_libraries(${name} PRIVATE ${library})
    endif()
  endforeach()
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
endfunction()
