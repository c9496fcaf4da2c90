# nibble_link_program(target triple source): one C++ file that defines the entries of nibble/abi.h, linked with the
# runtime to <build>/test/bin/<target>, as the compiler links a model.
find_program(NIBBLE_LD_LLD ld.lld-22 REQUIRED HINTS ${NIBBLE_LLVM_ROOT}/bin)

function(nibble_link_program target triple source)
  set(directory ${PROJECT_BINARY_DIR}/lib/nibble/${triple})
  set(output ${PROJECT_BINARY_DIR}/test/bin/${target})
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/test/bin)
  add_custom_command(
    OUTPUT ${output}.o
    COMMAND ${NIBBLE_CLANGXX} --target=${triple} -std=c++20 -O2 -fPIE -fno-exceptions -fno-rtti -Wall -Wextra -Werror
            -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/runtime/include -MD -MF ${output}.d
            -c ${source} -o ${output}.o
    DEPENDS ${source}
    DEPFILE ${output}.d VERBATIM)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${NIBBLE_LD_LLD} -static --gc-sections --strip-all -z noexecstack -z max-page-size=65536 -o ${output}
            ${directory}/crt1.o ${directory}/crti.o ${directory}/crtbeginT.o ${output}.o ${directory}/libnibble_rt.a
            --start-group ${directory}/libc.a ${directory}/libgcc.a ${directory}/libgcc_eh.a --end-group
            ${directory}/crtend.o ${directory}/crtn.o
    DEPENDS ${output}.o ${directory}/libnibble_rt.a VERBATIM)
  add_custom_target(${target} DEPENDS ${output})
  add_dependencies(${target} nibble-runtime)
endfunction()
