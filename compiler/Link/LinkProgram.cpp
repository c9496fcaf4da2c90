//===- LinkProgram.cpp - object + runtime → static ELF --------------------===//
//
// The linker is a program, not a library: lld as a library resets the command-line options of its host process.
//
//===----------------------------------------------------------------------===//
#include "compiler/Link/LinkProgram.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <optional>
#include <vector>

using namespace llvm;

namespace nibble {

std::string runtimeDirectory(StringRef executable, StringRef triple) {
  SmallString<256> path = sys::path::parent_path(sys::path::parent_path(executable));
  sys::path::append(path, "lib", "nibble", triple);
  return std::string(path);
}

Error linkProgram(StringRef object, StringRef directory, StringRef out) {
  std::string linker = NIBBLE_LLD;
  if (!sys::fs::exists(linker)) {
    ErrorOr<std::string> found = sys::findProgramByName("ld.lld");
    if (!found)
      return createStringError(std::errc::no_such_file_or_directory,
                               "the linker ld.lld was not found (neither %s nor on the PATH)", linker.c_str());
    linker = *found;
  }
  auto file = [&](StringRef name) {
    SmallString<256> path = directory;
    sys::path::append(path, name);
    return std::string(path);
  };
  if (!sys::fs::exists(file("libnibble_rt.a")))
    return createStringError(std::errc::no_such_file_or_directory, "no runtime in %s", directory.str().c_str());
  std::vector<std::string> arguments = {
      linker, "-static", "--gc-sections", "-s", "--build-id=none", "-z", "noexecstack", "-z", "max-page-size=65536",
      "-o", out.str(), file("crt1.o"), file("crti.o"), file("crtbeginT.o"), object.str(), file("libnibble_rt.a"),
      "--start-group", file("libgcc.a"), file("libgcc_eh.a"), file("libc.a"), "--end-group", file("crtend.o"),
      file("crtn.o")};
  std::vector<StringRef> views(arguments.begin(), arguments.end());

  SmallString<128> log;
  if (std::error_code code = sys::fs::createTemporaryFile("nibble-link", "txt", log))
    return createStringError(code, "cannot create a temporary file");
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log), StringRef(log)};
  std::string message;
  int status = sys::ExecuteAndWait(linker, views, std::nullopt, redirects, 0, 0, &message);
  std::string said;
  if (auto buffer = MemoryBuffer::getFile(log))
    said = (*buffer)->getBuffer().str();
  sys::fs::remove(log);
  if (status != 0)
    return createStringError(std::errc::io_error, "the linker failed: %s%s", message.c_str(), said.c_str());
  return Error::success();
}

} // namespace nibble
