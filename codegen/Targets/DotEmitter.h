//===- DotEmitter.h - how a row's instruction is emitted -------*- C++ -*-===//
//
// The part of a dot-product kernel that differs between instructions. A kernel
// (codegen/Lower) unpacks codes into vectors of lanes × kr bytes and feeds them,
// with activations, to the emitter of its row; everything else about the kernel
// is the same for all rows. One file per instruction in codegen/Targets/<ISA>.
//
// An instruction that multiplies one row of activations keeps its sums in the order
// of the weight rows. One that multiplies a pair of them (a 2 × 2 tile) keeps the
// sums of both in one vector, in the order that its register has:
//
//      strip of one row     lane r            row r
//      strip of two rows    lane 4s + 2t + r  weight row 2s + r, activation row t
//
// Scales and sums of a pair of activation rows are stored in that order (dialects/MPGEMM/ActivationLayout.h).
//
// Contract: start() for one run of columns, multiply() once for each of its quads,
// finish(): the exact Σ (byte - offset)·activation of each lane in i32. Activations
// lie in [-127, 127] (mpgemm.quantize), which several emitters rely on; a run has
// at most 32 columns.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H
#define NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// The largest magnitude of an activation code.
inline constexpr int64_t kMaxActivation = 127;

/// What is known of the bytes of a weight vector.
struct WeightCodes {
  unsigned bits = 8;     ///< 1 … 8
  bool isSigned = false; ///< two's complement of `bits` bits, extended to the byte
  int64_t offset = 0;    ///< the number is byte - offset
  int64_t largest = 0;   ///< byte; 0: all that the bits hold
};

/// What stands for the sums of activations that a run of columns is multiplied with.
enum class SumForm {
  Codes,   ///< the sums
  Offsets, ///< times minus the offset of the weights' codes
  Pairs,   ///< the sums of two runs in one number (LevelPlace::pairs)
};

/// Which minima meet two sums of activations that share a register (DotEmitter::addPaired).
enum class MinimaPairs {
  None,
  Groups, ///< those of a record's two groups of 16 columns, each its own sum of a strip
  Strips, ///< each those of two strips
};

/// One run of columns of a weight vector.
struct DotRun {
  int64_t lanes = 0; ///< weight rows of a vector
  int64_t strip = 1; ///< activation rows whose sums share a vector
  int64_t quads = 0; ///< steps of kr columns
  int64_t stepBytes = 0; ///< from one step's activations of a strip to the next one's
  WeightCodes codes;
  mlir::Value scale; ///< what integerScale() made of the sums' integer scale; null without
  bool hasStarts = false; ///< `codeSums` of start() and finish() are what starts() made of the activations
  int64_t sums() const { return lanes * strip; }
};

class DotEmitter {
public:
  virtual ~DotEmitter() = default;

