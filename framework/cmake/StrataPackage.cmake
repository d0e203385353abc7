# Read by cpack before it makes a package.
if(CPACK_STRATA_NATIVE)
  message(FATAL_ERROR "this build is for processors like this machine's (-march=native) and would crash on others: "
    "expected -DSTRATA_NATIVE=OFF; use the preset package")
endif()
