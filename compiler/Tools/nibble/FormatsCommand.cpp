//===- FormatsCommand.cpp - nibble formats ----------------------------------===//
//
// The table of formats: those that files store, as their rows of the format table, and those that a user can ask for by
// --weights, which are made of the codes that the IR knows. For each how it runs on a machine: what the compiler
// chooses for a linear layer, and the operations of the kernel that it generates.
//
//===----------------------------------------------------------------------===//
#include "compiler/Link/Requantizer.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Tools/nibble/Commands.h"
#include "compiler/Tools/nibble/FormatCost.h"
#include "dialects/LowBit/Codebook.h"
#include "dialects/LowBit/FormatText.h"
#include "dialects/LowBit/Formats.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace nibble {

namespace {

struct ListedFormat {
  std::string name, from;
  mlir::Type type;
  double bits = 0;
  FormatCost cost;
};

/// Columns of a row where a format depends on them.
constexpr int64_t kColumns = 1024;

/// Codes that --weights takes, each with the parts that it has without others.
std::vector<std::string> ownTexts() {
  std::vector<std::string> texts;
  for (int bits = 8; bits >= 2; --bits)
    texts.push_back("int" + std::to_string(bits));
  for (int bits = 8; bits >= 1; --bits)
    texts.push_back("uint" + std::to_string(bits) + ":min");
  texts.push_back("ternary");
  for (int bits = 4; bits >= 2; --bits)
    texts.push_back("any" + std::to_string(bits));
  // Codebooks that stand for themselves; the others are parts of formats of files.
  for (const lowbit::Codebook *book : lowbit::namedCodebooks())
    if (!llvm::StringRef(book->name).starts_with("iq"))
      texts.push_back(book->name);
  return texts;
}

std::vector<ListedFormat> listFormats(mlir::MLIRContext &context, const TargetInfo &target) {
  std::vector<ListedFormat> list;
  for (const lowbit::Format &format : lowbit::formats())
    list.push_back({format.name, "ggml", lowbit::elementType(&context, format),
                    8.0 * format.blockBytes / format.blockElements, FormatCost()});
  for (const std::string &text : ownTexts()) {
    lowbit::TextError error;
    std::optional<lowbit::FormatText> format = lowbit::FormatText::parse(text, &context, error);
    llvm::Expected<mlir::Type> type = format->elementType(&context, kColumns);
    list.push_back({text, "--weights", llvm::cantFail(std::move(type)), 0, FormatCost()});
    list.back().bits = bitsOf(list.back().type, kColumns);
  }
  for (ListedFormat &format : list)
    if (format.type)
      format.cost = costOf(context, format.type, target);
  return list;
}

std::string textOf(mlir::Type type) {
  std::string text;
  if (type)
    llvm::raw_string_ostream(text) << type;
  return text;
}

void printText(llvm::ArrayRef<ListedFormat> list, const TargetInfo &target) {
  llvm::raw_ostream &out = llvm::outs();
  out << target.triple << ", cpu " << target.cpu << "\n";
  out << "format      bits/weight  from       runs as                 bits multiplied  operations/weight  row, type\n";
  for (const ListedFormat &format : list)
    out << llvm::format("%-11s %11.4f  %-9s  %-22s  %15s  %17.3f  ", format.name.c_str(), format.bits,
                        format.from.c_str(), format.cost.row.empty() ? "-" : format.cost.way.c_str(),
                        format.cost.numberBits ? std::to_string(format.cost.numberBits).c_str() : "-",
                        format.cost.operations)
        << (format.cost.row.empty() ? format.cost.way : format.cost.row) << ", " << textOf(format.type) << "\n";
  out << "operations: vector operations of the generated kernel, one row of activations; see docs/formats.md\n";
}

void printJSON(llvm::ArrayRef<ListedFormat> list, const TargetInfo &target) {
  llvm::json::Array rows;
  for (const ListedFormat &format : list) {
    llvm::json::Object row{{"name", format.name}, {"from", format.from}, {"type", textOf(format.type)},
                           {"bits_per_weight", format.bits}};
    if (!format.cost.row.empty()) {
      row["runs_as"] = format.cost.way;
      row["instruction_row"] = format.cost.row;
      row["operations_per_weight"] = format.cost.operations;
      if (format.cost.numberBits)
        row["bits_multiplied"] = format.cost.numberBits;
    } else {
      row["does_not_run"] = format.cost.way;
    }
    rows.push_back(std::move(row));
  }
  llvm::json::Object all{{"target", target.triple}, {"cpu", target.cpu}, {"formats", std::move(rows)}};
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(all))) << "\n";
}

} // namespace

Command addFormatsCommand(CLI::App &app) {
  struct Arguments {
    std::string target = "native", cpu;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command =
      app.add_subcommand("formats", "List the number formats of weights and how they run on a machine.");
  command->add_option("--target", arguments->target, "the machine's target")->capture_default_str();
  command->add_option("--cpu", arguments->cpu, "the machine's CPU");
  command->add_flag("--json", arguments->json, "print JSON");
  return [arguments]() -> int {
    llvm::Expected<TargetInfo> target = TargetInfo::get(arguments->target, arguments->cpu);
    if (!target)
      return reportError(kUsage, llvm::toString(target.takeError()));
    mlir::DialectRegistry registry;
    registerDialects(registry);
    mlir::MLIRContext context(registry);
    context.disableMultithreading();
    context.loadAllAvailableDialects();
    std::vector<ListedFormat> list = listFormats(context, *target);
    arguments->json ? printJSON(list, *target) : printText(list, *target);
    return kDone;
  };
}

} // namespace nibble
