# Run at build time: cmake -DSOURCE=… -DOUTPUT=… -DVERSION=… -DCOMPILER=… -DFLAGS=… -P build_info.cmake
# Writes OUTPUT only if it changed, so that nothing is compiled again in vain.
set(COMMIT unknown)
set(DIRTY false)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} rev-parse HEAD
                  RESULT_VARIABLE failed OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(COMMIT ${found})
    execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} status --porcelain
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(NOT changes STREQUAL "")
      set(DIRTY true)
    endif()
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.cpp.in ${OUTPUT} @ONLY)
