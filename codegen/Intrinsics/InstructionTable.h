//===- InstructionTable.h - the instructions that multiply -----*- C++ -*-===//
//
// The table of InstructionTable.def and the questions that phases ask it. The
// compiler picks a row by name and never learns what the instruction is; the
// kernels of codegen/Lower emit it through codegen/Targets.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_INTRINSICS_INSTRUCTIONTABLE_H
#define NIBBLE_CODEGEN_INTRINSICS_INSTRUCTIONTABLE_H

#include "dialects/LowBit/FloatKind.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace nibble {

enum class RowKind : uint8_t {
  Dot,    ///< 8-bit activations, sums of `depth` products in i32
  Float,  ///< f32 activations, codes decoded to f32
  Lookup, ///< 8-bit activations, sums of four of them looked up by the bits of codes
};

enum class Isa : uint8_t { Generic, X86, AArch64 };

/// See InstructionTable.def for the meaning of each field.
struct InstructionRow {
  llvm::StringLiteral name;
  RowKind kind;
  Isa isa;
  int64_t strip;
  int64_t depth;
  int64_t lanes;
  int64_t vectors;
  int64_t tile;
  int64_t tileVectors;
  unsigned unsignedBits;
  bool signedBytes;
  llvm::StringLiteral features;
  /// Float rows: the 16-bit type of both operands; none for f32.
  std::optional<FloatKind> narrow = std::nullopt;
  /// Look-up rows: sums are rounded averages (dialects/MPGEMM/AveragedSums.h).
  bool averages = false;

  /// Rows of a weight panel.
  int64_t nr() const { return lanes * vectors; }
  /// Consecutive columns of a row that lie together in a panel.
  int64_t kr() const { return narrow ? 1 : depth; }
  /// The length of vectors that its kernels are compiled for, where the instruction leaves it open; else 0.
  int64_t scalableBits() const;
  /// Whether sums are integers: activations are quantized.
  bool isInteger() const { return kind != RowKind::Float; }
  /// `bias` of the layout of a weight with such codes: 128 turns bytes of one signedness
  /// into bytes of the other, where the instruction wants the other.
  unsigned storageBias(unsigned codeBits, bool codeSigned) const;
};

/// All rows, in the order of the file.
llvm::ArrayRef<InstructionRow> instructionTable();

/// Null if there is none of that name.
const InstructionRow *findRow(llvm::StringRef name);

/// The rows that a machine can execute, best first; ends with the generic rows.
/// `hasFeature` answers for LLVM's feature names.
llvm::SmallVector<const InstructionRow *> rowsFor(llvm::StringRef triple,
                                                  llvm::function_ref<bool(llvm::StringRef)> hasFeature);

/// The best of rowsFor() of a kind; never null.
const InstructionRow *bestRow(llvm::StringRef triple, llvm::function_ref<bool(llvm::StringRef)> hasFeature,
                              RowKind kind);

/// The feature "SVE's vectors have `bits` bits".
std::string vectorLengthFeature(int64_t bits);

/// The features that a row needs, one by one.
llvm::SmallVector<llvm::StringRef> featuresOf(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_INTRINSICS_INSTRUCTIONTABLE_H
