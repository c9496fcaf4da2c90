# Thin helpers. Libraries include their headers relative to the root of the repository ("dialects/LM/LM.h");
# generated headers lie at the same relative place in the build tree.

set(NIBBLE_WARNINGS -Wall -Wextra -Werror -Wno-unused-parameter)

# The precompiled header holds the expensive MLIR headers only, never a generated one.
add_library(nibble_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/Precompiled.cpp)
target_link_libraries(nibble_pch PUBLIC nibble_mlir)
target_precompile_headers(nibble_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
# Debian's LLVM has RTTI; timestamps in the header would defeat ccache.
target_compile_options(nibble_pch PRIVATE -Xclang -fno-pch-timestamp ${NIBBLE_WARNINGS})
target_include_directories(nibble_pch PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

function(nibble_compile_options name)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
                                            ${PROJECT_SOURCE_DIR}/runtime/include)
  target_link_libraries(${name} PUBLIC nibble_mlir)
  target_precompile_headers(${name} REUSE_FROM nibble_pch)
  target_compile_options(${name} PRIVATE -Xclang -fno-pch-timestamp ${NIBBLE_WARNINGS})
endfunction()

# nibble_add_library(NAME SOURCES a.cpp… [DEPENDS tablegen targets…] [LINK libraries…])
function(nibble_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  nibble_compile_options(${name})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# nibble_add_tool(NAME SOURCES… [LINK …]): an executable in build/bin.
function(nibble_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  nibble_compile_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

# nibble_add_dialect(LM lm): tables of dialects/LM/LM{Dialect,Types,Attrs,Interfaces,Ops}.td, whichever exist → target
# NibbleLMIncGen.
function(nibble_add_dialect name)
  include_directories(SYSTEM ${MLIR_INCLUDE_DIRS})
  include_directories(${PROJECT_SOURCE_DIR})
  string(TOLOWER ${name} lower)
  set(LLVM_TARGET_DEFINITIONS ${name}Ops.td)
  mlir_tablegen(${name}Dialect.h.inc -gen-dialect-decls -dialect=${lower})
  mlir_tablegen(${name}Dialect.cpp.inc -gen-dialect-defs -dialect=${lower})
  mlir_tablegen(${name}Ops.h.inc -gen-op-decls)
  mlir_tablegen(${name}Ops.cpp.inc -gen-op-defs)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}Types.td)
    mlir_tablegen(${name}Types.h.inc -gen-typedef-decls -typedefs-dialect=${lower})
    mlir_tablegen(${name}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${lower})
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}Attrs.td)
    mlir_tablegen(${name}Enums.h.inc -gen-enum-decls)
    mlir_tablegen(${name}Enums.cpp.inc -gen-enum-defs)
    mlir_tablegen(${name}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${lower})
    mlir_tablegen(${name}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${lower})
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}Interfaces.td)
    set(LLVM_TARGET_DEFINITIONS ${name}Interfaces.td)
    mlir_tablegen(${name}Interfaces.h.inc -gen-op-interface-decls)
    mlir_tablegen(${name}Interfaces.cpp.inc -gen-op-interface-defs)
  endif()
  add_public_tablegen_target(Nibble${name}IncGen)
endfunction()

# nibble_add_passes(Tile): the pass table of compiler/Tile/Passes.td → target NibbleTilePassesIncGen.
function(nibble_add_passes name)
  include_directories(SYSTEM ${MLIR_INCLUDE_DIRS})
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${name})
  add_public_tablegen_target(Nibble${name}PassesIncGen)
endfunction()
