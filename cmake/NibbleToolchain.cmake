# Finds LLVM, MLIR, LLD and the compiler launcher; defines `nibble_mlir`, the only target that names MLIR and LLVM.
set(NIBBLE_LLVM_ROOT /usr/lib/llvm-22 CACHE PATH "Installation of LLVM and MLIR 22")
# find_package wants the minor version, too: MLIRConfigVersion accepts an exact major.minor only.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS ${NIBBLE_LLVM_ROOT}/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

add_library(nibble_mlir INTERFACE)
target_include_directories(nibble_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(NIBBLE_LLVM_DEFINITIONS UNIX_COMMAND "${LLVM_DEFINITIONS}")
# The shipped LLVM is built without assertions; with NDEBUG unset some of its classes would have another size here.
target_compile_definitions(nibble_mlir INTERFACE ${NIBBLE_LLVM_DEFINITIONS} NDEBUG)
target_link_libraries(nibble_mlir INTERFACE MLIR LLVM)

find_program(NIBBLE_CLANGXX clang++-22 REQUIRED HINTS ${NIBBLE_LLVM_ROOT}/bin)
find_program(NIBBLE_LLVM_AR llvm-ar-22 REQUIRED HINTS ${NIBBLE_LLVM_ROOT}/bin)
find_program(NIBBLE_FLATC flatc REQUIRED)

find_program(NIBBLE_CCACHE ccache)
if(NIBBLE_CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${NIBBLE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
set(CMAKE_LINKER_TYPE LLD)
add_link_options(-fuse-ld=lld)
