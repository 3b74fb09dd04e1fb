//! [`neutralize`]: breaks text that a language model could interpret as markup.
//!
//! Such markup is the tokens that separate the turns of a dialogue, tool calls and their results,
//! and Markdown that fetches or disguises addresses.
//!
//! Each match has one or two characters replaced by plain ones: a bracket of markup becomes a round
//! one, the colon of a tool call's JSON becomes an equals sign. A reader still sees the text, and
//! no parser accepts the result as markup. To add a form, add a pattern to [`PATTERNS`].

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;
use unicode_script::{Script, UnicodeScript};

use super::folded::{FoldedText, fold_char};

/// A form of markup. The pattern is applied to the folded (lowercase) text, and each of its groups
/// that matched is replaced by the replacement at the same position.
struct MarkupPattern {
    pattern: Regex,
    replacements: &'static [&'static str],
}

/// Names of the tags that models, their templates and their tools use to structure a prompt.
const TAG_NAMES: &str = "system|system[_-]?\\w+|sys|assistant|user|human|developer|model|tool|tools|\
    tool_\\w+|toolcall|tool-\\w+|function|function_\\w+|functions|invoke|parameter|parameters|result|\
    results|instructions?|im_start|im_end|im_sep|start_of_\\w+|end_of_\\w+|eot|eot_id|end_of_text|\
    endoftext|think|thinking|thought|scratchpad|inner_monologue|prompt|user_query|user_input|context|\
    document|documents|document_content|admin|important|secret|inst|untrusted\\w*|mcp|mcp[_-]\\w+|\
    use_mcp_tool|server_name|execute_command|img|image|script|iframe|object|embed|svg|style|link|meta|base|form|a|\
    details|channel|message|resource|turn";

/// Short tags that occur in other contexts too. They match only as a complete tag.
const SPECIAL_TOKENS: &str = "s|bos|eos|pad|unk|mask|sep|cls|0x[0-9a-f]{2}";

const BRACKET_TAGS: &str = "inst|sys|system|system_prompt|system prompt|system message|tool_calls?|\
    tool_results?|available_tools|assistant|developer|function_calls?|/?control_\\d+";

const HEADINGS: &str = "instructions?|new instructions?|response|system|system prompt|\
    system message|human|assistant|user|input|context|task|tool|tool call|observation|action";

/// JSON keys that only tool calls contain.
const TOOL_KEYS: &str = "jsonrpc|tools?|tool_uses?|tool_calls?|tool_results?|function_calls?|\
    function|tool_name|tool_input|tool_call_id|tool_use_id|tool_choice|recipient_name|mcpservers|\
    server_name|action_input";

const METHODS: &str = "tools|prompts|resources|sampling|notifications|initialize|roots|completion|\
    elicitation|logging|handle_message";

/// Makes a pattern match confusable lowercase letters and digits, and any separator or none for
/// `_`.
fn confusable_pattern(words: &str) -> String {
    let mut pattern = String::new();
    let mut escaped = false;
    for c in words.chars() {
        match c {
            _ if escaped => pattern.push(c),
            'i' | 'l' => pattern.push_str("[il1]"),
            'o' => pattern.push_str("[o0]"),
            '_' => pattern.push_str("[_ -]?"),
            c => pattern.push(c),
        }
        escaped = c == '\\' || escaped && c == '[';
    }
    pattern
}

