//===- ChatMachine.cpp - control flow of chat templates --------------------===//
//
// See ChatMachine.h and ChatProgram.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatMachine.h"

namespace nibble::rt::chat {

TextError Output::write(std::string_view bytes, bool isTemplate) {
  if (bytes.empty())
    return TextError::None;
  if (bytes.size() > text.size() - size)
    return TextError::OutputTooSmall;
  std::memcpy(text.data() + size, bytes.data(), bytes.size());
  size += bytes.size();
  if (segmentCount == 0 || segments[segmentCount - 1].isTemplate != isTemplate) {
    if (segmentCount == segments.size())
      return TextError::OutputTooSmall;
    segments[segmentCount++].isTemplate = isTemplate;
  }
  segments[segmentCount - 1].end = uint32_t(size);
  return TextError::None;
}

TextError Output::write(const Heap &heap, const Value &string) {
  const uint8_t *origins = heap.originsOf(string);
  if (!origins)
    return write(string.view(), string.isTemplate);
  for (size_t begin = 0; begin < string.size;) {
    size_t end = begin + 1;
    while (end < string.size && origins[end] == origins[begin])
      ++end;
    if (TextError error = write(string.view().substr(begin, end - begin), origins[begin]); error != TextError::None)
      return error;
    begin = end;
  }
  return TextError::None;
}

TextError Output::take(Heap &heap, size_t begin, Value &result) {
  size_t begun = heap.begin(), at = begin;
  size_t first = 0;
  while (first < segmentCount && segments[first].end <= begin)
    ++first;
  for (size_t i = first; i < segmentCount; at = segments[i++].end)
    if (!heap.append(std::string_view(text.data() + at, segments[i].end - at), segments[i].isTemplate))
      return TextError::WorkspaceTooSmall;
  // The segment that `begin` cuts through stays, with its first part.
  size_t keep = first;
  if (first < segmentCount && (first == 0 ? 0 : segments[first - 1].end) < begin)
    segments[keep++].end = uint32_t(begin);
  segmentCount = keep;
  size = begin;
  result = heap.finish(begun);
  return TextError::None;
}

/// Roles that a template may put into control tokens.
static bool isUsualRole(std::string_view role) {
  for (std::string_view usual : {"system", "user", "assistant", "tool", "developer", "model"})
    if (role == usual)
      return true;
  return false;
}

TextError Machine::start(std::span<const ChatTurn> turns) {
  Value *items = heap.allocate(turns.size() * 5);
  if (!items)
    return TextError::WorkspaceTooSmall;
  messages = Value::list(items, uint32_t(turns.size()));
  Value *pairs = items + turns.size();
  for (size_t i = 0; i < turns.size(); ++i, pairs += 4) {
    if (turns[i].role.size() > UINT32_MAX || turns[i].content.size() > UINT32_MAX)
      return TextError::TextTooLong;
    pairs[0] = Value::string("role", true);
    pairs[1] = Value::string(turns[i].role, isUsualRole(turns[i].role));
    pairs[2] = Value::string("content", true);
    pairs[3] = Value::string(turns[i].content, false);
    items[i] = Value::list(pairs, 2, Type::Dict);
  }
  const auto *functions = table.functions();
  const schema::ChatFunction *main = functions->Get(0);
  Value *values = heap.allocate(main->slots() + table.max_stack());
  if (!values)
    return TextError::WorkspaceTooSmall;
  top = values + main->slots();
  frames[0] = {values, top + table.max_stack(), nullptr, 0, 0, heap.mark()};
  pc = main->entry();
  return TextError::None;
}

TextError Machine::run(std::span<const ChatTurn> turns) {
  if (TextError error = start(turns); error != TextError::None)
    return error;
  uint32_t count = table.code()->size();
  for (uint64_t steps = 0; !finished; ++steps) {
    if (steps == options.maxSteps)
      return TextError::TooManySteps;
    if (pc >= count)
      return TextError::BadTable;
    const schema::ChatInstruction &instruction = code[pc++];
    line = instruction.line();
    if (TextError error = step(instruction); error != TextError::None)
      return error;
  }
  return TextError::None;
}

TextError Machine::enter(uint32_t index, uint32_t arguments, uint32_t returnTo) {
  if (frame + 1 == MaxCalls || capture == MaxCaptures)
    return TextError::TooManySteps;
  const schema::ChatFunction *function = table.functions()->Get(index);
  Value *values = heap.allocate(function->slots() + table.max_stack());
  if (!values)
    return TextError::WorkspaceTooSmall;
  for (uint32_t i = 0; i < arguments && i < function->parameters(); ++i)
    values[i] = top[int64_t(i) - int64_t(arguments)];
  top -= arguments;
  frames[++frame] = {values, values + function->slots() + table.max_stack(), top, returnTo, loop, heap.mark()};
  captures[capture++] = uint32_t(output.size);
  top = values + function->slots();
  pc = function->entry();
  return TextError::None;
}

/// Ends the frame. What the macro wrote becomes its value.
TextError Machine::leave() {
  if (frame == 0) {
    finished = true;
    return TextError::None;
  }
  Value text;
  if (TextError error = output.take(heap, captures[--capture], text); error != TextError::None)
    return error;
  pc = frames[frame].returnTo;
  loop = frames[frame].loopBase;
  top = frames[frame--].callerTop;
  // The macro may have stored values in a namespace: the caller's statement must not free them.
  frames[frame].statement = heap.mark();
  return push(text);
}

TextError Machine::step(const schema::ChatInstruction &instruction) {
  bool done = true;
  if (TextError error = stepValue(instruction, done); done || error != TextError::None)
    return error;
  auto target = uint32_t(instruction.b());
  switch (Opcode(instruction.opcode())) {
  case Opcode::Jump:
    pc = target;
    return TextError::None;
  case Opcode::JumpIfFalse:
    if (!(--top)->truth())
      pc = target;
    if (instruction.a())
      heap.reset(frames[frame].statement);
    return TextError::None;
  case Opcode::AndJump:
  case Opcode::OrJump:
    if (top[-1].truth() == (Opcode(instruction.opcode()) == Opcode::OrJump))
      pc = target;
    else
      --top;
    return TextError::None;
  case Opcode::Call:
    return enter(target, instruction.a(), pc);
  case Opcode::Return:
    return leave();
  case Opcode::Statement:
    frames[frame].statement = heap.mark();
    return TextError::None;
  case Opcode::Emit:
  case Opcode::EmitString:
  case Opcode::Pop:
  case Opcode::BeginCapture:
  case Opcode::EndCapture:
    return stepOutput(instruction);
  default:
    return stepLoop(instruction);
  }
}

TextError Machine::stepOutput(const schema::ChatInstruction &instruction) {
  switch (Opcode(instruction.opcode())) {
  case Opcode::Emit: {
    Value text;
    if (TextError error = toText(*--top, text); error != TextError::None)
      return error;
    TextError error = output.write(heap, text);
    heap.reset(frames[frame].statement);
    return error;
  }
  case Opcode::EmitString:
    return output.write(heap, constant(uint32_t(instruction.b())));
  case Opcode::Pop:
    --top;
    return TextError::None;
  case Opcode::BeginCapture:
    if (capture == MaxCaptures)
      return TextError::TooManySteps;
    captures[capture++] = uint32_t(output.size);
    return TextError::None;
  default: {
    Value text;
    if (TextError error = output.take(heap, captures[--capture], text); error != TextError::None)
      return error;
    return push(text);
  }
  }
}

TextError Machine::stepLoop(const schema::ChatInstruction &instruction) {
  auto target = uint32_t(instruction.b());
  switch (Opcode(instruction.opcode())) {
  case Opcode::ForBegin: {
    Value list;
    if (TextError error = toList(*--top, list); error != TextError::None)
      return error;
    if (list.size == 0) {
      pc = target;
      return TextError::None;
    }
    if (loop == std::size(loops))
      return TextError::TooManySteps;
    loops[loop++] = {list.items, list.size, 0};
    return TextError::None;
  }
  case Opcode::ForItem:
    return push(loops[loop - 1].items[loops[loop - 1].index]);
  case Opcode::Unpack: {
    Value list = *--top;
    if (!list.is(Type::List) || list.size != target)
      return TextError::TemplateType;
    for (uint32_t i = 0; i < target; ++i)
      if (TextError error = push(list.items[i]); error != TextError::None)
        return error;
    return TextError::None;
  }
  case Opcode::ForNext:
    if (++loops[loop - 1].index < loops[loop - 1].count)
      pc = target;
    else
      --loop;
    return TextError::None;
  case Opcode::ForEnd:
    --loop;
    return TextError::None;
  case Opcode::CollectBegin: {
    Value list;
    if (TextError error = toList(top[-1], list); error != TextError::None)
      return error;
    Value *items = heap.allocate(list.size);
    if (!items)
      return TextError::WorkspaceTooSmall;
    top[-1] = Value::list(items, 0);
    return push(list);
  }
  case Opcode::CollectItem: {
    Value item = *--top;
    top[-1].items[top[-1].size++] = item;
    return TextError::None;
  }
  default:
    return TextError::BadTable;
  }
}

TextError Machine::loopAttribute(LoopAttribute attribute, uint32_t depth, Value &result) {
  const Loop &l = loops[loop - 1 - depth];
  switch (attribute) {
  case LoopAttribute::Index:
    result = Value::number(int64_t(l.index) + 1);
    break;
  case LoopAttribute::Index0:
    result = Value::number(l.index);
    break;
  case LoopAttribute::RevIndex:
    result = Value::number(int64_t(l.count) - l.index);
    break;
  case LoopAttribute::RevIndex0:
    result = Value::number(int64_t(l.count) - l.index - 1);
    break;
  case LoopAttribute::First:
    result = Value::boolean(l.index == 0);
    break;
  case LoopAttribute::Last:
    result = Value::boolean(l.index + 1 == l.count);
    break;
  case LoopAttribute::Length:
    result = Value::number(l.count);
    break;
  case LoopAttribute::PreviousItem:
    result = l.index == 0 ? Value() : l.items[l.index - 1];
    break;
  case LoopAttribute::NextItem:
    result = l.index + 1 == l.count ? Value() : l.items[l.index + 1];
    break;
  }
  return TextError::None;
}

/// Instructions that take values and leave one. `done` tells whether the instruction was one of them.
TextError Machine::stepValue(const schema::ChatInstruction &instruction, bool &done) {
  auto b = uint32_t(instruction.b());
  uint32_t a = instruction.a();
  Value result;
  auto replaceTop = [&](uint32_t taken, TextError error) {
    top -= taken;
    return error == TextError::None ? push(result) : error;
  };
  switch (Opcode(instruction.opcode())) {
  case Opcode::Undefined:
    return push(Value());
  case Opcode::None:
    return push(Value::none());
  case Opcode::Boolean:
    return push(Value::boolean(b != 0));
  case Opcode::Integer:
    return push(Value::number(table.integers()->Get(b)));
  case Opcode::String:
    return push(constant(b));
  case Opcode::Global:
    return push(global(Global(b)));
  case Opcode::Load:
    return push(frames[a ? 0 : frame].slots[b]);
  case Opcode::Store:
    frames[a ? 0 : frame].slots[b] = *--top;
    return TextError::None;
  case Opcode::Attribute:
    return replaceTop(1, attribute(top[-1], constant(b).view(), result));
  case Opcode::Item:
    return replaceTop(2, item(top[-2], top[-1], result));
  case Opcode::Slice:
    return replaceTop(4, slice(top - 4, result));
  case Opcode::Binary:
    return replaceTop(2, binary(Operator(b), top[-2], top[-1], result));
  case Opcode::Not:
    top[-1] = Value::boolean(!top[-1].truth());
    return TextError::None;
  case Opcode::Negate:
    result = Value::number(-top[-1].integer);
    return replaceTop(1, top[-1].isNumber() ? TextError::None : TextError::TemplateType);
  case Opcode::List:
  case Opcode::Dict: {
    bool isDict = Opcode(instruction.opcode()) == Opcode::Dict;
    uint32_t count = isDict ? 2 * b : b;
    Value *items = heap.allocate(count);
    if (!items)
      return TextError::WorkspaceTooSmall;
    std::memcpy(static_cast<void *>(items), top - count, count * sizeof(Value));
    result = Value::list(items, b, isDict ? Type::Dict : Type::List);
    return replaceTop(count, TextError::None);
  }
  case Opcode::Namespace:
    return makeNamespace(b);
  case Opcode::SetAttribute: {
    top -= 2;
    return setAttribute(top[0], constant(b), top[1]);
  }
  case Opcode::Filter:
    return replaceTop(a + 1, filter(Filter(b), top - a - 1, a, result));
  case Opcode::Test: {
    bool answer = false;
    TextError error = test(Test(b), top - a - 1, a, answer);
    result = Value::boolean(answer);
    return replaceTop(a + 1, error);
  }
  case Opcode::Method:
    return replaceTop(a + 1, method(Method(b), top - a - 1, a, result));
  case Opcode::Function:
    return replaceTop(a, function(Function(b), top - a, a, result));
  case Opcode::ForAttribute:
    return replaceTop(0, loopAttribute(LoopAttribute(a), b, result));
  default:
    done = false;
    return TextError::None;
  }
}

TextError Machine::makeNamespace(uint32_t pairs) {
  uint32_t capacity = pairs + table.namespace_names();
  static_assert(sizeof(NamespaceData) <= sizeof(Value));
  Value *memory = heap.allocate(1 + 2 * capacity);
  if (!memory)
    return TextError::WorkspaceTooSmall;
  Value result;
  result.type = Type::Namespace;
  result.space = reinterpret_cast<NamespaceData *>(memory);
  *result.space = {0, capacity, memory + 1};
  top -= 2 * pairs;
  for (uint32_t i = 0; i < pairs; ++i)
    if (TextError error = setAttribute(result, top[2 * i], top[2 * i + 1]); error != TextError::None)
      return error;
  return push(result);
}

TextError Machine::setAttribute(const Value &space, const Value &name, const Value &value) {
  if (!space.is(Type::Namespace))
    return TextError::TemplateType;
  NamespaceData &data = *space.space;
  for (uint32_t i = 0; i < data.count; ++i)
    if (data.pairs[2 * i].view() == name.view()) {
      data.pairs[2 * i + 1] = value;
      return TextError::None;
    }
  if (data.count == data.capacity)
    return TextError::BadTable;
  data.pairs[2 * data.count] = name;
  data.pairs[2 * data.count + 1] = value;
  ++data.count;
  return TextError::None;
}

} // namespace nibble::rt::chat
