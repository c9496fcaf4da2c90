//===- ModelFile.h - What a model says of itself ----------------*- C++ -*-===//
//
// Metadata, tensors and where their bytes lie, whatever kind of file it came
// from. The vocabulary is GGUF's: keys like `llama.block_count`, tensors like
// `blk.0.attn_q.weight`, storage types by ggml's numbers. A Hugging Face folder
// (HuggingFace/) is translated into it when it is opened, so a model family is
// read in one place for both kinds.
//
// Contract of an open model, whoever opened it:
//   - keys and tensor names are unique;
//   - each tensor has 1 to 4 dimensions of at least 1, a known storage type,
//     rows of whole blocks, and lies in its file without touching another;
//   - memory used is of the order of the metadata, not of the files.
// What the metadata *means* is checked by whoever asks for it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_MODELFILE_H
#define NIBBLE_COMPILER_IMPORT_MODELFILE_H

#include "compiler/Import/BoundedReader.h"
#include "compiler/Import/GGMLTypes.h"
#include "compiler/Import/PackedTensor.h"

#include "llvm/ADT/StringMap.h"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// The value types of the file; the numbers are those of the format.
enum class GGUFValueType : uint32_t {
  UInt8 = 0,
  Int8 = 1,
  UInt16 = 2,
  Int16 = 3,
  UInt32 = 4,
  Int32 = 5,
  Float32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  UInt64 = 10,
  Int64 = 11,
  Float64 = 12,
};

llvm::StringRef getName(GGUFValueType type);

/// Many strings in two allocations: a vocabulary has up to 300 000 of them.
class StringTable {
public:
  size_t size() const { return ends.size(); }
  bool empty() const { return ends.empty(); }
  llvm::StringRef operator[](size_t index) const {
    size_t begin = index == 0 ? 0 : ends[index - 1];
    return llvm::StringRef(bytes).slice(begin, ends[index]);
  }
  void push_back(llvm::StringRef text) {
    bytes.append(text.data(), text.size());
    ends.push_back(bytes.size());
  }

private:
  std::string bytes;
  std::vector<size_t> ends;
};

/// One metadata value. Exactly one of the groups below is meaningful.
struct GGUFValue {
  GGUFValueType type;
  /// Where the pair starts in its file.
  uint64_t offset = 0;
  /// Where it was said, for diagnostics, if not in a key of a GGUF file:
  /// "config.json: 'num_hidden_layers'".
  std::string origin;

  /// A scalar, widened: unsigned and bool in `bits`, signed as two's
  /// complement in `bits`, both floats in `real`.
  uint64_t bits = 0;
  double real = 0;
  /// A string.
  std::string text;
  /// An array; numbers are widened as above, into `numbers` or `reals`.
  GGUFValueType elementType = GGUFValueType::UInt8;
  StringTable strings;
  std::vector<uint64_t> numbers;
  std::vector<double> reals;

  /// "u32", or "array of string".
  std::string describeType() const;
};

struct GGUFTensor {
  std::string name;
  /// In the order of the file: dims[0] varies fastest. A weight matrix of N
  /// rows and K columns has dims {K, N}.
  std::vector<uint64_t> dims;
  uint32_t typeId;
  /// Index of the part that holds the bytes.
  uint32_t fileIndex;
  /// Absolute position and length of the bytes in that part.
  uint64_t offset;
  uint64_t byteSize;
  /// Where the tensor is described, for diagnostics.
  uint64_t infoOffset;
  /// Its name in the file, if that is another.
  std::string origin = {};
  /// Added to each value: 1 for norms that are stored less one.
  double plus = 0;
  /// If it is set, the bytes are codes alone, and `typeId` means nothing.
  std::shared_ptr<const PackedTensor> packed = {};
  /// Numbers of groups, of whose places when sorted a vector is made.
  bool isColumnOrder = false;

  const GGMLType &getType() const { return *findGGMLType(typeId); }
  /// "q4_0", "gptq-u4".
  llvm::StringRef getTypeName() const {
    return packed ? llvm::StringRef(packed->label) : getType().name;
  }
  uint64_t getElementCount() const;
};

