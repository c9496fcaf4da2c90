//===- TokenizeCommand.cpp - nibble tokenize -------------------------------===//
//
// Builds the tables of a file's tokenizer and runs the very code on them that the compiled program carries.
//
//===----------------------------------------------------------------------===//
#include "compiler/Import/OpenModel.h"
#include "compiler/Import/Text/TokenizeCommand.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "compiler/Import/TokenizerMetadata.h"
#include "compiler/Tools/nibble/Commands.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

Command addTokenizeCommand(CLI::App &app) {
  struct Arguments {
    std::string model;
    TokenizeOptions options;
  };
  auto arguments = std::make_shared<Arguments>();
  TokenizeOptions &options = arguments->options;
  CLI::App *command =
      app.add_subcommand("tokenize", "Turn standard input into token ids, one a line, or back.");
  command
      ->add_option("model", arguments->model,
                   "a GGUF file, a Hugging Face folder, a tokenizer.json or a vocab.txt; no tensors are needed")
      ->required();
  command->add_flag("--decode", options.decode, "read ids, write their text");
  command->add_flag("--pieces", options.pieces, "print the piece of text behind each id");
  command->add_flag("--special", options.parseSpecial, "recognise control tokens in the text, and write them");
  command->add_flag("--add-special", options.addSpecial, "add the tokens for begin and end as the model wants");
  return [arguments]() -> int {
    auto file = openTexts(arguments->model);
    if (!file)
      return reportError(file.takeError());
    auto source = readTokenizer(**file);
    if (!source)
      return reportError(source.takeError());
    auto table = buildTokenizer(*source);
    if (!table)
      return reportError(table.takeError());
    auto input = llvm::MemoryBuffer::getSTDIN();
    if (!input)
      return reportError(kCompileError, "cannot read standard input: " + input.getError().message());
    if (llvm::Error error = tokenize(*table, (*input)->getBuffer(), arguments->options, llvm::outs()))
      return reportError(std::move(error));
    return kDone;
  };
}

} // namespace nibble