static PATTERNS: Lazy<Vec<MarkupPattern>> = Lazy::new(|| {
    let [tags, tokens] = [confusable_pattern(TAG_NAMES), SPECIAL_TOKENS.to_owned()];
    let [brackets, headings, keys, methods] =
        [BRACKET_TAGS, HEADINGS, TOOL_KEYS, METHODS].map(confusable_pattern);
    let quote = "[\"'`]{0,2}";
    let form = |pattern: String, replacements| MarkupPattern {
        pattern: Regex::new(&pattern).expect("the pattern is constant and compiled by the tests"),
        replacements,
    };
    let pair = |key: &str, value: &str| {
        form(format!(r#"[{{,"'`]\s*(?:{key}){quote}\s*(:)\s*{value}"#), &[" ="])
    };
    vec![
        // Tokens of ChatML, Llama 3, Harmony, DeepSeek and Command R: <|im_start|>.
        form(r"(<)\s*\|[^<>|\n]*\|\s*(>)".into(), &["(", ")"]),
        form(format!(r"(<)\s*\|\s*(?:{tags}|begin|start|end|fim)"), &["("]),
        // Llama 2's <<SYS>>.
        form(r"(<<)\s*/?\s*(?:sys|system)\s*(>>)".into(), &["((", "))"]),
        // XML with or without a namespace, and its comments.
        form(
            format!(r"(<)\s*[/?]?\s*(?:\w+\s*:\s*)?(?:{tags})(?:[\s/:=][^<>\n]*)?(>)"),
            &["(", ")"],
        ),
        form(format!(r"(<)[/?]?(?:\w+:)?(?:{tags})(?:[\s/:=]|$)"), &["("]),
        form(format!(r"(<)\s*/?\s*(?:{tokens})\s*/?\s*(>)"), &["(", ")"]),
        form(r"(<)!(?:--|\[cdata)".into(), &["("]),
        // [INST], and templates such as {{#system}}.
        form(format!(r"(\[)\s*/?\s*(?:{brackets})\s*(\])"), &["(", ")"]),
        form(format!(r"(\{{)[{{%]\s*[#~/-]*\s*(?:{tags}|gen|bos|eos)\b"), &["("]),
        // Alpaca's headings, and code fences with an info string.
        form(format!(r"(#{{2,}})\s*(?:{headings})\s*:"), &["#"]),
        form(format!(r"(```|~~~)\s*(?:{tags}|action|observation)\b"), &["'''"]),
        form(r"\bto(=)(?:functions|tool|python|browser|container|mcp)\b".into(), &[" "]),
        // Clients fetch Markdown images, and a Markdown link can hide its target.
        form(r"(!)\[[^\]\n]*\]\s*[(\[]".into(), &["! "]),
        form(r"\](\()\s*<?\s*(?:[a-z][a-z0-9+.-]*:|//|www\.)".into(), &[" ("]),
        // Tool calls as JSON.
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

/// Breaks all model markup in a text.
pub fn neutralize(text: &str) -> Cow<'_, str> {
    if !may_contain_markup(text) {
        return Cow::Borrowed(text);
    }
    let folded = FoldedText::of(text);
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    for MarkupPattern { pattern, replacements } in PATTERNS.iter() {
        for captures in pattern.captures_iter(&folded.text) {
            let groups = captures.iter().skip(1).zip(*replacements);
            edits.extend(groups.filter_map(|(group, replacement)| {
                let group = group?;
                Some((
                    folded.original_offset(group.start())..folded.original_offset(group.end()),
                    *replacement,
                ))
            }));
        }
    }
    edits.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
    let mut neutralized = String::with_capacity(text.len() + edits.len());
    let mut copied_to = 0;
    for (range, replacement) in edits {
        // Two patterns may match the same bracket.
        if range.start >= copied_to && !range.is_empty() {
            neutralized.push_str(&text[copied_to..range.start]);
            neutralized.push_str(replacement);
            copied_to = range.end;
        }
    }
    neutralized.push_str(&text[copied_to..]);
    Cow::Owned(neutralized)
}

/// Compiles the patterns and builds the table, so that the first message is not delayed.
pub fn warm_up() {
    Lazy::force(&PATTERNS);
    Lazy::force(&CHAR_TABLE);
}

/// Every form of markup contains at least one of these marks.
const MARKUP_MARKS: [char; 7] = ['<', ']', '{', '`', '~', '=', ':'];

/// The properties of all characters below [`CHAR_TABLE_END`]. A table, because nearly all text
/// consists of these characters and folding one takes far longer than a lookup.
static CHAR_TABLE: Lazy<Vec<MarkupChar>> =
    Lazy::new(|| ('\0'..CHAR_TABLE_END).map(MarkupChar::of).collect());

/// End of the table, exclusive. Symbols, East Asian scripts and emoji follow it.
const CHAR_TABLE_END: char = '\u{2100}';

/// The roles of a character in markup.
#[derive(Clone, Copy)]
struct MarkupChar {
    /// Whether the character, or one that it resembles, can start markup.
    can_start: bool,
    /// Whether the character resembles one of [`MARKUP_MARKS`].
    is_mark: bool,
}

impl MarkupChar {
    fn of(c: char) -> Self {
        Self { can_start: can_start(c), is_mark: is_mark(c) }
    }
}

/// Returns `false` if the text cannot contain markup.
fn may_contain_markup(text: &str) -> bool {
    let entry = |c: char| CHAR_TABLE.get(c as usize);
    text.chars().any(|c| entry(c).map_or_else(|| can_start(c), |entry| entry.can_start))
        && text.chars().any(|c| entry(c).map_or_else(|| is_mark(c), |entry| entry.is_mark))
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
            // proptest cannot generate text from `\b` and `$`.
            let pattern = pattern.as_str().replace(r"\b", "").replace("|$", "|");
            let matching = string_regex(&pattern).expect("proptest generates text for the pattern");
            let has_mark = |text: String| {
                prop_assert!(text.contains(MARKUP_MARKS), "{text}");
                Ok(())
            };
            TestRunner::default().run(&matching, has_mark).expect("every match contains a mark");
        }
    }

    #[test]
    fn markup_is_neutralized_with_minimal_edits() {
        for (text, neutralized) in [
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
            assert_eq!(neutralize(text), neutralized);
            assert_eq!(neutralize(neutralized), neutralized, "a second pass changes nothing");
        }
    }
}
