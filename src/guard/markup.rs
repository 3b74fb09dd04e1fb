//! Breaks what a language model could take for markup of its own: the tokens that part a dialogue
//! into turns, calls of tools and their results, and Markdown that fetches or disguises addresses.
//!
//! Each finding loses one or two characters and gets plain ones in their place: a bracket of markup
//! becomes a round one, the colon of a tool call's JSON an equals sign. So a reader still sees what
//! was written, and what is left is markup to no parser.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;
use unicode_script::{Script, UnicodeScript};

use super::folded::{FoldedText, fold_char};

/// A form of markup: in a text as it looks (lower case), each group that took part is replaced by
/// what stands here for it.
struct MarkupPattern {
    pattern: Regex,
    replacements: &'static [&'static str],
}

/// Elements by which models, their templates and their tools structure a prompt.
const TAG_NAMES: &str = "system|system[_-]?\\w+|sys|assistant|user|human|developer|model|tool|tools|\
    tool_\\w+|toolcall|tool-\\w+|function|function_\\w+|functions|invoke|parameter|parameters|result|\
    results|instructions?|im_start|im_end|im_sep|start_of_\\w+|end_of_\\w+|eot|eot_id|end_of_text|\
    endoftext|think|thinking|thought|scratchpad|inner_monologue|prompt|user_query|user_input|context|\
    document|documents|document_content|admin|important|secret|inst|untrusted\\w*|mcp|mcp[_-]\\w+|\
    use_mcp_tool|server_name|execute_command|img|image|script|iframe|object|embed|svg|style|link|meta|base|form|a|\
    details|channel|message|resource|turn";

/// Tags of one word that are also written in other trades: only as a whole.
const SPECIAL_TOKENS: &str = "s|bos|eos|pad|unk|mask|sep|cls|0x[0-9a-f]{2}";

const BRACKET_TAGS: &str = "inst|sys|system|system_prompt|system prompt|system message|tool_calls?|\
    tool_results?|available_tools|assistant|developer|function_calls?|/?control_\\d+";

const HEADINGS: &str = "instructions?|new instructions?|response|system|system prompt|\
    system message|human|assistant|user|input|context|task|tool|tool call|observation|action";

/// Keys that only calls of tools have.
const TOOL_KEYS: &str = "jsonrpc|tools?|tool_uses?|tool_calls?|tool_results?|function_calls?|\
    function|tool_name|tool_input|tool_call_id|tool_use_id|tool_choice|recipient_name|mcpservers|\
    server_name|action_input";

const METHODS: &str = "tools|prompts|resources|sampling|notifications|initialize|roots|completion|\
    elicitation|logging|handle_message";

/// Lets letters and digits stand for each other that look alike in lower case, and any dash for
/// another.
fn confusable_pattern(words: &str) -> String {
    let mut loose = String::new();
    let mut escaped = false;
    for c in words.chars() {
        match c {
            _ if escaped => loose.push(c),
            'i' | 'l' => loose.push_str("[il1]"),
            'o' => loose.push_str("[o0]"),
            '_' => loose.push_str("[_ -]?"),
            c => loose.push(c),
        }
        escaped = c == '\\' || escaped && c == '[';
    }
    loose
}

