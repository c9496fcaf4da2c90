//===- ChatBuiltinTable.h - Names of filters, tests and methods -*- C++ -*-===//
//
// Which filters, tests, methods and functions chat templates can use, under which
// names and with how many arguments. The runtime knows them by number only
// (runtime/text/ChatProgram.h).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CHATBUILTINTABLE_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CHATBUILTINTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace nibble {

struct ChatBuiltin {
  llvm::StringRef name;
  uint8_t number;     ///< Filter, Test, Method or Function of ChatProgram.h
  uint8_t least;      ///< arguments that must be given
  uint8_t count;      ///< arguments that can be given
  llvm::StringRef parameters[3]; ///< their names
};

llvm::ArrayRef<ChatBuiltin> chatFilters();
llvm::ArrayRef<ChatBuiltin> chatTests();
llvm::ArrayRef<ChatBuiltin> chatMethods();
llvm::ArrayRef<ChatBuiltin> chatFunctions();

const ChatBuiltin *findBuiltin(llvm::ArrayRef<ChatBuiltin> table, llvm::StringRef name);

/// The names of a table with commas between, for error messages.
std::string listBuiltins(llvm::ArrayRef<ChatBuiltin> table);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CHATBUILTINTABLE_H
