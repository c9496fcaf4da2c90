//===- JinjaParser.h - From tokens to statements ----------------*- C++ -*-===//
//
// A recursive-descent parser with jinja2's precedences. It recurses as deep as a
// template nests, which is limited; what jinja2 has and chat templates don't use
// is a located error.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSER_H

#include "compiler/Import/Text/JinjaAST.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace nibble::jinja {

/// `source` is normalized (JinjaLexer.h); messages give places in it.
llvm::Expected<Block> parse(llvm::StringRef source);

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_JINJAPARSER_H
