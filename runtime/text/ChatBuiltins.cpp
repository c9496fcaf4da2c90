//===- ChatBuiltins.cpp - filters, tests, methods, functions ---------------===//
//
// Those of jinja2 and of Python that chat templates use. `x` points at the value,
// with its arguments behind it; the compiler has filled in arguments left out with
// undefined. See ChatMachine.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatMachine.h"

namespace nibble::rt::chat {

TextError Machine::filter(Filter which, const Value *x, uint32_t arguments, Value &result) {
  static const Value absent;
  const Value &first = arguments > 0 ? x[1] : absent, &second = arguments > 1 ? x[2] : absent;
  switch (which) {
  case Filter::Trim: {
    Value text;
    if (TextError error = toText(*x, text); error != TextError::None)
      return error;
    return strip(text, &first, true, true, result);
  }
  case Filter::Length:
    if (x->isNumber() || x->is(Type::None) || x->is(Type::Namespace))
      return TextError::TemplateType;
    result = Value::number(x->is(Type::String) ? lengthOf(x->view()) : x->size);
    return TextError::None;
  case Filter::ToJson:
    if (x->is(Type::Undefined))
      return TextError::TemplateUndefined;
    return toJson(*x, first.is(Type::Integer) ? first.integer : -1, result);
  case Filter::Default:
    result = x->is(Type::Undefined) || (second.truth() && !x->truth()) ? first : *x;
    if (x->is(Type::Undefined) && arguments == 0)
      result = Value::string("", true);
    return TextError::None;
  case Filter::Upper:
    return changeCase(Method::Upper, *x, result);
  case Filter::Lower:
    return changeCase(Method::Lower, *x, result);
  case Filter::Capitalize:
    return changeCase(Method::Capitalize, *x, result);
  case Filter::Title:
    return changeCase(Method::Title, *x, result);
  case Filter::Replace:
    return replace(*x, first, second, result);
  case Filter::String:
  case Filter::Safe:
    return toText(*x, result);
  case Filter::Indent:
    return indent(*x, first.is(Type::Integer) ? first.integer : 4, second.truth(), result);
  case Filter::Int:
    if (x->isNumber())
      result = Value::number(x->integer);
    return x->isNumber() ? TextError::None : TextError::TemplateType;
  default:
    return filterList(which, x, arguments, result);
  }
}

/// Items of a dict by key, letters compared as small ones. Dicts of templates have a handful of entries.
TextError Machine::sortedItems(const Value &dict, Value &result) {
  if (TextError error = dictMethod(Method::Items, &dict, 0, result); error != TextError::None)
    return error;
  auto small = [](char c) { return c >= 'A' && c <= 'Z' ? uint8_t(c + 32) : uint8_t(c); };
  auto isLess = [&](const Value &x, const Value &y) {
    if (x.items[0].isNumber() && y.items[0].isNumber())
      return x.items[0].integer < y.items[0].integer;
    std::string_view a = x.items[0].view(), b = y.items[0].view();
    for (size_t i = 0; i < a.size() && i < b.size(); ++i)
      if (small(a[i]) != small(b[i]))
        return small(a[i]) < small(b[i]);
    return a.size() < b.size();
  };
  for (uint32_t i = 0; i < result.size; ++i) {
    const Value &key = result.items[i].items[0];
    if ((!key.is(Type::String) && !key.isNumber()) || key.isNumber() != result.items[0].items[0].isNumber())
      return TextError::TemplateType;
  }
  for (uint32_t i = 1; i < result.size; ++i)
    for (uint32_t j = i; j > 0 && isLess(result.items[j], result.items[j - 1]); --j) {
      Value moved = result.items[j];
      result.items[j] = result.items[j - 1];
      result.items[j - 1] = moved;
    }
  return TextError::None;
}

TextError Machine::filterList(Filter which, const Value *x, uint32_t arguments, Value &result) {
  static const Value absent;
  const Value &first = arguments > 0 ? x[1] : absent;
  switch (which) {
  case Filter::SelectAttr:
  case Filter::RejectAttr:
    return selectByAttribute(x, arguments, which == Filter::SelectAttr, result);
  case Filter::Items:
    if (x->is(Type::Undefined)) {
      result = Value::list(nullptr, 0);
      return TextError::None;
    }
    return method(Method::Items, x, 0, result);
  case Filter::DictSort:
    return sortedItems(*x, result);
  case Filter::Join:
    return join(*x, first.is(Type::Undefined) ? Value::string("", true) : first, result);
  default:
    break;
  }
  Value list;
  bool isMap = which == Filter::MapAttribute || which == Filter::MapFilter;
  if (isMap && !x->truth())
    list = Value::list(nullptr, 0); // as jinja2: whatever is false has no elements
  else if (TextError error = toList(*x, list); error != TextError::None)
    return error;
  switch (which) {
  case Filter::First:
    result = list.size == 0 ? Value() : list.items[0];
    return TextError::None;
  case Filter::Last:
    result = list.size == 0 ? Value() : list.items[list.size - 1];
    return TextError::None;
  case Filter::List:
    result = list;
    return TextError::None;
  case Filter::Reverse:
    return x->is(Type::String) ? sliceText(*x, int64_t(list.size) - 1, -1, list.size, result)
                               : sliceList(list, int64_t(list.size) - 1, -1, list.size, result);
  case Filter::MapAttribute:
  case Filter::MapFilter: {
    Value *items = heap.allocate(list.size);
    if (!items && list.size > 0)
      return TextError::WorkspaceTooSmall;
    for (uint32_t i = 0; i < list.size; ++i) {
      TextError error = which == Filter::MapAttribute ? item(list.items[i], first, items[i])
                                                      : filter(Filter(first.integer), &list.items[i], 0, items[i]);
      if (error != TextError::None)
        return error;
    }
    result = Value::list(items, list.size);
    return TextError::None;
  }
  default:
    return TextError::BadTable;
  }
}

/// selectattr(name), selectattr(name, test), selectattr(name, test, value); the compiler has made a number of the test.
TextError Machine::selectByAttribute(const Value *x, uint32_t arguments, bool keep, Value &result) {
  Value list = Value::list(nullptr, 0);
  if (x->truth())
    if (TextError error = toList(*x, list); error != TextError::None)
      return error;
  Value *items = heap.allocate(list.size);
  if (!items && list.size > 0)
    return TextError::WorkspaceTooSmall;
  uint32_t count = 0;
  for (uint32_t i = 0; i < list.size; ++i) {
    Value operands[2];
    if (TextError error = item(list.items[i], x[1], operands[0]); error != TextError::None)
      return error;
    bool answer = operands[0].truth();
    if (arguments > 1) {
      if (arguments > 2)
        operands[1] = x[3];
      if (TextError error = test(Test(x[2].integer), operands, arguments > 2, answer); error != TextError::None)
        return error;
    }
    if (answer == keep)
      items[count++] = list.items[i];
  }
  result = Value::list(items, count);
  return TextError::None;
}

TextError Machine::test(Test which, const Value *x, uint32_t arguments, bool &result) {
  auto number = [&](auto predicate) {
    if (!x->isNumber())
      return x->is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
    result = predicate(x->integer);
    return TextError::None;
  };
  switch (which) {
  case Test::Defined:
    result = !x->is(Type::Undefined);
    break;
  case Test::Undefined:
    result = x->is(Type::Undefined);
    break;
  case Test::None:
    result = x->is(Type::None);
    break;
  case Test::String:
    result = x->is(Type::String);
    break;
  case Test::Mapping:
    result = x->is(Type::Dict);
    break;
  case Test::Iterable:
  case Test::Sequence:
    result = x->is(Type::String) || x->is(Type::List) || x->is(Type::Dict) || x->is(Type::Undefined);
    break;
  case Test::Number:
    result = x->isNumber();
    break;
  case Test::Boolean:
    result = x->is(Type::Boolean);
    break;
  case Test::True:
    result = x->is(Type::Boolean) && x->integer;
    break;
  case Test::False:
    result = x->is(Type::Boolean) && !x->integer;
    break;
  case Test::Odd:
    return number([](int64_t value) { return value % 2 != 0; });
  case Test::Even:
    return number([](int64_t value) { return value % 2 == 0; });
  case Test::DivisibleBy:
    if (!x[1].isNumber() || x[1].integer == 0)
      return TextError::TemplateType;
    return number([&](int64_t value) { return x[1].integer == -1 || value % x[1].integer == 0; });
  case Test::Equal:
    result = equal(x[0], x[1]);
    break;
  case Test::NotEqual:
    result = !equal(x[0], x[1]);
    break;
  case Test::In:
    return contains(x[1], x[0], result);
  case Test::Callable:
    result = false;
    break;
  }
  return TextError::None;
}

TextError Machine::dictMethod(Method which, const Value *x, uint32_t arguments, Value &result) {
  if (!x->is(Type::Dict))
    return x->is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
  if (which == Method::Get) {
    result = arguments > 1 ? x[2] : Value::none();
    if (x[1].is(Type::String))
      if (const Value *found = find(*x, x[1].view()))
        result = *found;
    return TextError::None;
  }
  bool pairs = which == Method::Items;
  Value *items = heap.allocate(x->size);
  if (!items && x->size > 0)
    return TextError::WorkspaceTooSmall;
  for (uint32_t i = 0; i < x->size; ++i)
    items[i] = pairs ? Value::list(x->items + 2 * i, 2) : x->items[2 * i + (which == Method::Values)];
  result = Value::list(items, x->size);
  return TextError::None;
}

/// Whether `text` begins (or ends) with `part`, or with one of a list of parts.
static TextError matchesEnd(const Value &text, const Value &part, bool atBegin, bool &result) {
  if (part.is(Type::List)) {
    result = false;
    for (uint32_t i = 0; i < part.size && !result; ++i) {
      if (!part.items[i].is(Type::String))
        return TextError::TemplateType;
      result = atBegin ? text.view().starts_with(part.items[i].view()) : text.view().ends_with(part.items[i].view());
    }
    return TextError::None;
  }
  if (!part.is(Type::String))
    return TextError::TemplateType;
  result = atBegin ? text.view().starts_with(part.view()) : text.view().ends_with(part.view());
  return TextError::None;
}

TextError Machine::method(Method which, const Value *x, uint32_t arguments, Value &result) {
  if (which >= Method::Get && which <= Method::Values)
    return dictMethod(which, x, arguments, result);
  if (!x->is(Type::String))
    return x->is(Type::Undefined) ? TextError::TemplateUndefined : TextError::TemplateType;
  const Value *first = arguments > 0 ? x + 1 : nullptr;
  switch (which) {
  case Method::Strip:
    return strip(*x, first, true, true, result);
  case Method::LStrip:
    return strip(*x, first, true, false, result);
  case Method::RStrip:
    return strip(*x, first, false, true, result);
  case Method::Split:
    if (arguments > 1 && !x[2].isNumber())
      return TextError::TemplateType;
    return split(*x, first, arguments > 1 ? x[2].integer : -1, result);
  case Method::StartsWith:
  case Method::EndsWith: {
    bool answer = false;
    TextError error = matchesEnd(*x, x[1], which == Method::StartsWith, answer);
    result = Value::boolean(answer);
    return error;
  }
  case Method::Replace:
    return replace(*x, x[1], x[2], result);
  case Method::Join:
    return join(x[1], *x, result);
  case Method::Find: {
    if (!x[1].is(Type::String))
      return TextError::TemplateType;
    size_t at = x->view().find(x[1].view());
    result = Value::number(at == std::string_view::npos ? -1 : int64_t(lengthOf(x->view().substr(0, at))));
    return TextError::None;
  }
  case Method::Count: {
    if (!x[1].is(Type::String) || x[1].size == 0)
      return TextError::TemplateType;
    int64_t count = 0;
    for (size_t at = 0; (at = x->view().find(x[1].view(), at)) != std::string_view::npos; at += x[1].size)
      ++count;
    result = Value::number(count);
    return TextError::None;
  }
  default:
    return changeCase(which, *x, result);
  }
}

TextError Machine::function(Function which, const Value *arguments, uint32_t count, Value &result) {
  switch (which) {
  case Function::RaiseException: {
    Value text;
    if (toText(arguments[0], text) == TextError::None)
      raised = text.view();
    return TextError::TemplateRaised;
  }
  case Function::StrftimeNow:
    return strftime(arguments[0], result);
  case Function::Range:
    break;
  }
  int64_t begin = 0, end = 0, step = 1;
  for (uint32_t i = 0; i < count; ++i)
    if (!arguments[i].isNumber())
      return TextError::TemplateType;
  end = arguments[count > 1 ? 1 : 0].integer;
  if (count > 1)
    begin = arguments[0].integer;
  if (count > 2)
    step = arguments[2].integer;
  // Beyond these the list would not fit anyway.
  constexpr int64_t limit = int64_t(1) << 40;
  if (step == 0 || begin < -limit || begin > limit || end < -limit || end > limit || step < -limit || step > limit)
    return TextError::TemplateType;
  int64_t distance = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
  int64_t size = distance <= 0 ? 0 : (distance - 1) / stride + 1;
  Value *items = size > UINT32_MAX ? nullptr : heap.allocate(size_t(size));
  if (!items && size > 0)
    return TextError::WorkspaceTooSmall;
  for (int64_t i = 0; i < size; ++i)
    items[i] = Value::number(begin + i * step);
  result = Value::list(items, uint32_t(size));
  return TextError::None;
}

static const char *const monthNames[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
static const char *const dayNames[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/// Days before the month, in a year that is no leap year.
static constexpr int daysBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

static int dayOfYear(const ChatTime &t) {
  bool leap = (t.year % 4 == 0 && t.year % 100 != 0) || t.year % 400 == 0;
  return daysBefore[t.month - 1] + t.day + (leap && t.month > 2);
}

/// 0 = Sunday; Sakamoto's method.
static int weekday(const ChatTime &t) {
  static constexpr int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
  int year = t.month < 3 ? t.year - 1 : t.year;
  return (year + year / 4 - year / 100 + year / 400 + shift[t.month - 1] + t.day) % 7;
}

/// datetime.now().strftime(format), in English.
TextError Machine::strftime(const Value &format, Value &result) {
  const ChatTime &t = options.now;
  if (!format.is(Type::String) || t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.year < 1 || t.year > 9999)
    return TextError::TemplateType;
  size_t begun = heap.begin();
  auto digits = [&](int value, int width) {
    char text[4];
    for (int i = width; i-- > 0; value /= 10)
      text[i] = char('0' + value % 10);
    return heap.append(std::string_view(text, size_t(width)), true);
  };
  bool fits = true;
  for (size_t i = 0; i < format.size && fits; ++i) {
    if (format.text[i] != '%' || i + 1 == format.size) {
      fits = heap.append(format, i, 1);
      continue;
    }
    const char *month = monthNames[t.month - 1], *day = dayNames[weekday(t)];
    switch (format.text[++i]) {
    case 'Y': fits = digits(t.year, 4); break;
    case 'y': fits = digits(t.year % 100, 2); break;
    case 'm': fits = digits(t.month, 2); break;
    case 'd': fits = digits(t.day, 2); break;
    case 'H': fits = digits(t.hour, 2); break;
    case 'I': fits = digits(t.hour % 12 == 0 ? 12 : t.hour % 12, 2); break;
    case 'M': fits = digits(t.minute, 2); break;
    case 'S': fits = digits(t.second, 2); break;
    case 'j': fits = digits(dayOfYear(t), 3); break;
    case 'p': fits = heap.append(std::string_view(t.hour < 12 ? "AM" : "PM"), true); break;
    case 'B': fits = heap.append(std::string_view(month), true); break;
    case 'b': fits = heap.append(std::string_view(month, 3), true); break;
    case 'A': fits = heap.append(std::string_view(day), true); break;
    case 'a': fits = heap.append(std::string_view(day, 3), true); break;
    case '%': fits = heap.append('%', true); break;
    default: return TextError::TemplateType;
    }
  }
  result = heap.finish(begun);
  return fits ? TextError::None : TextError::WorkspaceTooSmall;
}

} // namespace nibble::rt::chat
