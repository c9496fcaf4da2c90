//===- ChatProgram.h - the machine that renders chat templates ---*- C++ -*-===//
//
// A chat template is compiled to instructions for a small stack machine. This is
// its definition, shared by the compiler that writes programs and the interpreter
// that runs them.
//
//   code       ChatInstruction {opcode, a, line, b}; jumps name an instruction
//   stack      values; "x y → z" below is what an instruction takes and leaves
//   slots      variables of a frame, resolved by the compiler; a = 1: of the template's frame, seen from a macro
//   loops      a stack of running for-statements
//   output     text with the origin of every byte: template or conversation
//
// Values: undefined, none, booleans, 64-bit integers, strings, lists, dicts (a
// message is one) and namespaces. Their operations are Python's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble::rt::chat {

inline constexpr uint32_t ProgramVersion = 1;

enum class Opcode : uint8_t {
  Undefined,     // → undefined
  None,          // → none
  Boolean,       // → b != 0
  Integer,       // → integers[b]
  String,        // → strings[b]
  Global,        // → value of Global b
  Load,          // → slot b
  Store,         // x →              slot b := x
  Attribute,     // x → x.strings[b]
  Item,          // x i → x[i]
  Slice,         // x start stop step → x[start:stop:step], none where left out
  Binary,        // x y → x (Operator b) y
  Not,           // x → boolean
  Negate,        // x → -x
  Jump,          // to b
  JumpIfFalse,   // x →              to b if x is false; a = 1: ends a statement's temporaries
  AndJump,       // x → x or nothing to b with x if x is false, else drop x
  OrJump,        // the same if x is true
  List,          // x1 … xb → list
  Dict,          // k1 v1 … kb vb → dict
  Namespace,     // k1 v1 … kb vb → namespace
  SetAttribute,  // n x →            namespace n . strings[b] := x
  Filter,        // x args… → y      Filter b with a arguments
  Test,          // x args… → bool   Test b with a arguments
  Method,        // x args… → y      Method b with a arguments
  Function,      // args… → y        Function b with a arguments
  Call,          // args… → string   macro functions[b] with a arguments
  Return,        // ends a macro: what it wrote is the call's value
  Statement,     // a statement begins: remember how far the temporaries go
  Emit,          // x →              write x; ends a statement's temporaries
  EmitString,    // write strings[b]
  Pop,           // x →
  BeginCapture,  // from here on, output is a value …
  EndCapture,    // → string         … namely this one
  ForBegin,      // x →              loop over x; to b if there is nothing in it
  ForItem,       // → item           of the innermost loop
  Unpack,        // x → x1 … xb      a list of b items
  ForNext,       // the next round at b, else leave the loop
  ForEnd,        // leave the loop
  ForAttribute,  // → loop attribute a of the b-th loop from inside
  CollectBegin,  // x → list x       an empty list with room for as many items as x has
  CollectItem,   // list item → list the item is added
};

enum class Global : uint8_t { Messages, AddGenerationPrompt, EnableThinking };

enum class Operator : uint8_t { Add, Subtract, Multiply, FloorDivide, Modulo, Concatenate, Equal, NotEqual, Less,
                                LessEqual, Greater, GreaterEqual, In, NotIn };

enum class LoopAttribute : uint8_t { Index, Index0, RevIndex, RevIndex0, First, Last, Length, PreviousItem, NextItem };

enum class Function : uint8_t { RaiseException, StrftimeNow, Range };

enum class Filter : uint8_t { Trim, Length, ToJson, Default, Upper, Lower, Capitalize, Title, First, Last, Join,
                              Replace, String, Safe, List, Int, Items, Reverse, SelectAttr, RejectAttr, MapAttribute,
                              Indent, DictSort, MapFilter };

enum class Test : uint8_t { Defined, Undefined, None, String, Mapping, Iterable, Sequence, Number, Boolean, True, False,
                            Odd, Even, DivisibleBy, Equal, NotEqual, In, Callable };

enum class Method : uint8_t { Strip, LStrip, RStrip, Split, StartsWith, EndsWith, Replace, Upper, Lower, Title,
                              Capitalize, Get, Items, Keys, Values, Join, Find, Count };

/// Limits of a program; the compiler refuses templates beyond them, the interpreter relies on them.
inline constexpr uint32_t MaxLoops = 16;     // for-statements inside each other in one function
inline constexpr uint32_t MaxCalls = 16;     // macros calling each other at run time
inline constexpr uint32_t MaxCaptures = 32;  // captures inside each other at run time
inline constexpr uint32_t MaxArguments = 16; // of a call

} // namespace nibble::rt::chat
