//===- BoundedReader.cpp - Checked little-endian reads of a file ----------===//
//
// See the header for the contract: no read past the size taken at opening, no
// allocation from a length that was not compared with it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/BoundedReader.h"

#include "compiler/Import/ImportError.h"

#include "llvm/Support/Errno.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace nibble;

llvm::Expected<std::unique_ptr<InputFile>>
InputFile::open(llvm::StringRef pathRef) {
  std::string path = pathRef.str();
  // O_NONBLOCK: opening a FIFO must not wait for a writer before the check
  // below can refuse it. It has no effect on a regular file.
  int fd = llvm::sys::RetryAfterSignal(-1, ::open, path.c_str(),
                                       O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return unreadable(path + ": cannot open the file: " +
                      llvm::sys::StrError(errno));
  struct stat status;
  if (::fstat(fd, &status) != 0) {
    int code = errno;
    ::close(fd);
    return unreadable(path + ": cannot take the file's size: " +
                      llvm::sys::StrError(code));
  }
  if (!S_ISREG(status.st_mode) || status.st_size < 0) {
    ::close(fd);
    return unreadable(path + ": expected a regular file, found " +
                      (S_ISDIR(status.st_mode) ? "a directory"
                                               : "a device, pipe or socket"));
  }
  return std::unique_ptr<InputFile>(new InputFile(
      std::move(path), fd, static_cast<uint64_t>(status.st_size)));
}

InputFile::~InputFile() { ::close(fd); }

std::string InputFile::at(uint64_t offset, const llvm::Twine &message) const {
  return (path + ": at byte " + llvm::Twine(offset) + ": " + message).str();
}

llvm::Error InputFile::readAt(uint64_t offset,
                              llvm::MutableArrayRef<uint8_t> buffer) const {
  if (offset > size || buffer.size() > size - offset)
    return malformed(at(offset, "expected " + llvm::Twine(buffer.size()) +
                                    " bytes, found the end of the file at " +
                                    llvm::Twine(size)));
  while (!buffer.empty()) {
    ssize_t count = llvm::sys::RetryAfterSignal(
        -1, ::pread, fd, buffer.data(), buffer.size(),
        static_cast<off_t>(offset));
    if (count < 0)
      return unreadable(
          at(offset, "cannot read: " + llvm::sys::StrError(errno)));
    if (count == 0)
      return unreadable(at(offset, "the file became shorter while it was read; "
                                   "it had " +
                                       llvm::Twine(size) + " bytes"));
    buffer = buffer.drop_front(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return llvm::Error::success();
}

llvm::Error BoundedReader::readBytes(void *out, uint64_t count,
                                     const llvm::Twine &what) {
  if (count > getRemaining())
    return malformedAt(position, what + ": expected " + llvm::Twine(count) +
                                     " bytes, found the end of the file after " +
                                     llvm::Twine(getRemaining()));
  auto *destination = static_cast<uint8_t *>(out);
  while (count > 0) {
    uint64_t inWindow = position - windowStart;
    if (inWindow >= window.size()) {
      window.resize(std::min(windowBytes, getRemaining()));
      windowStart = position;
      inWindow = 0;
      if (llvm::Error error = file.readAt(position, window))
        return error;
    }
    uint64_t piece = std::min<uint64_t>(count, window.size() - inWindow);
    std::memcpy(destination, window.data() + inWindow, piece);
    destination += piece;
    position += piece;
    count -= piece;
  }
  return llvm::Error::success();
}

llvm::Error BoundedReader::require(uint64_t count, uint64_t minimumBytes,
                                   const llvm::Twine &what) const {
  if (count <= getRemaining() / minimumBytes)
    return llvm::Error::success();
  return malformedAt(position, what + ": found a count of " +
                                   llvm::Twine(count) +
                                   ", expected at most " +
                                   llvm::Twine(getRemaining() / minimumBytes) +
                                   " in the " + llvm::Twine(getRemaining()) +
                                   " bytes that remain");
}

llvm::Error BoundedReader::malformedAt(uint64_t offset,
                                       const llvm::Twine &message) const {
  return malformed(file.at(offset, message));
}

llvm::Error BoundedReader::unsupportedAt(uint64_t offset,
                                         const llvm::Twine &message) const {
  return unsupported(file.at(offset, message));
}
