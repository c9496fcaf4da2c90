//===- ChatTemplateTest.cpp - chat templates, compiled and rendered --------===//
//
// Values against jinja2 (ChatTemplateCases.h), the origin of every byte, the limits
// of a run, and the messages of the compiler.
//
//===----------------------------------------------------------------------===//
#include "ChatTemplateCases.h"
#include "Vocabulary.h"

#include "compiler/Import/ImportError.h"
#include "compiler/Import/Text/ChatTemplate.h"
#include "compiler/Import/Text/TokenizerBuilder.h"
#include "runtime/text/Tokenizer.h"

#include <gtest/gtest.h>
#include <random>
#include <string>

using namespace nibble;
using rt::TextError;

namespace {

constexpr int Malformed = 3, Unsupported = 4; // exit codes of the driver

/// A compiled template and the result of its last run.
struct Chat {
  explicit Chat(llvm::StringRef source, ChatTokens tokens = {"<s>", "</s>", std::nullopt, std::nullopt}) {
    auto built = buildChatTemplate(source, tokens);
    if (!built) {
      message = llvm::toString(built.takeError());
      return;
    }
    table = std::move(*built);
    flatbuffers::Verifier verifier(table.data(), table.size());
    EXPECT_TRUE(verifier.VerifyBuffer<schema::ChatTemplate>());
    EXPECT_EQ(rt::ChatTemplate::open(flatbuffers::GetRoot<schema::ChatTemplate>(table.data()), chat), TextError::None);
  }

  static size_t bytesOf(const test::Conversation &messages) {
    size_t bytes = 0;
    for (const rt::ChatTurn &turn : messages)
      bytes += turn.role.size() + turn.content.size();
    return bytes;
  }

  TextError render(const test::Conversation &messages, rt::ChatOptions options = {}) {
    size_t bytes = bytesOf(messages);
    return render(messages, options, chat.workspaceSize(messages.size(), bytes),
                  chat.outputSize(messages.size(), bytes), rt::ChatTemplate::segmentCount(messages.size()));
  }

  TextError render(const test::Conversation &messages, rt::ChatOptions options, size_t workspaceSize, size_t outputSize,
                   size_t segmentCount) {
    options.now = {2025, 3, 7, 16, 5, 9};
    std::vector<std::byte> workspace(workspaceSize);
    std::vector<char> output(outputSize);
    segments.resize(segmentCount);
    rt::ChatResult result;
    TextError error = chat.render(messages, options, workspace, output, segments, result);
    text.assign(output.data(), result.textSize);
    segments.resize(result.segmentCount);
    line = result.line;
    raised = result.message;
    return error;
  }

  /// The text with the participants' parts in brackets.
  std::string marked() const {
    std::string result;
    size_t begin = 0;
    for (const rt::Segment &segment : segments) {
      std::string part = text.substr(begin, segment.end - begin);
      result += segment.isTemplate ? part : "[" + part + "]";
      begin = segment.end;
    }
    EXPECT_EQ(begin, text.size());
    return result;
  }

