# Run at build time: cmake -DSOURCE=… -DOUTPUT=… -DVERSION=… -DCOMPILER=… -DFLAGS=… -P build_info.cmake
# Writes OUTPUT only if it changed, so that nothing is compiled again in vain.
set(COMMIT unknown)
set(DIRTY false)
file(TIMESTAMP ${SOURCE}/CHANGELOG.md DATE "%Y-%m-%d" UTC) # outside a git checkout
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} rev-parse HEAD
                  RESULT_VARIABLE failed OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(COMMIT ${found})
    execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} status --porcelain
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} log -1 --format=%cs
                    OUTPUT_VARIABLE DATE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT changes STREQUAL "")
      set(DIRTY true)
    endif()
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.cpp.in ${OUTPUT} @ONLY)
