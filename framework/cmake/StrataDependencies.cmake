# What the libraries are made with, for their build and for who links the installed ones.
find_package(Threads REQUIRED)
find_package(TBB 2021 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options OPTIONAL_COMPONENTS unit_test_framework)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(HDF5 1.10 REQUIRED COMPONENTS C HL)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

# HDF5 statically where that links: Debian's shared library loads thirty others (curl, Kerberos, …), which takes longer
# than all that `strata --help` does.
set(strata_hdf5_libraries ${HDF5_HL_LIBRARIES} ${HDF5_LIBRARIES})
set(static_libraries ${strata_hdf5_libraries})
list(TRANSFORM static_libraries REPLACE "(libhdf5(_hl)?)\\.so$" "\\1.a")
list(FILTER static_libraries EXCLUDE REGEX "/lib(curl|crypto)\\.so$")
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${HDF5_INCLUDE_DIRS})
set(CMAKE_REQUIRED_LIBRARIES ${static_libraries})
check_cxx_source_compiles("#include <hdf5_hl.h>
int main() { return H5open() + H5DSset_scale(0, nullptr); }" STRATA_STATIC_HDF5)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
if(STRATA_STATIC_HDF5)
  set(strata_hdf5_libraries ${static_libraries})
endif()

# Debian's packages have no imported targets for these two.
if(NOT TARGET strata::hdf5)
  add_library(strata::hdf5 INTERFACE IMPORTED GLOBAL)
  target_include_directories(strata::hdf5 INTERFACE ${HDF5_INCLUDE_DIRS})
  target_link_libraries(strata::hdf5 INTERFACE ${strata_hdf5_libraries})
  add_library(strata::random123 INTERFACE IMPORTED GLOBAL)
  target_include_directories(strata::random123 INTERFACE ${RANDOM123_INCLUDE_DIR})
endif()
