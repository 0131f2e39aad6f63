# Which Python the tree uses, as Python3_EXECUTABLE: one for the package (src/doors/python) and for the
# tests that import it. The first in PATH may be any (of a venv, pyenv, conda), without Python.h,
# NumPy or pybind11, and must not matter. So it is
#   1. the one that is named by -D Python3_EXECUTABLE, as pip does for a wheel;
#   2. build/venv's, where scripts/python-environment.sh found none that has all and made it;
#   3. Debian's, where it has NumPy: scripts/install-dependencies.sh gave it all the rest, too;
#   4. the first in PATH.
# Chosen anew whenever CMake runs, so that a build folder sees what was installed meanwhile.
include_guard(GLOBAL)

set(own_python ${CMAKE_SOURCE_DIR}/build/venv/bin/python3)
set(debian_python /usr/bin/python3)

function(mixnet_ask_python python code answer)
  execute_process(COMMAND ${python} -c "${code}" OUTPUT_VARIABLE said RESULT_VARIABLE status
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(said NOTFOUND)
  endif()
  set(${answer} ${said} PARENT_SCOPE)
endfunction()

if(NOT DEFINED Python3_EXECUTABLE)
  mixnet_ask_python(${debian_python} "import sys; from numpy import ndarray; print(sys.executable)" found)
  if(EXISTS ${own_python})
    set(found ${own_python})
  endif()
  if(NOT found)
    find_program(first_python NAMES python3 python NO_CACHE)
    # pyenv's is a script that stands for another.
    mixnet_ask_python("${first_python}" "import sys; print(sys.executable)" found)
  endif()
  if(found)
    set(Python3_EXECUTABLE ${found})
  endif()
endif()
