//===- ChatProgramWriter.h - Instructions, constants, labels ----*- C++ -*-===//
//
// Collects the instructions of a chat program with their constants, and counts how
// deep the stack gets. Jumps are patched when their target is known.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_TEXT_CHATPROGRAMWRITER_H
#define NIBBLE_COMPILER_IMPORT_TEXT_CHATPROGRAMWRITER_H

#include "runtime/schema/chat_generated.h"
#include "runtime/text/ChatProgram.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <algorithm>
#include <vector>

namespace nibble::jinja {

class ProgramWriter {
public:
  using Opcode = rt::chat::Opcode;

  /// Adds an instruction; `effect` is by how much the stack grows. Returns its number.
  size_t add(Opcode opcode, int effect, int64_t b = 0, unsigned a = 0) {
    code.emplace_back(static_cast<uint8_t>(opcode), static_cast<uint8_t>(a),
                      static_cast<uint16_t>(std::min<size_t>(line, 65535)), static_cast<int32_t>(b));
    stack += effect;
    deepest = std::max(deepest, stack);
    return code.size() - 1;
  }
  size_t here() const { return code.size(); }
  /// Lets the jump `number` go to the next instruction.
  void patch(size_t number) {
    const schema::ChatInstruction &jump = code[number];
    code[number] = schema::ChatInstruction(jump.opcode(), jump.a(), jump.line(), static_cast<int32_t>(here()));
  }

  size_t string(llvm::StringRef text) {
    auto [entry, isNew] = stringNumbers.try_emplace(text, offsets.size() - 1);
    if (isNew) {
      bytes.insert(bytes.end(), text.begin(), text.end());
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
    return entry->second;
  }
  size_t integer(int64_t value) {
    auto found = std::find(integers.begin(), integers.end(), value);
    if (found == integers.end())
      found = integers.insert(integers.end(), value);
    return static_cast<size_t>(found - integers.begin());
  }

  flatbuffers::Offset<schema::ChatTemplate> write(flatbuffers::FlatBufferBuilder &builder) const {
    auto codeVector = builder.CreateVectorOfStructs(code);
    auto functionVector = builder.CreateVectorOfStructs(functions);
    auto offsetVector = builder.CreateVector(offsets);
    auto byteVector = builder.CreateVector(bytes);
    auto integerVector = builder.CreateVector(integers);
    return schema::CreateChatTemplate(builder, rt::chat::ProgramVersion, codeVector, functionVector, offsetVector,
                                      byteVector, integerVector, static_cast<uint32_t>(deepest),
                                      static_cast<uint32_t>(namespaceNames), usesTime);
  }

  size_t line = 1;  ///< of the template, for the instructions to come
  int stack = 0;    ///< values on the stack here
  std::vector<schema::ChatFunction> functions;
  size_t namespaceNames = 0;
  bool usesTime = false;

private:
  std::vector<schema::ChatInstruction> code;
  std::vector<uint32_t> offsets = {0};
  std::vector<uint8_t> bytes;
  std::vector<int64_t> integers;
  llvm::StringMap<size_t> stringNumbers;
  int deepest = 0;
};

} // namespace nibble::jinja

#endif // NIBBLE_COMPILER_IMPORT_TEXT_CHATPROGRAMWRITER_H
