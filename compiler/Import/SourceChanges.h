//===- SourceChanges.h - Values that a source has and its file has not ----===//
//
// `plus` and `adapters` of #lm.source, executed. The linker and the oracle read
// the rows of a changed source through here, so both see one merge. Contract: a
// row's values depend on that row alone, however the rows are cut; apply() may be
// called from several threads. Memory is that of the adapters as f32.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_SOURCECHANGES_H
#define NIBBLE_COMPILER_IMPORT_SOURCECHANGES_H

#include "dialects/LM/LM.h"

#include "llvm/Support/Error.h"

#include <vector>

namespace nibble {

class SourceChanges {
public:
  /// Reads the adapters of `source`, whose rows have `columns` values.
  static llvm::Expected<SourceChanges> open(lm::SourceAttr source, int64_t rows,
                                            int64_t columns);

  /// Changes the values of rows first … first + count - 1, row by row.
  void apply(int64_t first, int64_t count, float *values) const;

private:
  /// One #lm.lora as f32.
  struct Adapter {
    int64_t rank = 0, heads = 0;
    double scale = 0;
    std::vector<float> a;         // rank × columns
    std::vector<float> b;         // rows × rank
    std::vector<float> magnitude; // rows, or empty
  };

  static llvm::Expected<Adapter> read(lm::LoraAttr lora, int64_t rows,
                                      int64_t columns);
  void merge(const Adapter &adapter, int64_t row, float *values,
             std::vector<double> &sum) const;

  int64_t rows = 0, columns = 0;
  float plus = 0;
  std::vector<Adapter> adapters;
};

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_SOURCECHANGES_H