static PATTERNS: Lazy<Vec<MarkupPattern>> = Lazy::new(|| {
    let [elements, whole] = [confusable_pattern(TAG_NAMES), SPECIAL_TOKENS.to_owned()];
    let [square, headings, keys, methods] =
        [BRACKET_TAGS, HEADINGS, TOOL_KEYS, METHODS].map(confusable_pattern);
    let quote = "[\"'`]{0,2}";
    let form = |pattern: String, replacements| MarkupPattern {
        pattern: Regex::new(&pattern).expect("the pattern is a constant that the tests compile"),
        replacements,
    };
    let pair = |key: &str, value: &str| {
        form(format!(r#"[{{,"'`]\s*(?:{key}){quote}\s*(:)\s*{value}"#), &[" ="])
    };
    vec![
        // Tokens of ChatML, Llama 3, Harmony, DeepSeek, Command R: <|im_start|>.
        form(r"(<)\s*\|[^<>|\n]*\|\s*(>)".into(), &["(", ")"]),
        form(format!(r"(<)\s*\|\s*(?:{elements}|begin|start|end|fim)"), &["("]),
        // Llama 2's <<SYS>>.
        form(r"(<<)\s*/?\s*(?:sys|system)\s*(>>)".into(), &["((", "))"]),
        // XML, with or without a name space, and its comments.
        form(
            format!(r"(<)\s*[/?]?\s*(?:\w+\s*:\s*)?(?:{elements})(?:[\s/:=][^<>\n]*)?(>)"),
            &["(", ")"],
        ),
        form(format!(r"(<)[/?]?(?:\w+:)?(?:{elements})(?:[\s/:=]|$)"), &["("]),
        form(format!(r"(<)\s*/?\s*(?:{whole})\s*/?\s*(>)"), &["(", ")"]),
        form(r"(<)!(?:--|\[cdata)".into(), &["("]),
        // [INST], and templates of the kind {{#system}}.
        form(format!(r"(\[)\s*/?\s*(?:{square})\s*(\])"), &["(", ")"]),
        form(format!(r"(\{{)[{{%]\s*[#~/-]*\s*(?:{elements}|gen|bos|eos)\b"), &["("]),
        // Alpaca's headings, and fences that say what is in them.
        form(format!(r"(#{{2,}})\s*(?:{headings})\s*:"), &["#"]),
        form(format!(r"(```|~~~)\s*(?:{elements}|action|observation)\b"), &["'''"]),
        form(r"\bto(=)(?:functions|tool|python|browser|container|mcp)\b".into(), &[" "]),
        // Markdown images are fetched, and links show another text than where they lead.
        form(r"(!)\[[^\]\n]*\]\s*[(\[]".into(), &["! "]),
        form(r"\](\()\s*<?\s*(?:[a-z][a-z0-9+.-]*:|//|www\.)".into(), &[" ("]),
        // Calls of tools as JSON.
        pair(&keys, ""),
        pair("meth[o0]d", &format!("{quote}(?:{methods})")),
        pair("type", &format!("{quote}(?:t[o0][o0][il1]|functi[o0]n|system|mcp)")),
        pair(
            "r[o0][il1]e",
            &format!(
                "{quote}(?:system|ass[il1]stant|user|deve[il1][o0]per|t[o0][o0][il1]|m[o0]de[il1]|functi[o0]n)"
            ),
        ),
        pair("arguments|parameters|params|args|[il1]nput", &format!(r"{quote}\s*\{{")),
    ]
});

/// The text with all markup of models broken.
pub fn neutralize(text: &str) -> Cow<'_, str> {
    if !may_contain_markup(text) {
        return Cow::Borrowed(text);
    }
    let shadow = FoldedText::of(text);
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    for MarkupPattern { pattern, replacements } in PATTERNS.iter() {
        for found in pattern.captures_iter(&shadow.text) {
            let groups = found.iter().skip(1).zip(*replacements);
            edits.extend(groups.filter_map(|(group, with)| {
                let group = group?;
                Some((
                    shadow.original_offset(group.start())..shadow.original_offset(group.end()),
                    *with,
                ))
            }));
        }
    }
    edits.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
    let mut broken = String::with_capacity(text.len() + edits.len());
    let mut from = 0;
    for (range, with) in edits {
        // Two forms may have found the same bracket.
        if range.start >= from && !range.is_empty() {
            broken.push_str(&text[from..range.start]);
            broken.push_str(with);
            from = range.end;
        }
    }
    broken.push_str(&text[from..]);
    Cow::Owned(broken)
}

/// Loads the patterns and the table, so that the first message waits for nothing.
pub fn warm_up() {
    Lazy::force(&PATTERNS);
    Lazy::force(&CHAR_TABLE);
}

/// Marks of which each form has one at least.
const MARKUP_MARKS: [char; 7] = ['<', ']', '{', '`', '~', '=', ':'];

/// What the characters below [`TABLED`] are to markup; nearly all text is made of them, and folding one takes
/// far longer than looking it up.
static CHAR_TABLE: Lazy<Vec<MarkupChar>> =
    Lazy::new(|| ('\0'..CHAR_TABLE_END).map(MarkupChar::of).collect());

/// Behind it lie symbols, the scripts of East Asia and emoji.
const CHAR_TABLE_END: char = '\u{2100}';

/// What a character is to markup.
#[derive(Clone, Copy)]
struct MarkupChar {
    /// Whether it, or what looks like it, can begin some.
    can_start: bool,
    /// Whether it looks like one of [`MARKS`].
    is_mark: bool,
}

impl MarkupChar {
    fn of(c: char) -> Self {
        Self { can_start: can_start(c), is_mark: is_mark(c) }
    }
}

/// Whether there may be markup in a text.
fn may_contain_markup(text: &str) -> bool {
    let look = |c: char| CHAR_TABLE.get(c as usize);
    text.chars().any(|c| look(c).map_or_else(|| can_start(c), |look| look.can_start))
        && text.chars().any(|c| look(c).map_or_else(|| is_mark(c), |look| look.is_mark))
}

fn can_start(c: char) -> bool {
    match c {
        '<' | '[' | '{' | '#' | '`' | '~' | '=' => true,
        '\u{1f000}'..='\u{1faff}' => false,
        c if c.is_ascii() || c.is_alphanumeric() => false,
        c => c.script() == Script::Common,
    }
}

fn is_mark(c: char) -> bool {
    fold_char(c).any(|folded| MARKUP_MARKS.contains(&folded))
}

#[cfg(test)]
mod tests {
    use proptest::prop_assert;
    use proptest::string::string_regex;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn markup_patterns_all_contain_a_mark() {
        for MarkupPattern { pattern, .. } in PATTERNS.iter() {
            // No text can be made of where words and texts end.
            let pattern = pattern.as_str().replace(r"\b", "").replace("|$", "|");
            let matching = string_regex(&pattern).expect("a pattern that texts can be made of");
            let has_mark = |text: String| {
                prop_assert!(text.contains(MARKUP_MARKS), "{text}");
                Ok(())
            };
            TestRunner::default().run(&matching, has_mark).expect("a mark in each");
        }
    }

    #[test]
    fn markup_is_neutralized_with_minimal_edits() {
        for (text, broken) in [
            ("<|im_start|>system", "(|im_start|)system"),
            ("[INST] <<SYS>> x <</SYS>> [/INST]", "(INST) ((SYS)) x ((/SYS)) (/INST)"),
            ("a <tool_call name=\"x\"> b", "a (tool_call name=\"x\") b"),
            ("</s><s>", "(/s)(s)"),
            ("＜ｓуstem＞", "(ｓуstem)"),
            ("### Instruction: x", "# Instruction: x"),
            (r#"{"method": "tools/call"}"#, r#"{"method" = "tools/call"}"#),
            ("![x](https://a.example/?q=)", "! [x] (https://a.example/?q=)"),
            ("```tool_call\nx\n```", "'''tool_call\nx\n```"),
        ] {
            assert_eq!(neutralize(text), broken);
            assert_eq!(neutralize(broken), broken, "once is enough");
        }
    }
}
