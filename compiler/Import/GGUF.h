//===- GGUF.h - Reader of GGUF 2 and 3 model files --------------*- C++ -*-===//
//
// A GGUF file is a header of key-value pairs, a table of tensors and the
// tensors' bytes:
//
//   'GGUF' version n_tensors n_kv | kv … | tensor info … | pad | tensor data …
//
// A large model may be cut in parts PREFIX-00001-of-0000N.gguf; the first part
// holds all metadata and each part describes its own tensors.
//
// The reader trusts nothing: files of this kind are downloaded from strangers,
// and every public reader has had memory errors in just this place. Contract
// of an open GGUFFile:
//   - keys and tensor names are unique, non-empty and within the limits below;
//   - each tensor has 1 to 4 dimensions of at least 1, a known storage type,
//     rows of whole blocks, and lies in its file without touching another;
//   - every size was computed in 64 bits with overflow checked;
//   - memory used is of the order of the metadata, not of the file.
// What the metadata *means* is checked by whoever asks for it.
//
// Source: docs/gguf.md of the ggml project.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_GGUF_H
#define NIBBLE_COMPILER_IMPORT_GGUF_H

#include "compiler/Import/BoundedReader.h"
#include "compiler/Import/GGMLTypes.h"

#include "llvm/ADT/StringMap.h"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// Limits that the format leaves open. Each is far above what real models use
/// (in brackets) and low enough that no file can make the compiler allocate
/// more than a few times its own size.
struct GGUFLimits {
  static constexpr uint64_t pairs = 65536;               // [60]
  static constexpr uint64_t tensors = 65536;             // [2000]
  static constexpr uint64_t keyBytes = 65535;            // the specification's
  static constexpr uint64_t nameBytes = 64;              // the specification's
  static constexpr uint64_t stringBytes = 16 << 20;      // [100 KB, a template]
  static constexpr uint64_t arrayElements = 16 << 20;    // [300000, merges]
  static constexpr uint64_t metadataBytes = 512ull << 20; // [20 MB]
  static constexpr uint64_t alignment = 65536;           // [32]
  static constexpr uint32_t dimensions = 4;              // ggml's
  static constexpr uint64_t parts = 512;                 // [30]
};

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

  const GGMLType &getType() const { return *findGGMLType(typeId); }
  uint64_t getElementCount() const;
};

/// "576 x 49152"
std::string describeDims(llvm::ArrayRef<uint64_t> dims);

class GGUFFile {
public:
  /// Opens `path` and, if it is the first of several parts, the others.
  static llvm::Expected<std::unique_ptr<GGUFFile>> open(llvm::StringRef path);

  llvm::StringRef getPath() const { return files.front()->getPath(); }
  uint32_t getVersion() const { return version; }
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

private:
  friend class GGUFParser;
  GGUFFile() = default;

  llvm::Error openParts(uint64_t count);
  llvm::Error checkUniqueNames();

  uint32_t version = 0;
  std::vector<std::unique_ptr<InputFile>> files;
  std::vector<std::string> keyList;
  llvm::StringMap<GGUFValue> values;
  std::vector<GGUFTensor> tensorList;
  llvm::StringMap<size_t> tensorIndex;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_GGUF_H
