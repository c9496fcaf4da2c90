//===- ChatTemplateCases.h - templates and what jinja2 makes of them -------===//
//
// Small templates in the manner of the instruct models' and one for each corner of
// the language. The expected texts were rendered by jinja2 3.1 with trim_blocks and
// lstrip_blocks, as Hugging Face's apply_chat_template sets it up, on 2025-03-07
// 16:05:09, with bos_token <s>, eos_token </s>, tools and documents none.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/ChatTemplate.h"

#include <string_view>
#include <vector>

namespace nibble::test {

using Conversation = std::vector<rt::ChatTurn>;

inline const Conversation nothing = {};
inline const Conversation question = {{"user", "Hi\n \"there\""}};
inline const Conversation conversation = {
    {"system", "  Be brief. "}, {"user", "Hello"}, {"assistant", " Hi! "}, {"user", "Bye"}};
inline const Conversation reasoned = {{"user", "a"}, {"assistant", "<think>\nhm\n</think>\n\nHi"}};

struct Rendering {
  Conversation messages;
  bool addGenerationPrompt;
  bool succeeds;             // else the template raises `expected`
  std::string_view expected;
};

struct ChatCase {
  const char *name;
  std::string_view source;
  std::vector<Rendering> renderings;
};

/// Longer than 80 lines because it is a table.
inline const ChatCase chatCases[] = {
    {"ChatML",
     "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>"
     "system\nHelpful.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['cont"
     "ent'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
     "}}{% endif %}",
     {{question, true, true,
     "<|im_start|>system\nHelpful.<|im_end|>\n<|im_start|>user\nHi\n \"there\"<|im_end|>\n<|im_start|>assi"
     "stant\n"},
      {question, false, true,
     "<|im_start|>system\nHelpful.<|im_end|>\n<|im_start|>user\nHi\n \"there\"<|im_end|>\n"},
      {conversation, true, true,
     "<|im_start|>system\n  Be brief. <|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant"
     "\n Hi! <|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"},
      {conversation, false, true,
     "<|im_start|>system\n  Be brief. <|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant"
     "\n Hi! <|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"}}},
    {"Headers",
     "{{- bos_token }}\n{%- if custom_tools is defined %}\n    {%- set tools = custom_tools %}\n{%- endif "
     "%}\n{%- if not date_string is defined %}\n    {%- set date_string = strftime_now(\"%d %b %Y\") %}\n{"
     "%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system = messages[0]['content']|"
     "trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system = '' %}\n{%- endif "
     "%}\n{{- '<|h|>system ' + date_string + '\\n' + system }}\n{%- if tools is not none %}\n    {{- tools"
     " | somefilter | tojson(indent=4) }}\n{%- endif %}\n{%- for m in messages %}\n    {%- if not (m.role "
     "== 'ipython' or 'tool_calls' in m) %}\n        {{- '<|h|>' + m['role'] + '\\n' + m['content'] | trim"
     " + '<|eot|>' }}\n    {%- elif m.tool_calls is defined %}\n        {{- m.tool_calls.unknown() }}"
     "\n    {%- endif %}\n{%- endfor %}\n",
     {{question, true, true,
     "<s><|h|>system 07 Mar 2025\n<|h|>user\nHi\n \"there\"<|eot|>"},
      {conversation, true, true,
     "<s><|h|>system 07 Mar 2025\nBe brief.<|h|>user\nHello<|eot|><|h|>assistant\nHi!<|eot|><|h|>user\nBye"
     "<|eot|>"}}},
    {"Namespaces",
     "{% set ns = namespace(index=0, last=messages|length - 1) %}\n{% for m in messages[::-1] %}\n  {% set"
     " index = (messages|length - 1) - loop.index0 %}\n  {% if m.role == 'user' and not (m.content.startsw"
     "ith('<t>') and m.content.endswith('</t>')) %}\n    {% set ns.last = index %}\n    {% set ns.seen = t"
     "rue %}\n    {% break %}\n  {% endif %}\n{% endfor %}\nlast {{ ns.last }} {{ ns.seen }} {{ ns.missing"
     " is defined }}\n{% for m in messages if m.role != 'system' %}\n{{ loop.index }}/{{ loop.length }} {{"
     " m.role }}{{ ',' if not loop.last else '.' }} {{ loop.revindex0 }}\n{% else %}\nnone\n{% endfor %}\n",
     {{question, true, true,
     "last 0 True False\n1/1 user. 0\n"},
      {conversation, true, true,
     "last 3 True False\n1/3 user, 2\n2/3 assistant, 1\n3/3 user. 0\n"},
      {nothing, true, true,
     "last -1  False\nnone\n"}}},
    {"Thinking",
     "{%- for m in messages %}{% set content = m.content %}{% set think = '' %}{% if '</think>' in content"
     " %}{% set think = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}{%"
     " set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}[{{ m.role }}|{{ think }}|{{"
     " content }}]{% endfor %}{{ content is defined }}{% if enable_thinking is defined and enable_thinking"
     " is false %}<think>{% endif %}",
     {{reasoned, true, true,
     "[user||a][assistant|hm|Hi]False"}}},
    {"Alternation",
     "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ rai"
     "se_exception('Roles must alternate') }}{% endif %}{% if m['role'] == 'assistant' %}{% set role = 'mo"
     "del' %}{% else %}{% set role = m['role'] %}{% endif %}{{ '<turn>' + role + '\n' + m['content'] | tri"
     "m + '</turn>\n' }}{% endfor %}",
     {{question, true, true,
     "<s><turn>user\nHi\n \"there\"</turn>\n"},
      {conversation, true, false,
     "Roles must alternate"}}},
    {"WhiteSpace",
     "  {% if true %}\n  a\n  {%- if true -%}\n   b   \n  {%- endif +%}\n c\n  {%+ if true %} d{% endif %}"
     "\n {# comment #}\n\te {#- x -#} f\n  {{ 'g' }}\n{{- 'h' -}}   \n i\n{% endif %}\n{% raw %}\n {{ raw "
     "}} {% if %}\n{% endraw %}\n{%- raw -%} {{x}} {%- endraw %}!\n\n",
     {{question, true, true,
     "  ab\n c\n   d\tef\n  ghi\n\n {{ raw }} {% if %}\n{{x}}!\n"}}},
    {"Strings",
     "{{ 'a\\tb\\x41\\u00e9\\\\ \\' \\q' \"joined\" }}|{{ '  x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'a"
     ",b,,c'.split(',') | join('-') }}|{{ ' a  b '.split() | join('-') }}|{{ 'a,b,c'.split(',', 1) | last "
     "}}|{{ 'h\303\251llo'[1:3] }}|{{ 'h\303\251llo'[-1] }}|{{ 'abc'[::-1] }}|{{ 'h\303\251llo'|length }}|"
     "{{ 'aXbX'.replace('X', '--') }}|{{ 'hello World'|title }}|{{ 'hELLO'|capitalize }}|{{ 'Ab'|upper }}{"
     "{ 'Ab'.lower() }}|{{ 'a' ~ 1 ~ true ~ none }}|{{ 'ab' * 2 }}|{{ 'b' in 'abc' }}|{{ 'abc'.find('c') }"
     "}|{{ 'x\ny\n\nz'|indent(2) }}|{{ '\302\240\342\200\203x\343\200\200'.strip() }}",
     {{question, true, true,
     "a\tbA\303\251\\ ' \\qjoined|x|a|a-b--c|a-b|b,c|\303\251l|o|cba|5|a--b--|Hello World|Hello|ABab|a1Tru"
     "eNone|abab|True|2|x\n  y\n\n  z|x"}}},
    {"Numbers",
     "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 * 3 - 1 }} {{ 1 + 2 * 3 }} {{ (1 + 2) * 3 "
     "}} {{ 3 > 2 }} {{ 3 >= 4 }} {{ 1 == true }} {{ 5 is odd }} {{ 4 is divisibleby 2 }} {{ 4 is divisibl"
     "eby(3) }} {{ range(3)|list|length }} {% for i in range(5, 0, -2) %}{{ i }}{% endfor %} {{ -3 }} {{ 1"
     "0 - 2 - 3 }}",
     {{question, true, true,
     "3 -4 2 -2 5 7 9 True False True True True False 3 531 -3 5"}}},
    {"Lists",
     "{% set l = ['a', 1, none, true, {'k': 'v', 'n': [1, 2]}] %}{{ l|tojson }}{{ l[4].k }}{{ l[-1]['n'][1"
     "] }}{{ l[9] is defined }}{{ (l + [2])|length }}{{ 1 in l }}{{ 'k' in l[4] }}{{ l[4]|tojson(indent=2)"
     " }}{{ l[1:3]|tojson }}{{ ['x','y']|first }}{{ ['x','y']|reverse|join }}{{ l[4].get('k') }}{{ l[4].ge"
     "t('z', 'none') }}{% for k, v in {'B': 1, 'a': 2}|dictsort %}{{ k }}{{ v }}{% endfor %}{% for k, v in"
     " l[4].items() %}{{ k }}{% endfor %}{{ [] == [] }}{{ messages|map(attribute='role')|join(',') }}{{ me"
     "ssages|selectattr('role', 'equalto', 'user')|list|length }}{{ ['a']|map('upper')|join }}{{ messages["
     "0]|tojson }}",
     {{question, true, true,
     "[\"a\", 1, null, true, {\"k\": \"v\", \"n\": [1, 2]}]v2False6TrueTrue{\n  \"k\": \"v\",\n  \"n\": [\n"
     "    1,\n    2\n  ]\n}[1, null]xyxvnonea2B1knTrueuser1A{\"role\": \"user\", \"content\": \"Hi\\n \\\""
     "there\\\"\"}"},
      {conversation, true, true,
     "[\"a\", 1, null, true, {\"k\": \"v\", \"n\": [1, 2]}]v2False6TrueTrue{\n  \"k\": \"v\",\n  \"n\": [\n"
     "    1,\n    2\n  ]\n}[1, null]xyxvnonea2B1knTruesystem,user,assistant,user2A{\"role\": \"system\", \""
     "content\": \"  Be brief. \"}"}}},
    {"Scopes",
     "{% set x = 1 %}{% for m in messages %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}{% if true %}{"
     "% set x = 3 %}{% endif %}{{ x }}{% set y %}<{{ x }}>{% endset %}{{ y }}{% with x = 9, z = x %}{{ x }"
     "}{{ z }}{% endwith %}{{ x }}{% filter upper %}abc{{ x }}{% endfilter %}{% set a, b = 'p', 'q' %}{{ b"
     " }}{{ a }}",
     {{question, true, true,
     "1213<3>933ABC3qp"},
      {conversation, true, true,
     "1212121213<3>933ABC3qp"}}},
    {"Macros",
     "{% macro show(m, tag='t', end=none) %}<{{ tag }}>{{ m.content }}{% if end is not none %}{{ end }}{% "
     "endif %}</{{ tag }}>{% endmacro %}{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{% set ns = namesp"
     "ace(n=0) %}{% macro count() %}{% set ns.n = ns.n + 1 %}{% endmacro %}{% for m in messages %}{{ show("
     "m) }}{{ show(m, end='!', tag=m.role) }}{{ count() }}{% endfor %}{{ ns.n }}{{ 'a' + twice(twice('b'))"
     " }}",
     {{question, true, true,
     "<t>Hi\n \"there\"</t><user>Hi\n \"there\"!</user>1abbbb"},
      {conversation, true, true,
     "<t>  Be brief. </t><system>  Be brief. !</system><t>Hello</t><user>Hello!</user><t> Hi! </t><assista"
     "nt> Hi! !</assistant><t>Bye</t><user>Bye!</user>4abbbb"}}},
    {"Logic",
     "{{ none or 'x' }}{{ '' or 0 or 'y' }}{{ 'a' and 'b' }}{{ not 1 }}{{ 1 if '' else 2 }}{{ ('z' if fals"
     "e) is defined }}{{ missing|default('d') }}{{ ''|default('e', true) }}{{ none is none }}{{ 'a' is str"
     "ing }}{{ {} is mapping }}{{ [] is iterable }}{{ missing is undefined }}{{ true is boolean }}{{ 'b' i"
     "s in ['a','b'] }}{{ not missing is defined and true }}{{ 1 if messages else 0 }}{{ tools }}{{ docume"
     "nts is none }}{{ 'x' not in ['y'] }}",
     {{question, true, true,
     "xybFalse2FalsedeTrueTrueTrueTrueTrueTrueTrueTrue1NoneTrueTrue"}}},
    {"Dates",
     "{{ strftime_now('%Y-%m-%d %H:%M:%S %y %j %p %I %a %A %b %B %%') }}",
     {{question, true, true,
     "2025-03-07 16:05:09 25 066 PM 04 Fri Friday Mar March %"}}},
    {"Empty",
     "",
     {{question, true, true,
     ""}}},
};

} // namespace nibble::test
