//===- BoundedReader.h - Checked little-endian reads of a file --*- C++ -*-===//
//
// The one way in which bytes of a model file reach the compiler. A 20 GB file
// must not become resident to learn what it holds, so nothing is mapped: the
// header is parsed through a 64 KiB window filled by pread, and tensor data is
// fetched on demand by `readAt`.
//
// Contract: the size of the file is taken once, when it is opened. No read, and
// no allocation made on behalf of a read, goes past that size; a length that
// came out of the file is compared with the bytes that remain before it is
// used. Failures are ImportErrors that name the file and the byte offset.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_BOUNDEDREADER_H
#define NIBBLE_COMPILER_IMPORT_BOUNDEDREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nibble {

/// An open regular file of known size. Reads are positioned (pread), so they
/// may come from several threads at once.
class InputFile {
public:
  static llvm::Expected<std::unique_ptr<InputFile>> open(llvm::StringRef path);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  llvm::StringRef getPath() const { return path; }
  uint64_t getSize() const { return size; }

  /// Fills all of `buffer` from `offset` on.
  llvm::Error readAt(uint64_t offset,
                     llvm::MutableArrayRef<uint8_t> buffer) const;

  /// "path: at byte N: message", the form of every message about a place.
  std::string at(uint64_t offset, const llvm::Twine &message) const;

private:
  InputFile(std::string path, int fd, uint64_t size)
      : path(std::move(path)), fd(fd), size(size) {}

  std::string path;
  int fd;
  uint64_t size;
};

/// A forward-only view of an InputFile.
class BoundedReader {
public:
  explicit BoundedReader(const InputFile &file) : file(file) {}

  const InputFile &getFile() const { return file; }
  uint64_t getPosition() const { return position; }
  uint64_t getRemaining() const { return file.getSize() - position; }

  /// Reads one little-endian number of type T. `what` names it in the error.
  template <typename T>
  llvm::Error read(T &value, const llvm::Twine &what) {
    static_assert(std::is_arithmetic_v<T>);
    static_assert(std::endian::native == std::endian::little,
                  "Nibble's compiler runs on little-endian hosts");
    return readBytes(&value, sizeof(T), what);
  }

  /// Reads exactly `count` bytes into memory the caller owns.
  llvm::Error readBytes(void *out, uint64_t count, const llvm::Twine &what);

  /// Fails, before anything is allocated, if fewer than `count` records of at
  /// least `minimumBytes` each can remain in the file.
  llvm::Error require(uint64_t count, uint64_t minimumBytes,
                      const llvm::Twine &what) const;

  llvm::Error malformedAt(uint64_t offset, const llvm::Twine &message) const;
  llvm::Error unsupportedAt(uint64_t offset, const llvm::Twine &message) const;

private:
  /// Large enough that the system call disappears in the cost of parsing
  /// (a vocabulary of 128 k strings is some 60 refills).
  static constexpr uint64_t windowBytes = 65536;

  const InputFile &file;
  std::vector<uint8_t> window;
  uint64_t windowStart = 0;
  uint64_t position = 0;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_BOUNDEDREADER_H
