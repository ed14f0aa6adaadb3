# lambdapool_python: CPython to be linked into a program.
#
# The static library where there is a usable one: Debian builds its shared one without the optimisations of its python3.
# All of it is linked, and its symbols are exported, because extension modules take them from the program; only Python's
# are, so that no extension module finds the C++ libraries of ours in place of its own.
option(LAMBDAPOOL_PYTHON_SHARED "Embed Python from its shared library, even where there is a static one" OFF)

execute_process(
  COMMAND ${Python3_EXECUTABLE} -c "import sysconfig as s; v = s.get_config_var
print(';'.join([f\"{v('LIBPL')}/{v('LIBRARY')}\"] + f\"{v('LIBS')} {v('SYSLIBS')} {v('MODLIBS')}\".split()))"
  OUTPUT_VARIABLE python_static_parts OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(POP_FRONT python_static_parts python_archive)
list(REMOVE_DUPLICATES python_static_parts)

# Debian's archive is not position-independent, as its python3 is not.
set(python_static_options -no-pie -Wl,--export-dynamic-symbol=Py* -Wl,--export-dynamic-symbol=_Py*)
set(python_static_libraries
  -Wl,--whole-archive ${python_archive} -Wl,--no-whole-archive ${python_static_parts} dl util m pthread)

set(LAMBDAPOOL_PYTHON_STATIC_WORKS FALSE)
if(NOT LAMBDAPOOL_PYTHON_SHARED AND EXISTS ${python_archive})
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${Python3_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LINK_OPTIONS ${python_static_options})
  set(CMAKE_REQUIRED_LIBRARIES ${python_static_libraries})
  unset(LAMBDAPOOL_PYTHON_STATIC_WORKS)
  check_cxx_source_compiles("#include <Python.h>
    int main() { Py_Initialize(); return Py_FinalizeEx(); }" LAMBDAPOOL_PYTHON_STATIC_WORKS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()

add_library(lambdapool_python INTERFACE)
target_include_directories(lambdapool_python SYSTEM INTERFACE ${Python3_INCLUDE_DIRS})
if(LAMBDAPOOL_PYTHON_STATIC_WORKS)
  message(STATUS "Python ${Python3_VERSION} of ${Python3_EXECUTABLE}, embedded from ${python_archive}")
  target_link_options(lambdapool_python INTERFACE ${python_static_options})
  target_link_libraries(lambdapool_python INTERFACE ${python_static_libraries})
else()
  message(STATUS "Python ${Python3_VERSION} of ${Python3_EXECUTABLE}, embedded from ${Python3_LIBRARIES}")
  target_link_libraries(lambdapool_python INTERFACE Python3::Python)
endif()
