//===- PanelReader.h - reading a packed weight in a kernel -----*- C++ -*-===//
//
// The unpack step of every kernel that reads weights. It turns the offsets of
// PanelLayout (dialects/MPGEMM/PanelLayout.h, which draws them) into loads,
// shifts and masks on vectors of `lanes` rows, so that a kernel never sees a
// format: formats are data, and this is where the data becomes code.
//
// Contract: pointers passed in point to a record or a unit of the panel; vector
// v means rows [v·lanes, (v+1)·lanes) of it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_PANELREADER_H
#define NIBBLE_CODEGEN_LOWER_PANELREADER_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include <optional>

namespace nibble {

class DotEmitter;

/// The integer that a code stands for, as the kernel holds it: byte - offset,
/// where the byte is signed or not.
struct CodeRange {
  unsigned bits = 8;
  bool isSigned = false; ///< two's complement of `bits` bits, extended to the byte
  int64_t offset = 0;    ///< zero point, and what made the number unsigned
  int64_t largest = 0;   ///< byte of a codebook; 0: all that the bits hold
};

/// How integers from `low` to `high` are held to be multiplied by `row` (null: by floats). They may be moved: small
/// unsigned ones suit any multiplication.
CodeRange rangeOfNumbers(int64_t low, int64_t high, const InstructionRow *row);

/// How the integers of a codebook, the type's own or a stored one, are held to be multiplied by `row`.
CodeRange rangeOfBook(const lowbit::CodeKind &code, const InstructionRow *row);

/// Where the parts of a unit of columns lie.
struct PanelUnit {
  mlir::Value codes;
  mlir::Value subScales, subMinima; ///< of its first group, row 0; null with one level
};

/// Memory of the stack for tables of a panel's stored codebook, where the row's machines look numbers up in these; null
/// if it wants none. The builder must stand in the kernel's entry block.
mlir::Value placeOfTables(KernelBuilder &k, mpgemm::LayoutAttr layout, const InstructionRow &row);

class PanelReader {
public:
  /// `row` is what the numbers are to be multiplied with, null for none. `emitter` knows how to join the parts of a
  /// code with few instructions; without one they are masked and or-ed.
  PanelReader(KernelBuilder &k, mpgemm::LayoutAttr layout, int64_t lanes, const InstructionRow *row,
              const DotEmitter *emitter = nullptr);

  const mpgemm::PanelLayout &layout() const { return panel; }
  CodeRange range() const { return codeRange; }
  /// By how many bits the bytes of range() are codes moved up: 0 where they are the codes; 1 of a codebook of -1 and 1,
  /// which is 2 · code - 1. None if they are something else.
  std::optional<unsigned> step() const;
  /// Numbers that are looked up are found less their offset, as signed bytes.
  void findNumbers();
  /// The bytes of the panel are numbers of that range, and not what its type says.
  void assume(CodeRange range) { codeRange = range; }