  /// The operands of `quads` quads of a strip, whose codes start at `codes`; those of a pair are interleaved.
  virtual KernelBuilder::Values loadActivations(KernelBuilder &k, const DotRun &run, mlir::Value codes,
                                                int64_t quads) const;
  /// A vector's weights, `count` quads of so many bytes that lie one behind the other.
  virtual KernelBuilder::Values loadWeights(KernelBuilder &k, const DotRun &run, mlir::Value codes, int64_t bytes,
                                            int64_t count) const;
  /// A pair's values for two weight rows (four lanes) for all of a vector's rows.
  virtual mlir::Value repeat(KernelBuilder &k, const DotRun &run, mlir::Value four) const;
  /// A vector's values, one a row, each for both activation rows of a pair.
  static mlir::Value spread(KernelBuilder &k, mlir::Value rows);
  /// The same of values (f32) in memory.
  virtual mlir::Value loadSpread(KernelBuilder &k, const DotRun &run, mlir::Value pointer) const;
  /// Two of what addPaired() takes with one register of sums of activations, of groups with so many columns (16, 32).
  virtual MinimaPairs pairsMinima(int64_t group) const { return MinimaPairs::None; }
  /// Two groups' minima (f32), one a weight row, or a group's twice, as two vectors of as many numbers in memory.
  virtual KernelBuilder::Values packMinima(KernelBuilder &k, mlir::Value first, mlir::Value second) const;
  /// One of these vectors as addPaired() takes it.
  virtual mlir::Value loadPacked(KernelBuilder &k, const DotRun &run, mlir::Value pointer) const;
  /// `sum` (f32) and the minima of the first group (0) or the second (1) of `packed`, times their sum of activations:
  /// `sums` are four, of a pair of activation rows the first row's of both, and the second row's of both.
  virtual mlir::Value addPaired(KernelBuilder &k, mlir::Value sum, mlir::ValueRange packed, mlir::Value sums,
                                int group) const;
  /// `count` times four numbers (f32) that lie one behind the other.
  virtual KernelBuilder::Values loadFours(KernelBuilder &k, mlir::Value pointer, int64_t count) const;
  /// Bytes with a nibble of `packed` in their low half and the bits of `above` over it. The nibble is the upper one,
  /// and `above` is in place (from bit 4 on), or it is the lower one, and `above` starts at bit 0.
  virtual mlir::Value joinNibble(KernelBuilder &k, mlir::Value above, mlir::Value packed, bool upper) const;
  /// `bits` (bytes) moved left by so many bits, or right if that is below 0. What comes from a neighbouring byte the
  /// caller masks away.
  virtual mlir::Value moveBits(KernelBuilder &k, mlir::Value bits, int64_t left) const {
    return left > 0 ? k.shl(bits, left) : k.shru(bits, -left);
  }
  /// Whether joinSign() makes a signed byte of a nibble and a bit with fewer instructions than joinNibble().
  virtual bool joinsSigns() const { return false; }
  /// nibble + 16 · bit - 16, of a nibble of `packed` and bit number `bit` of `bits`.
  virtual mlir::Value joinSign(KernelBuilder &k, mlir::Value bits, unsigned bit, mlir::Value packed, bool upper) const;
  /// An integer scale of sums (i32, in the order of the strip) in the form that the other functions take it.
  virtual mlir::Value integerScale(KernelBuilder &k, const DotRun &run, mlir::Value scale) const { return scale; }
  /// The same of both halves' scales, for a run whose activations lie with joined halves and whose sum is finished at
  /// once; of rows with NIBBLE_JOINS_HALVES.
  virtual mlir::Value joinedScales(KernelBuilder &k, const DotRun &run, mlir::Value first, mlir::Value second) const {
    llvm_unreachable("the row joins no halves");
  }
  /// The type of that, four bytes for each sum.
  virtual mlir::Type scaleType(KernelBuilder &k, const DotRun &run) const { return k.vec(k.i32(), run.sums()); }
  /// Whether addOffsets() takes the offsets of two runs with integer scales away at once, for less than finish() of
  /// both.
  virtual bool pairsOffsets() const { return false; }
  /// Both runs' integer scales (i32) times minus the offset, of scaleType().
  virtual mlir::Value pairedOffsets(KernelBuilder &k, const DotRun &run, mlir::Value first, mlir::Value second) const;
  /// A sum in i32 and what pairedOffsets() and the sums of both runs' activations come to; these are 16 bits each of
  /// `pair`.
  virtual mlir::Value addOffsets(KernelBuilder &k, mlir::Value sum, mlir::Value offsets, mlir::Value pair) const;
  /// The parts of such a run, or all of it, whose sums had better start with what an offset takes away, in the sum's
  /// own form, so that finish() has nothing to do for it: with that offset, the run's or, where it has none, another
  /// one. No quads: there are none.
  virtual DotRun partOf(const DotRun &run) const { return {}; }
  /// What they start with, a number (i32) for each of the parts whose activations (i8) stand in `codes` one behind the
  /// other.
  virtual mlir::Value starts(KernelBuilder &k, const DotRun &run, mlir::Value codes) const;
  /// A sum of no products yet. `codeSums` are the sums of the run's activations (i32, in the order of the strip), null
  /// where codes.offset is 0. The sum's type is the emitter's business.
  virtual mlir::Value start(KernelBuilder &k, const DotRun &run, mlir::Value codeSums) const;
  /// Adds the products of weights and activations, quad by quad, to a sum.
  virtual mlir::Value multiply(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::ValueRange weights,
                               mlir::ValueRange activations) const = 0;
  /// The sum in i32, times the run's scale if it has one. `codeSums` as in start().
  virtual mlir::Value finish(KernelBuilder &k, const DotRun &run, mlir::Value sum, mlir::Value codeSums) const;
  /// A sum as f32, times 2^-shift.
  virtual mlir::Value toFloat(KernelBuilder &k, mlir::Value sum, unsigned shift) const;
  /// Integers (i32) from 0 to 15, each times its lane of `factor` (f32), which are all the same.
  virtual mlir::Value timesSmall(KernelBuilder &k, mlir::Value integers, mlir::Value factor) const;
  /// Whether toFloat() scales for free, so that weights may be bytes of 2^shift times their numbers.
  virtual bool scalesSums() const { return false; }
  /// `pointer`, known only once `done` (32-bit lanes) are: what is read through it is not loaded earlier.
  /// Schedulers start all of a tile's sums before they finish one, which is more than the registers hold.
  virtual mlir::Value after(KernelBuilder &k, mlir::Value pointer, mlir::Value done) const { return pointer; }
  /// The same after integer or float sums, each a whole register: they are made in the order in which the kernel asks
  /// for them, and none is taken apart.
  virtual mlir::Value afterSums(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done) const { return pointer; }
  /// `bytes` (i64), of which LLVM knows nothing, where a load moves its pointer on by a register for free.
  virtual mlir::Value step(KernelBuilder &k, mlir::Value bytes) const { return bytes; }
  /// `vector`, of whose bits LLVM knows nothing.
  virtual mlir::Value hidden(KernelBuilder &k, mlir::Value vector) const { return vector; }
  /// Says that nothing is kept in a vector register here. In front of a loop that needs all of them, so that constants
  /// of loops around it wait in memory, or are made again, and not the sums of the loop.
  virtual void freeRegisters(KernelBuilder &k) const {}
  /// Whether what a span's integer sums meet is to be loaded once these are there.
  virtual bool ordersScales() const { return false; }
  /// Whether a row alone takes the weight vectors of a unit one after the other, each to its end, where fewer codes
  /// wait for their products then.
  virtual bool takesVectorsApart(const DotRun &run) const { return false; }
  /// Whether each of them reads the row's activations again, since that costs no more than reading a register back from
  /// the stack: then vectors are taken apart where codes lie in several planes.
  virtual bool readsAgain() const { return false; }
  /// Vector registers, by which a tile decides what waits in memory (sumsWait() in codegen/Lower/MmaKernel.h); 0: they
  /// hold what tiles need.
  virtual int64_t registers() const { return 0; }
  /// Of a run's sums, before finish().
  virtual int64_t registersOfSum() const { return 1; }
  /// How many quads at a time multiply() takes at the least cost; with more than that it does as well as with that.
  virtual int64_t quadsTogether(const DotRun &run) const { return 1; }
  /// Up to how many bits an unsigned code may have, zeros below it included, at no further cost: codes of one or two
  /// bits are multiplied in the bit field of the byte where they lie (codegen/Lower/CodeFields.h).
  virtual unsigned widestInPlace(const DotRun &run) const { return 7; }
  /// Up to how many activation rows are multiplied with codes in their bit fields: the sums of each are shifted.
  virtual int64_t rowsInPlace() const { return 1; }
  /// Runs of a row of activations whose operands the registers hold while vector after vector of weights passes by.
  virtual int64_t runsTogether(const DotRun &run) const { return 1; }
  /// Whether the sum of a run with an integer scale may go on with the products of a run with another one.
  virtual bool goesOn(const DotRun &run) const { return false; }
  /// Whether a sum, multiplied by one run's integer scale, may go on with the products of the next run as it is: what
  /// it is multiplied by then is the difference of both scales (LevelPlace.h).
  virtual bool sumsGoOn() const { return false; }
  /// Whether multiplications take one lane of a register for all of theirs, so that the numbers of several rows are
  /// best loaded at once.
  virtual bool takesLanes() const { return false; }
  /// Whether each quad of activations takes a register of its own, so that a tile loads them as it multiplies them.
  virtual bool loadsEachQuad() const { return false; }
  /// Runs of up to so many quads of unpacked bytes are straight code.
  virtual int64_t straightQuads() const { return 4; }
  /// Whether a tile should walk the quads of a run in a loop. LLVM reassociates integer additions in straight code,
  /// which undoes the order that keeps the tile in registers; an accumulating instruction is not taken apart.
  virtual bool walksInLoop() const { return false; }
  /// Whether a product with many rows unpacks weights once for several tiles (codegen/Lower/MmaAhead.h).
  virtual bool unpacksAhead() const { return false; }
  /// With how many rows that begins, in tiles of `tile` rows, where unpacking takes more than a few instructions.
  /// `isCrowded`: and many registers.
  virtual int64_t rowsAhead(int64_t tile, bool isCrowded) const { return 2 * tile + 1; }
  /// `pointer`, to be read through behind the prefetches so far: an empty piece of assembly that stays where it is.
  static mlir::Value afterFetches(KernelBuilder &k, mlir::Value pointer);
  /// `place` of the stack, of whose distance from the frame LLVM knows nothing: it would be part of each offset.
  static mlir::Value apartFromFrame(KernelBuilder &k, mlir::Value place);

protected:
  /// The bits that codes of a run may have, up to 7, without fewer of its quads being added at once; `fitting` says of
  /// how many quads the products' sum fits.
  static unsigned widestOf(const DotRun &run, llvm::function_ref<int64_t(WeightCodes)> fitting);
  /// An empty piece of assembly, no instruction: what it takes and gives stands in the registers that `constraints` ask
  /// for, and of its result LLVM knows nothing. Without a type of a result it has none (null), and stays where it is.
  static mlir::Value emptyAssembly(KernelBuilder &k, mlir::Type result, mlir::ValueRange operands,
                                   llvm::StringRef constraints) {
    return emptyAssembly(k, result, operands, constraints, /*stays=*/!result);
  }
  /// `pointer`, of an empty piece of assembly that takes the registers `done` as operands of that constraint: only an
  /// order.
  static mlir::Value orderAfter(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done,
                                llvm::StringRef constraint);
  /// The same after sums of whole registers, by the first 128 bits of each: taking these is no instruction.
  static mlir::Value orderAfterLower(KernelBuilder &k, mlir::Value pointer, mlir::ValueRange done,
                                     llvm::StringRef constraint);

private:
  static mlir::Value emptyAssembly(KernelBuilder &k, mlir::Type result, mlir::ValueRange operands,
                                   llvm::StringRef constraints, bool stays);
};

/// The emitter of a row of kind Dot.
const DotEmitter &dotEmitter(const InstructionRow &row);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_DOTEMITTER_H