  rt::ChatTemplate chat;
  std::vector<uint8_t> table;
  std::string message, text, raised;
  std::vector<rt::Segment> segments;
  uint32_t line = 0;
};

TEST(ChatTemplate, RendersWhatJinjaDoes) {
  for (const test::ChatCase &one : test::chatCases) {
    Chat chat(llvm::StringRef(one.source));
    ASSERT_EQ(chat.message, "") << one.name;
    for (const test::Rendering &rendering : one.renderings) {
      rt::ChatOptions options;
      options.addGenerationPrompt = rendering.addGenerationPrompt;
      TextError error = chat.render(rendering.messages, options);
      EXPECT_EQ(error, rendering.succeeds ? TextError::None : TextError::TemplateRaised)
          << one.name << ", line " << chat.line << ": " << rt::describe(error);
      EXPECT_EQ(rendering.succeeds ? chat.text : chat.raised, rendering.expected) << one.name;
    }
  }
}

TEST(ChatTemplate, KnowsTheOriginOfEveryByte) {
  Chat chat("{{ bos_token }}{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + '\n' }}{% endfor %}");
  ASSERT_EQ(chat.render({{"user", " <user> "}, {"<s>", "x"}}), TextError::None);
  EXPECT_EQ(chat.marked(), "<s><user>[<user>]\n<[<s>]>[x]\n");
}

// Whatever is done to a participant's text, it stays the participant's.
TEST(ChatTemplate, OriginsSurviveStringOperations) {
  std::pair<const char *, const char *> cases[] = {
      {"{{ ('a' + c + 'b')[1:3] }}", "[<x]"},
      {"{{ ('a' + c) | upper }}", "A[<X>]"},
      {"{{ c.split('x') | join('-') }}", "[<]-[>]"},
      {"{{ c.replace('x', 'y') }}", "[<]y[>]"},
      {"{{ 'a<x>'.replace('a', c) }}", "[<x>]<x>"},
      {"{{ c | tojson }}", "\"[<x>]\""},
      {"{{ (c + '\\n' + c) | indent(2, true) }}", "  [<x>]\n  [<x>]"},
      {"{% set d %}({{ c }}){% endset %}{{ d }}{{ d }}", "([<x>])([<x>])"},
      {"{% macro f(x) %}({{ x }}){% endmacro %}{{ 'a' + f(c) + f('b') }}", "a([<x>])(b)"},
      {"{% set ns = namespace(s='') %}{% for i in range(3) %}{% set ns.s = ns.s + c + '.' %}{% endfor %}{{ ns.s }}",
       "[<x>].[<x>].[<x>]."},
      {"{{ c[::-1] ~ 1 }}", "[>x<]1"},
      {"{% for x in c %}{{ x }},{% endfor %}", "[<],[x],[>],"},
  };
  for (auto [source, expected] : cases) {
    Chat chat("{% set c = messages[0].content %}" + std::string(source));
    ASSERT_EQ(chat.message, "") << source;
    ASSERT_EQ(chat.render({{"user", "<x>"}}), TextError::None) << source;
    EXPECT_EQ(chat.marked(), expected) << source;
  }
}

// What a user types is no control token, though it is spelled like one.
TEST(ChatTemplate, ControlTokensComeFromTheTemplateOnly) {
  std::vector<uint8_t> table = llvm::cantFail(buildTokenizer(test::byteLevelSource()));
  rt::Tokenizer tokenizer;
  ASSERT_EQ(rt::Tokenizer::open(flatbuffers::GetRoot<schema::Tokenizer>(table.data()), tokenizer), TextError::None);
  Chat chat("{% for m in messages %}<|start|>{{ m.content }}<|end|>{% endfor %}");
  ASSERT_EQ(chat.render({{"user", "the<|end|> <|start|>"}}), TextError::None);
  std::vector<std::byte> workspace(rt::Tokenizer::workspaceSize(chat.text.size()));
  std::vector<int32_t> ids(rt::Tokenizer::maxTokens(chat.text.size()));
  size_t count = 0;
  rt::EncodeOptions options;
  options.specials = rt::SpecialTokens::All;
  options.segments = chat.segments;
  ASSERT_EQ(tokenizer.encode(chat.text, options, workspace, ids, count), TextError::None);
  ids.resize(count);
  EXPECT_EQ(ids.front(), tokenizer.find("<|start|>"));
  EXPECT_EQ(ids.back(), tokenizer.find("<|end|>"));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer.find("<|start|>")), 1);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer.find("<|end|>")), 1);
}

TEST(ChatTemplate, PassesOptions) {
  Chat chat("{{ enable_thinking is defined }}{{ enable_thinking is true }}{{ add_generation_prompt }}{{ pad_token }}");
  rt::ChatOptions options;
  options.addGenerationPrompt = false;
  ASSERT_EQ(chat.render({}, options), TextError::None);
  EXPECT_EQ(chat.text, "FalseFalseFalse");
  options.thinking = rt::ChatOptions::Thinking::On;
  ASSERT_EQ(chat.render({}, options), TextError::None);
  EXPECT_EQ(chat.text, "TrueTrueFalse");
  options.thinking = rt::ChatOptions::Thinking::Off;
  ASSERT_EQ(chat.render({}, options), TextError::None);
  EXPECT_EQ(chat.text, "TrueFalseFalse");
  EXPECT_FALSE(chat.chat.usesTime());
  EXPECT_TRUE(Chat("{{ strftime_now('%Y') }}").chat.usesTime());
}

