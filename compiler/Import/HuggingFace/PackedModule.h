//===- PackedModule.h - Tensors of one quantized linear layer ---*- C++ -*-===//
//
// A method of quantization keeps a weight in several tensors of a name:
// `q_proj.qweight`, `q_proj.scales`, … Packed*.cpp has a page for each method,
// which asks a PackedModule for its tensors and fills a PackedTensor with where
// they lie. What a page gets is checked: that a tensor is there, its type, its
// shape. Errors name the tensor as the file has it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDMODULE_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDMODULE_H

#include "compiler/Import/HuggingFace/JSONFile.h"
#include "compiler/Import/HuggingFace/Safetensors.h"
#include "compiler/Import/ModelFile.h"

#include <map>

namespace nibble {

/// A tensor as a file has it, and the file.
struct StoredTensor {
  SafetensorsTensor tensor;
  uint32_t fileIndex;
};

class PackedModule {
public:
  using Shape = llvm::ArrayRef<uint64_t>;
  using Types = llvm::ArrayRef<llvm::StringRef>;

  PackedModule(const ModelFile &model, std::string name)
      : model(model), name(std::move(name)) {}

  /// "model.layers.0.self_attn.q_proj"
  llvm::StringRef getName() const { return name; }
  void add(llvm::StringRef part, const StoredTensor &tensor) {
    parts[part.str()] = &tensor;
  }
  bool has(llvm::StringRef part) const { return parts.count(part.str()) != 0; }
  llvm::StringRef typeOf(llvm::StringRef part) const;

  /// The shape of a tensor that must be there, be of one of these types and have
  /// that many sizes, each at least 1.
  llvm::Expected<std::vector<uint64_t>> shapeOf(llvm::StringRef part,
                                                Types types, size_t rank) const;
  /// The tensor, whose type must be one of these and whose shape that.
  llvm::Expected<PackedPart> get(llvm::StringRef part, Types types, Shape shape,
                                 llvm::StringRef format = "") const;
  /// The same for scales, whose format is their type.
  llvm::Expected<PackedPart> getScales(llvm::StringRef part, Shape shape) const;

  /// All bytes of a part.
  llvm::Expected<std::vector<uint8_t>> read(const PackedPart &part) const;
  /// The object that a part of bytes spells.
  llvm::Expected<llvm::json::Object> readJSON(llvm::StringRef part) const;
  /// The only number of a part of f32, which is not 0.
  llvm::Expected<double> readNumber(llvm::StringRef part) const;
  /// Empty if there is no such part, or for one number.
  Shape storedShape(llvm::StringRef part) const;

  /// "FILE: tensor 'MODULE.PART'", for messages.
  std::string describe(llvm::StringRef part) const;
  const InputFile &getFile(uint32_t index) const { return model.getFile(index); }

  llvm::Error malformedPart(llvm::StringRef part,
                            const llvm::Twine &message) const;
  llvm::Error unsupportedPart(llvm::StringRef part,
                              const llvm::Twine &message) const;

private:
  const ModelFile &model;
  std::string name;
  std::map<std::string, const StoredTensor *> parts;
};

/// What a page finds out of a module.
struct PackedWeight {
  std::string part; ///< Whose bytes are the codes.
  uint64_t rows = 0, columns = 0;
  PackedTensor packed;
};

/// Cuts rows into groups: `size` columns, or whole rows if it is 0. The number of
/// groups; an error if they are not whole.
llvm::Expected<uint64_t> cutIntoGroups(const PackedModule &module,
                                       PackedWeight &weight, uint64_t size);

/// Rows and columns that share a scale; without, it is a row's or the tensor's.
struct ScaleBlock {
  uint64_t rows = 0, columns = 0;
};

/// [rows, columns], each from 1 to 2^24; none if the array holds something else.
std::optional<ScaleBlock> readRowsAndColumns(const llvm::json::Array &sizes);

/// [rows, columns] at a key of the settings; none counts as no blocks.
llvm::Expected<ScaleBlock> readScaleBlock(const JSONView &settings,
                                          llvm::StringRef key);

/// Takes scales: one number, one a row, one for each group of a row, or one a
/// block. The number of groups of a row.
llvm::Expected<uint64_t> takeScales(const PackedModule &module,
                                    llvm::StringRef part, ScaleBlock block,
                                    PackedWeight &weight);

/// The float type of scales that the file has.
FloatKind scaleKindOf(const PackedPart &scales);

/// Reads `zeros` (rows × groups), which a method that calls itself symmetric
/// stores, too: the number that all are, or none if they differ.
llvm::Expected<std::optional<int64_t>>
findCommonZero(const PackedModule &module, const PackedWeight &weight,
               uint64_t groups);

/// Zero points that are subtracted from codes: the type gets minima, in f32.
void subtractZeros(PackedTensor &packed);

/// Takes g_idx, one group's number a column, of `groups` groups: nothing if they
/// ascend anyway.
llvm::Error takeColumnOrder(const PackedModule &module, llvm::StringRef part,
                            PackedWeight &weight, uint64_t groups);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_PACKEDMODULE_H
