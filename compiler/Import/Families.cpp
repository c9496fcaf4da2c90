//===- Families.cpp - The model families that can be imported -------------===//
//
// Finds the page of a file's architecture.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Families.h"

#include "compiler/Import/FamilyReader.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/StringExtras.h"

using namespace nibble;
using llvm::StringRef;

namespace {

struct Family {
  StringRef architecture;
  void (*read)(FamilyReader &read);
};

constexpr Family families[] = {
#define NIBBLE_FAMILY(ARCHITECTURE, READ) {ARCHITECTURE, READ},
#include "compiler/Import/Families.def"
#undef NIBBLE_FAMILY
};

} // namespace

llvm::ArrayRef<StringRef> nibble::supportedArchitectures() {
  static const StringRef names[] = {
#define NIBBLE_FAMILY(ARCHITECTURE, READ) ARCHITECTURE,
#include "compiler/Import/Families.def"
#undef NIBBLE_FAMILY
  };
  return names;
}

llvm::Expected<Decoder> nibble::readModel(const ModelFile &file) {
  auto architecture = file.getString("general.architecture");
  if (!architecture)
    return architecture.takeError();
  const Family *family =
      llvm::find_if(families, [&](const Family &candidate) { return candidate.architecture == *architecture; });
  if (family == std::end(families))
    return file.unsupportedKey("general.architecture",
                               "unsupported architecture: expected one of " +
                                   llvm::join(supportedArchitectures(), ", ") + "; found " + quote(*architecture));
  FamilyReader reader(file, *architecture);
  family->read(reader);
  return reader.finish();
}
