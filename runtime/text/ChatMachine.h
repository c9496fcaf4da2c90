//===- ChatMachine.h - the state of one rendering ----------------*- C++ -*-===//
//
// The interpreter of runtime/text/ChatProgram.h: control flow in ChatMachine.cpp,
// operators and access in ChatOperators.cpp, strings in ChatStrings.cpp, filters,
// tests and methods in ChatBuiltins.cpp. Each operation returns a TextError and
// leaves its result in an out-parameter.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/ChatProgram.h"
#include "runtime/text/ChatTemplate.h"
#include "runtime/text/ChatValue.h"

namespace nibble::rt::chat {

/// Output text whose bytes know their origin, as segments.
class Output {
public:
  Output(std::span<char> text, std::span<Segment> segments) : text(text), segments(segments) {}

  TextError write(const Heap &heap, const Value &string);
  /// What was written since `begin` becomes a string on the heap and leaves the output.
  TextError take(Heap &heap, size_t begin, Value &result);

  size_t size = 0;
  size_t segmentCount = 0;

private:
  TextError write(std::string_view bytes, bool isTemplate);

  std::span<char> text;
  std::span<Segment> segments;
};

class Machine {
public:
  Machine(const schema::ChatTemplate &table, const ChatOptions &options, Heap heap, Output output)
      : table(table), code(reinterpret_cast<const schema::ChatInstruction *>(table.code()->Data())),
        options(options), heap(heap), output(output) {}

  TextError run(std::span<const ChatTurn> messages);

  uint32_t line = 0;
  std::string_view raised;

  const Output &result() const { return output; }

private:
  struct Frame {
    Value *slots;
    Value *stackEnd;
    Value *callerTop; // the stack to go back to
    uint32_t returnTo;
    uint32_t loopBase;
    Heap::Mark statement; // temporaries of the running statement lie behind it
  };
  struct Loop {
    Value *items;
    uint32_t count, index;
  };

  // Control flow.
  TextError start(std::span<const ChatTurn> messages);
  TextError step(const schema::ChatInstruction &instruction);
  TextError stepValue(const schema::ChatInstruction &instruction, bool &done);
  TextError stepLoop(const schema::ChatInstruction &instruction);
  TextError stepOutput(const schema::ChatInstruction &instruction);
  TextError enter(uint32_t function, uint32_t arguments, uint32_t returnTo);
  TextError leave();
  TextError loopAttribute(LoopAttribute attribute, uint32_t depth, Value &result);
  TextError makeNamespace(uint32_t pairs);
  TextError setAttribute(const Value &space, const Value &name, const Value &value);

  // Operators and access.
  Value constant(uint32_t index) const;
  Value global(Global which) const;
  TextError attribute(const Value &object, std::string_view name, Value &result);
  TextError item(const Value &object, const Value &index, Value &result);
  TextError slice(const Value *arguments, Value &result);
  TextError sliceList(const Value &object, int64_t start, int64_t step, uint32_t count, Value &result);
  TextError sliceText(const Value &object, int64_t start, int64_t step, uint32_t count, Value &result);
  TextError binary(Operator op, const Value &x, const Value &y, Value &result);
  TextError arithmetic(Operator op, const Value &x, const Value &y, Value &result);
  TextError concatenate(const Value &x, const Value &y, Value &result);
  TextError contains(const Value &container, const Value &value, bool &result);
  TextError toText(const Value &value, Value &result);
  TextError toList(const Value &value, Value &result);
  static bool equal(const Value &x, const Value &y, unsigned depth = 0);
  static const Value *find(const Value &dict, std::string_view key);

  // Builtins: `x` has its arguments behind it.
  TextError filter(Filter which, const Value *x, uint32_t arguments, Value &result);
  TextError sortedItems(const Value &dict, Value &result);
  TextError filterList(Filter which, const Value *x, uint32_t arguments, Value &result);
  TextError selectByAttribute(const Value *x, uint32_t arguments, bool keep, Value &result);
  TextError test(Test which, const Value *x, uint32_t arguments, bool &result);
  TextError method(Method which, const Value *x, uint32_t arguments, Value &result);
  TextError dictMethod(Method which, const Value *x, uint32_t arguments, Value &result);
  TextError function(Function which, const Value *arguments, uint32_t count, Value &result);
  TextError strftime(const Value &format, Value &result);

  // Strings.
  TextError strip(const Value &text, const Value *characters, bool left, bool right, Value &result);
  TextError split(const Value &text, const Value *separator, int64_t limit, Value &result);
  TextError replace(const Value &text, const Value &from, const Value &to, Value &result);
  TextError changeCase(Method which, const Value &text, Value &result);
  TextError join(const Value &list, const Value &separator, Value &result);
  TextError indent(const Value &text, int64_t width, bool first, Value &result);
  TextError toJson(const Value &value, int64_t indent, Value &result);
  TextError writeJson(const Value &value, int64_t indent, unsigned depth);
  TextError writeJsonString(const Value &text);
  TextError writeJsonBreak(int64_t indent, unsigned depth);
  static uint32_t lengthOf(std::string_view text);

  TextError push(const Value &value) {
    if (top == frames[frame].stackEnd)
      return TextError::BadTable;
    *top++ = value;
    return TextError::None;
  }

  const schema::ChatTemplate &table;
  const schema::ChatInstruction *code;
  const ChatOptions &options;
  Heap heap;
  Output output;
  Value messages;
  Value *top = nullptr; // behind the stack's last value
  uint32_t pc = 0;
  uint32_t frame = 0, loop = 0, capture = 0;
  bool finished = false;
  Frame frames[MaxCalls];
  Loop loops[MaxLoops * 2];
  uint32_t captures[MaxCaptures];
};

} // namespace nibble::rt::chat
