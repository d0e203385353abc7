# Build options, compiler flags and dependencies, in one place.

option(STRATA_NATIVE "Compile for this machine's instruction set (OFF: portable x86-64-v2 build)" ON)
option(STRATA_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(STRATA_F64 "Build the libraries and the program in double too (strata-f64)" ${STRATA_TESTS})
option(STRATA_F64_PROGRAM "With STRATA_F64: the program too, not the libraries alone" ON)
option(STRATA_BENCHMARKS "Build the benchmarks (needs Google Benchmark)" OFF)
option(STRATA_FUZZ "Build the fuzzers of the readers with the target fuzz (needs clang; tests/fuzz/run.sh)" OFF)
option(STRATA_WERROR "Treat warnings as errors" OFF)
option(STRATA_PRECOMPILE "Precompile Eigen, nlohmann-json and the standard library: halves the time of a full build" ON)
option(STRATA_UNITY "Compile the libraries' sources a few at a time: halves the time of a full build again" ON)
option(STRATA_UNITY_RULES "The same for the rules, which are many and small; OFF: touching one compiles it alone" OFF)
option(STRATA_UNITY_TESTS "The same for the tests of a folder, which share a program then" OFF)
set(STRATA_GEMM strata CACHE STRING "What multiplies tiles of matrices: strata (our kernel), eigen, openblas")
set_property(CACHE STRATA_GEMM PROPERTY STRINGS strata eigen openblas)
option(STRATA_INSTALL_F64 "Install the libraries in double too, as strata::framework_f64 and so on" OFF)
option(STRATA_STD_THREADS "std::thread instead of oneTBB under the parallel seam (for ThreadSanitizer)" OFF)
set(STRATA_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

include(StrataDependencies)

if(NOT STRATA_GEMM MATCHES "^(strata|eigen|openblas)$")
  message(FATAL_ERROR "STRATA_GEMM is '${STRATA_GEMM}': expected strata, eigen or openblas")
endif()
set(STRATA_GEMM_LIBRARIES)
if(STRATA_GEMM STREQUAL openblas)
  # The pthread flavour by its full path: libopenblas.so.0 goes through Debian's alternatives and may be another.
  find_library(OPENBLAS_LIBRARY openblas REQUIRED NO_DEFAULT_PATH
    PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
  find_path(OPENBLAS_INCLUDE_DIR cblas.h REQUIRED NO_DEFAULT_PATH
    PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
  set(STRATA_GEMM_LIBRARIES ${OPENBLAS_LIBRARY})
  get_filename_component(openblas_folder ${OPENBLAS_LIBRARY} DIRECTORY)
  list(APPEND CMAKE_INSTALL_RPATH ${openblas_folder})
endif()

# Flags that every translation unit shares. What may move bits is pinned: no -ffast-math, contraction fixed. Nobody reads
# errno after mathematics, and without it square roots are vector instructions.
add_library(strata_flags INTERFACE)
target_compile_features(strata_flags INTERFACE cxx_std_20)
# -fPIC for programs too: they share the libraries' precompiled header, which must be compiled alike.
target_compile_options(strata_flags INTERFACE -ffp-contract=fast -fno-math-errno -fPIC)
target_compile_definitions(strata_flags INTERFACE EIGEN_DONT_PARALLELIZE EIGEN_MAX_ALIGN_BYTES=64)
# Of our own sources alone; who links the libraries has warnings of their own.
add_library(strata_warnings INTERFACE)
target_compile_options(strata_warnings INTERFACE -Wall -Wextra)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC's own AVX-512 headers set these two off (GCC bug 105593); clang still warns.
  target_compile_options(strata_warnings INTERFACE -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
if(STRATA_WERROR)
  target_compile_options(strata_warnings INTERFACE -Werror)
endif()
if(STRATA_NATIVE)
  target_compile_options(strata_flags INTERFACE -march=native)
else()
  target_compile_options(strata_flags INTERFACE -march=x86-64-v2)
endif()
if(STRATA_STD_THREADS)
  target_compile_definitions(strata_flags INTERFACE STRATA_STD_THREADS)
endif()
if(STRATA_SANITIZE)
  target_compile_options(strata_flags INTERFACE -fsanitize=${STRATA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(strata_flags INTERFACE -fsanitize=${STRATA_SANITIZE})
endif()