  /// Memory of placeOfTables(), in which openPanel() puts tables of a stored codebook.
  void lookUpIn(mlir::Value tables) { tableMemory = tables; }
  /// Reads a stored codebook, which stands at the start of a panel. Must be called before quad() and numbers() where
  /// the format has one; does nothing else where not.
  void openPanel(mlir::Value panelPointer);
  /// As if this one had opened the panel that the other one has open.
  void shareBook(const PanelReader &other) { storedBook = other.storedBook, tables = other.tables; }
  /// Bytes of quad `quad` of a unit: lanes × kr integers of range(). Not for codebooks of other numbers.
  mlir::Value quad(mlir::Value unit, int64_t quad, int64_t v);
  /// The same of several quads, which may share their lookups.
  KernelBuilder::Values quads(mlir::Value unit, llvm::ArrayRef<int64_t> numbers, int64_t v);
  /// How many quads do.
  int64_t quadsTogether() const;
  /// Whether numbers are looked up in bytes that the type knows.
  bool looksUp() const { return !table.empty() && !step(); }
  /// Whether codes are nibbles of a byte less 8, which signedNibbles() can give.
  bool hasSignedNibbles() const;
  /// The numbers of a quad as signed bytes, 16 times what they are: the nibbles stay in the upper halves of the bytes,
  /// where flipping their first bit takes 8 away.
  mlir::Value signedNibbles(mlir::Value unit, int64_t quad, int64_t v);
  /// The codes of a quad in the bit field of the byte where they lie, all other bits 0 (CodeFields.h).
  mlir::Value codesInPlace(mlir::Value unit, int64_t quad, int64_t v);
  /// The numbers of a quad as f32: what the codes stand for, less the zero point, times 2^unit of a codebook.
  mlir::Value numbers(mlir::Value unit, int64_t quad, int64_t v);
  /// The same of the first `vectors` vectors of rows, which may share their lookups.
  llvm::SmallVector<mlir::Value> numbersOfRows(mlir::Value unit, int64_t quad, int64_t vectors);
  /// A unit of a record.
  PanelUnit unitAt(mlir::Value record, mlir::Value index) const;
  /// The scale of a group of a unit: d, or d · sub where `subScales` (PanelUnit) are there to be met. f32 × lanes.
  mlir::Value groupScale(mlir::Value record, mlir::Value subScales, int64_t group, int64_t v);
  /// The minimum of a group: m, or dmin · subMin.
  mlir::Value groupMinimum(mlir::Value record, mlir::Value subMinima, int64_t group, int64_t v);
  /// The values of numbers, in the arithmetic of lowbit.decode; no minimum: null.
  mlir::Value decode(mlir::Value numbers, mlir::Value scale, mlir::Value minimum) const;
  /// Float scale s of a record times 2^-unit of a codebook, f32 × lanes.
  mlir::Value scale(mlir::Value record, int64_t s, int64_t v);
  /// Float minimum s of a record (dmin with two levels).
  mlir::Value minimum(mlir::Value record, int64_t s, int64_t v);
  /// Integer sub-scale, i32 × lanes; `base` = record + subScaleOffset of a unit's first group.
  mlir::Value subScale(mlir::Value base, int64_t group, int64_t v);
  /// The same as bytes, one for each column of a quad.
  mlir::Value subScaleBytes(mlir::Value base, int64_t group, int64_t v);
  /// As subScale() for the sub-minima (unsigned or signed as the format says).
  mlir::Value subMinimum(mlir::Value base, int64_t group, int64_t v);
  /// Column `column` of a float weight, f32 × lanes; `columns` = panel + elementOffset of column 0.
  mlir::Value element(mlir::Value columns, int64_t column, int64_t v);
  /// Column `column` of a 16-bit float weight as it is, lanes of its type.
  mlir::Value narrow(mlir::Value columns, int64_t column, int64_t v);

private:
  /// Each of a row's kr neighbours gets its element.
  mlir::Value ofQuads(mlir::Value rows) const;
  void chooseRange(const InstructionRow *row);
  mlir::Value field(mlir::Value unit, mpgemm::BitPlane plane, int64_t quad, int64_t v, int64_t toBit,
                    bool moves = false);
  /// The codes of a quad as they are stored; two's complement as offset binary.
  mlir::Value codes(mlir::Value unit, int64_t quad, int64_t v);
  /// Whether codes are nibbles under one bit that the emitter makes signed bytes of.
  bool joinsSigns() const;
  bool widensHalves(const lowbit::Codebook &book) const;
  mlir::Value lookUpFloats(mlir::Value codes, llvm::ArrayRef<float> levels);
  KernelBuilder::Values bookEntries(int64_t v);
  mlir::Value storedNumbers(mlir::Value codes, int64_t v);
  mlir::Value floats(mlir::Value pointer, FloatKind kind, unsigned unit = 0);
  mlir::Value integers(mlir::Value pointer, bool isSigned);

  KernelBuilder &k;
  mpgemm::PanelLayout panel;
  lowbit::BlockType block; ///< null for float weights
  int64_t lanes;
  const InstructionRow *row;
  const DotEmitter *emitter;
  CodeRange codeRange;
  llvm::SmallVector<int8_t> table; ///< bytes of range(), by code, of a codebook that the type knows
  mlir::Value storedBook;          ///< pointer to a stored codebook
  mlir::Value tableMemory, tables; ///< of a stored codebook; null without
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_PANELREADER_H
