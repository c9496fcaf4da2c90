//===- GGUFParser.h - Parses the header of one GGUF file --------*- C++ -*-===//
//
// Private to the GGUF reader. One instance parses one part; GGUF.cpp joins the
// parts. Nothing here knows what a key means, except general.alignment, which
// decides where tensor data starts.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_GGUFPARSER_H
#define NIBBLE_COMPILER_IMPORT_GGUFPARSER_H

#include "compiler/Import/GGUF.h"

namespace nibble {

class GGUFParser {
public:
  GGUFParser(const InputFile &file, uint32_t fileIndex)
      : reader(file), fileIndex(fileIndex) {}

  /// Parses the header. The results below are complete only on success.
  llvm::Error parse();

  uint32_t version = 0;
  std::vector<std::string> keys;
  llvm::StringMap<GGUFValue> values;
  std::vector<GGUFTensor> tensors;

private:
  llvm::Error parseCounts();
  llvm::Error parseVersion();
  llvm::Error parsePair();
  llvm::Error parseValue(GGUFValue &value, const llvm::Twine &what);
  llvm::Error parseScalar(GGUFValueType type, uint64_t &bits, double &real,
                          const llvm::Twine &what);
  llvm::Error parseArray(GGUFValue &value, const llvm::Twine &what);
  llvm::Error parseString(std::string &text, uint64_t limit,
                          const llvm::Twine &what);
  llvm::Error parseValueType(GGUFValueType &type, const llvm::Twine &what);
  llvm::Error parseAlignment();
  llvm::Error parseTensor();
  llvm::Error parseTensorType(GGUFTensor &tensor, const llvm::Twine &what);
  llvm::Error parseDims(GGUFTensor &tensor, const llvm::Twine &what);
  llvm::Error computeByteSize(GGUFTensor &tensor, const llvm::Twine &what);
  llvm::Error placeTensors();

  BoundedReader reader;
  uint32_t fileIndex;
  uint64_t tensorCount = 0;
  uint64_t pairCount = 0;
  uint64_t alignment = 32; // the specification's default
  uint64_t alignmentOffset = 0;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_GGUFPARSER_H