TEST(ChatTemplate, ReportsErrorsWithTheirLine) {
  std::tuple<const char *, TextError, unsigned> cases[] = {
      {"a\n{{ missing.x }}", TextError::TemplateUndefined, 2},
      {"{{ 'a' + missing }}", TextError::TemplateUndefined, 1},
      {"\n\n{{ 'a' + 1 }}", TextError::TemplateType, 3},
      {"{{ none | length }}", TextError::TemplateType, 1},
      {"{{ 1 // 0 }}", TextError::TemplateType, 1},
      {"{{ '\u00e9' | upper }}", TextError::TemplateCase, 1},
      {"{{ 9223372036854775807 + 1 }}", TextError::TemplateType, 1},
      {"{{ messages }}", TextError::TemplateType, 1},
      {"{% for x in 3 %}{% endfor %}", TextError::TemplateType, 1},
      {"{% set x.y = 1 %}", TextError::TemplateType, 1},
      {"{{ raise_exception('no') }}", TextError::TemplateRaised, 1},
      {"{% for i in range(99999999) %}{% endfor %}", TextError::WorkspaceTooSmall, 1},
      {"{% set r = range(200) %}{% for i in r %}{% for j in r %}{{ i }}{% endfor %}{% endfor %}",
       TextError::OutputTooSmall, 1},
      {"{% set r = range(200) %}{% for i in r %}{% for j in r %}{% for k in r %}{% set a = 1 %}{% endfor %}{% endfor %}"
       "{% endfor %}", TextError::TooManySteps, 1},
      {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", TextError::TooManySteps, 1},
      {"{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
       TextError::WorkspaceTooSmall, 1},
  };
  for (auto [source, expected, line] : cases) {
    Chat chat{llvm::StringRef(source)};
    ASSERT_EQ(chat.message, "") << source;
    EXPECT_EQ(chat.render(test::question), expected) << source;
    EXPECT_EQ(chat.line, line) << source;
  }
}

// However little memory there is, the answer is an error or the right text.
TEST(ChatTemplate, StaysInsideItsBuffers) {
  for (const test::ChatCase &one : test::chatCases) {
    Chat chat(llvm::StringRef(one.source));
    const test::Rendering &rendering = one.renderings.back();
    size_t bytes = Chat::bytesOf(rendering.messages), count = rendering.messages.size();
    size_t workspace = chat.chat.workspaceSize(count, bytes), output = chat.chat.outputSize(count, bytes);
    rt::ChatOptions options;
    options.addGenerationPrompt = rendering.addGenerationPrompt;
    auto check = [&](size_t workspace, size_t output, size_t segments) {
      TextError error = chat.render(rendering.messages, options, workspace, output, segments);
      if (error == TextError::None)
        EXPECT_EQ(chat.text, rendering.expected) << one.name;
      else
        EXPECT_TRUE(error == TextError::WorkspaceTooSmall || error == TextError::OutputTooSmall ||
                    error == TextError::TemplateRaised) << one.name << ' ' << rt::describe(error);
    };
    for (size_t i = 0; i <= 64; ++i) {
      check(workspace * i / 64 / 8 * 8, output, 64);
      check(workspace, output * i / 64, 64);
      check(workspace, output, i);
    }
  }
}

/// Expects that `source` is refused with `exitCode`, at this place, with a message that holds `part`.
void expectRefused(llvm::StringRef source, int exitCode, const std::string &place, const std::string &part) {
  auto built = buildChatTemplate(source, {});
  ASSERT_FALSE(static_cast<bool>(built)) << source.str();
  std::string message;
  EXPECT_EQ(takeImportError(built.takeError(), message), exitCode) << message;
  EXPECT_NE(message.find("chat template, " + place + ": "), std::string::npos) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(ChatTemplate, RefusesWhatItDoesNotUnderstand) {
  expectRefused("a\n  {{ x | sort }}", Unsupported, "line 2, column 8",
                "the filter 'sort' is not supported; supported are");
  expectRefused("{{ x is lower }}", Unsupported, "line 1, column 6", "the test 'lower' is not supported");
  expectRefused("{{ x.format(1) }}", Unsupported, "line 1, column 5", "the method 'format' is not supported");
  expectRefused("{{ lipsum() }}", Unsupported, "line 1, column 4", "the function 'lipsum' is not supported");
  expectRefused("{% include 'x' %}", Unsupported, "line 1, column 4", "the statement 'include' is not supported");
  expectRefused("{{ 1.5 }}", Unsupported, "line 1, column 4", "fraction");
  expectRefused("{{ 1 / 2 }}", Unsupported, "line 1, column 6", "the operator '/' is not supported");
  expectRefused("{{ 1 < 2 < 3 }}", Unsupported, "line 1, column 10", "comparisons in a chain");
  expectRefused("{% for x in messages %}{{ loop.cycle }}{% endfor %}", Unsupported, "line 1, column 31", "loop.cycle");
}

TEST(ChatTemplate, RefusesWhatIsWrong) {
  expectRefused("{{ x ", Malformed, "line 1, column 1", "has no end");
  expectRefused("\n{# x ", Malformed, "line 2, column 1", "comment");
  expectRefused("{{ 'x }}", Malformed, "line 1, column 4", "string");
  expectRefused("{% if x %}", Malformed, "line 1, column 1", "no {% endif %}");
  expectRefused("a{% endif %}", Malformed, "line 1, column 5", "without its beginning");
  expectRefused("{% raw %}", Malformed, "line 1, column 1", "no {% endraw %}");
  expectRefused("{{ (1 }}", Malformed, "line 1, column 7", "unexpected '}'");
  expectRefused("{{ }}", Malformed, "line 1, column 4", "expected an expression");
  expectRefused("{{ x y }}", Malformed, "line 1, column 6", "expected the end of the tag, found 'y'");
  expectRefused("{{ $ }}", Malformed, "line 1, column 4", "unexpected character");
  expectRefused("{{ '\\xZZ' }}", Malformed, "line 1, column 5", "hexadecimal");
  expectRefused("{% set x %}", Malformed, "line 1, column 1", "no {% endset %}");
  expectRefused("{% break %}", Malformed, "line 1, column 1", "outside of a loop");
  expectRefused("{{ strftime_now() }}", Malformed, "line 1, column 16", "at least 1");
}

/// What the compiler says of a template after it has tried it; empty if it may go on.
std::string messageOfCheck(llvm::StringRef source) {
  std::vector<uint8_t> table = llvm::cantFail(buildChatTemplate(source, {"<s>", "</s>", std::nullopt, std::nullopt}));
  std::string message;
  if (llvm::Error error = checkChatTemplate(table))
    EXPECT_EQ(takeImportError(std::move(error), message), Unsupported);
  return message;
}

// Templates that need what no conversation has are refused when they are compiled; those that ask whether it is there,
// or that refuse a conversation themselves, are not.
TEST(ChatTemplate, RefusesWhatNeedsTools) {
  for (const char *source : {"a\n{% for tool in tools %}{{ tool | tojson }}{% endfor %}", "\n{{ functions | tojson }}",
                             "{% if messages[0].role == 'system' %}\n{{ documents[0].title }}{% endif %}",
                             "{% if messages | length > 2 %}\n{{ 'Tools: ' + tools }}{% endif %}"}) {
    std::string message = messageOfCheck(source);
    EXPECT_NE(message.find("chat template, line 2: a plain conversation fails here"), std::string::npos) << message;
    EXPECT_NE(message.find("no tools, functions or documents"), std::string::npos) << message;
  }
  for (const char *source : {"{% if tools %}{% for tool in tools %}{{ tool }}{% endfor %}{% endif %}",
                             "{{ tools | tojson }}", "{{ tools | map(attribute='name') | join }}",
                             "{% if messages[0].role == 'tool' %}{{ functions | length }}{% endif %}",
                             "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"})
    EXPECT_EQ(messageOfCheck(source), "") << source;
  // Whatever else a plain conversation ends in is refused, too.
  EXPECT_NE(messageOfCheck("\n{{ 'É' | lower }}").find("line 2: a plain conversation fails here"), std::string::npos);
}

// Nesting and length are bounded, so no template can exhaust the compiler's stack.
TEST(ChatTemplate, RefusesWhatIsTooDeep) {
  auto repeat = [](const char *text, size_t count) {
    std::string result;
    while (count-- > 0)
      result += text;
    return result;
  };
  for (const std::string &source :
       {"{{ " + repeat("(", 5000) + "1" + repeat(")", 5000) + " }}", "{{ " + repeat("-", 5000) + "1 }}",
        "{{ 1" + repeat(" + 1", 5000) + " }}", "{{ x" + repeat(".x", 5000) + " }}",
        "{{ x" + repeat("|trim", 5000) + " }}",
        "{{ " + repeat("not ", 5000) + "x }}", repeat("{% if x %}", 5000) + repeat("{% endif %}", 5000),
        "{% if x %}" + repeat("{% elif x %}", 5000) + "{% endif %}",
        repeat("{% for x in messages %}", 17) + repeat("{% endfor %}", 17)}) {
    std::string message;
    auto built = buildChatTemplate(source, {});
    ASSERT_FALSE(static_cast<bool>(built)) << source.substr(0, 40);
    EXPECT_EQ(takeImportError(built.takeError(), message), Unsupported) << message;
  }
  std::string message;
  EXPECT_EQ(takeImportError(buildChatTemplate(std::string(2 << 20, 'x'), {}).takeError(), message), Unsupported);
}

// What no conversation can reach is not compiled, so it may use anything.
TEST(ChatTemplate, LeavesOutWhatCannotHappen) {
  for (const char *source : {
           "{% if tools %}{{ tools | sort }}{% else %}ok{% endif %}",
           "{% if not tools is none and x %}{{ tools | sort }}{% else %}ok{% endif %}",
           "{% for m in messages %}{% if m.tool_calls %}{{ m | sort }}{% else %}ok{% endif %}{% endfor %}",
           "{% for m in messages[0:] %}{% if m['content'] is string %}ok{% else %}{{ m | sort }}{% endif %}{% endfor "
           "%}",
           "{% for m in messages %}{% if 'tool_calls' in m or m.get('x') %}{{ m | sort }}{% else %}ok{% endif %}{% "
           "endfor %}",
           "{% if x %}{% set t = none %}{% else %}{% set t = none %}{% endif %}{% if t %}{{ t | sort }}{% endif %}ok",
           "{{ (tools | sort) if tools else 'ok' }}",
       }) {
    Chat chat{llvm::StringRef(source)};
    EXPECT_EQ(chat.message, "") << source;
    if (chat.message.empty()) {
      EXPECT_EQ(chat.render(test::question), TextError::None) << source;
      EXPECT_EQ(chat.text, "ok") << source;
    }
  }
  // What is assigned on one path only is not known behind it.
  Chat chat("{% set t = none %}{% if messages %}{% set t = 'x' %}{% endif %}{% if t %}yes{% endif %}");
  ASSERT_EQ(chat.render(test::question), TextError::None);
  EXPECT_EQ(chat.text, "yes");
}

TEST(ChatTemplate, TakesTokensFromTheVocabulary) {
  ChatTokens tokens = chatTokensOf(test::sentencePieceSource());
  EXPECT_EQ(tokens.bos, "<s>");
  EXPECT_EQ(tokens.eos, "</s>");
  EXPECT_EQ(tokens.unk, "<unk>");
  EXPECT_EQ(tokens.pad, std::nullopt);
}

// Damaged templates are refused or run within the limits; they never crash the compiler or the machine.
TEST(ChatTemplate, SurvivesDamagedTemplates) {
  static const char *const pieces[] = {"{{", "}}", "{%", "%}", "if", "for", "in", "set", "endif", "endfor", "x",
                                       "messages",
                                       "|", "trim", "(", ")", "[", "]", ".", "'", "-", "1", "loop", " ", "not", "is",
                                       "namespace", "macro", "~", "\xFF", "#}", "{#", "else", ":", "{", "}"};
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937 random(seed);
    std::string source(test::chatCases[random() % std::size(test::chatCases)].source);
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      size_t at = random() % (source.size() + 1);
      source.replace(at, random() % 4, random() % 2 ? pieces[random() % std::size(pieces)] : "");
    }
    Chat chat{llvm::StringRef(source)};
    if (!chat.message.empty())
      continue;
    rt::ChatOptions options;
    options.maxSteps = 20000;
    TextError error = chat.render(test::conversation, options);
    EXPECT_NE(error, TextError::BadTable) << "seed " << seed << ": " << source;
  }
}

} // namespace
