//===- Verify.cpp - --verify ---------------------------------------------===//
//
// Compares the checksums of all parts of the program's file. The parts are read, not
// mapped, so that a device's error is an error and no signal. Description and trailer
// have been compared when the artifact was opened.
//
//===----------------------------------------------------------------------===//
#include "runtime/platform/Artifact.h"
#include "runtime/schema/Checksum.h"
#include "runtime/schema/artifact_generated.h"

namespace nibble::rt {

namespace {

/// Reads a part of the file piece by piece.
class Reader {
public:
  explicit Reader(const Artifact &artifact) : artifact(artifact) {}

  Status checksum(uint64_t offset, uint64_t bytes, uint64_t &sum) {
    schema::Checksum64 running;
    for (uint64_t done = 0; done < bytes;) {
      size_t piece = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
      Status status = artifact.read(buffer, piece, offset + done);
      if (status.failed())
        return status;
      running.update(buffer, piece);
      done += piece;
    }
    sum = running.value();
    return Status::success();
  }

private:
  const Artifact &artifact;
  uint8_t buffer[32768];
};

Status differs(const char *what, uint64_t found, uint64_t expected) {
  return Status::failure(Exit::Damaged, "%s damaged: checksum %016llx, expected %016llx", what,
                         static_cast<unsigned long long>(found), static_cast<unsigned long long>(expected));
}

/// The sum over all weights differs: which tensor is it?
Status verifyTensors(Reader &reader, const schema::Artifact &description, uint64_t weightsOffset) {
  for (size_t i = 0; description.tensors() && i < description.tensors()->size(); ++i) {
    const schema::Tensor &tensor = *description.tensors()->Get(i);
    uint64_t sum = 0;
    Status status = reader.checksum(weightsOffset + tensor.offset(), tensor.bytes(), sum);
    if (status.failed())
      return status;
    char what[200];
    snprintf(what, sizeof(what), "the weights are damaged: tensor %s is", tensor.name()->c_str());
    if (sum != tensor.checksum())
      return differs(what, sum, tensor.checksum());
  }
  return Status::success();
}

} // namespace

Status Artifact::verify() const {
  Reader reader(*this);
  for (size_t i = 0; root->sections() && i < root->sections()->size(); ++i) {
    const schema::Section &part = *root->sections()->Get(i);
    uint64_t sum = 0;
    Status status = reader.checksum(part.offset(), part.size(), sum);
    if (status.failed())
      return status;
    char what[100];
    snprintf(what, sizeof(what), "the section '%s' is", part.name()->c_str());
    if (sum != part.checksum())
      return differs(what, sum, part.checksum());
  }
  uint64_t sum = 0;
  Status status = reader.checksum(weightsOffset, weightCount, sum);
  if (status.failed() || sum == root->weights()->checksum())
    return status;
  status = verifyTensors(reader, *root, weightsOffset);
  return status.failed() ? status : differs("the weights are", sum, root->weights()->checksum());
}

} // namespace nibble::rt