/// "576 x 49152"
std::string describeDims(llvm::ArrayRef<uint64_t> dims);

class ModelFile {
public:
  virtual ~ModelFile() = default;

  /// What the user named: a file or a folder.
  virtual llvm::StringRef getPath() const { return files.front()->getPath(); }
  /// "GGUF 3", "Hugging Face folder".
  virtual std::string describeKind() const = 0;
  /// Whether the rows of query and key of the architectures whose GGUF
  /// converter reorders them (llama and its kin) are reordered, such that the
  /// dimensions 2i and 2i+1 of a head turn together; else i and i + dims/2 do.
  virtual bool hasInterleavedRope() const = 0;
  size_t getFileCount() const { return files.size(); }
  const InputFile &getFile(uint32_t index) const { return *files[index]; }
  /// Sum over all parts.
  uint64_t getTotalBytes() const;

  /// In the order of the files.
  llvm::ArrayRef<GGUFTensor> tensors() const { return tensorList; }
  const GGUFTensor *findTensor(llvm::StringRef name) const;

  /// All keys, in the order of the first part.
  llvm::ArrayRef<std::string> keys() const { return keyList; }
  const GGUFValue *find(llvm::StringRef key) const;

  /// Typed look-ups. A key that is absent is not an error (none, or null); one
  /// that is present with an unusable type or value is. An integer of any
  /// width counts as an integer as long as its value lies in [minimum,
  /// maximum]; an integer is not accepted for a float, nor the reverse.
  llvm::Expected<std::optional<uint64_t>>
  findUInt(llvm::StringRef key, uint64_t minimum = 0,
           uint64_t maximum = std::numeric_limits<uint32_t>::max()) const;
  llvm::Expected<std::optional<double>> findFloat(llvm::StringRef key) const;
  llvm::Expected<std::optional<bool>> findBool(llvm::StringRef key) const;
  llvm::Expected<std::optional<llvm::StringRef>>
  findString(llvm::StringRef key) const;
  llvm::Expected<const StringTable *> findStrings(llvm::StringRef key) const;
  /// Arrays of any integer type; values in the widened form of GGUFValue.
  llvm::Expected<const std::vector<uint64_t> *>
  findInts(llvm::StringRef key) const;
  /// Arrays of either float type.
  llvm::Expected<const std::vector<double> *>
  findFloats(llvm::StringRef key) const;

  /// The same, with absence an error that names the key.
  llvm::Expected<uint64_t>
  getUInt(llvm::StringRef key, uint64_t minimum = 0,
          uint64_t maximum = std::numeric_limits<uint32_t>::max()) const;
  llvm::Expected<double> getFloat(llvm::StringRef key) const;
  llvm::Expected<llvm::StringRef> getString(llvm::StringRef key) const;

  /// Reads tensor bytes (or any others) of part `fileIndex`.
  llvm::Error readAt(uint32_t fileIndex, uint64_t offset,
                     llvm::MutableArrayRef<uint8_t> buffer) const;

  /// Malformed-errors about a key or a tensor, with file and byte offset.
  llvm::Error keyError(llvm::StringRef key, const llvm::Twine &message) const;
  llvm::Error tensorError(const GGUFTensor &tensor,
                          const llvm::Twine &message) const;
  /// The same for what is well-formed and not supported.
  llvm::Error unsupportedKey(llvm::StringRef key,
                             const llvm::Twine &message) const;
  llvm::Error unsupportedTensor(const GGUFTensor &tensor,
                                const llvm::Twine &message) const;

protected:
  ModelFile() = default;
  llvm::Error checkUniqueNames();

  std::vector<std::unique_ptr<InputFile>> files;
  std::vector<std::string> keyList;
  llvm::StringMap<GGUFValue> values;
  std::vector<GGUFTensor> tensorList;
  llvm::StringMap<size_t> tensorIndex;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_MODELFILE_H
