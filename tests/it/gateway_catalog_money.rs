//! Costs, holds and sizes of prompts: properties, and examples that are computed by hand.

use std::sync::Arc;

use proptest::prelude::*;
use random_connect::gateway::catalog::hold::{BoundCandidate, HoldBound};
use random_connect::gateway::catalog::model::{Catalog, CatalogModel};
use random_connect::gateway::catalog::price::{
    PriceRow, PriceTier, TokenPrice, TokenPrices, input_tokens,
};
use random_connect::gateway::catalog::prompt::{PromptSize, text_tokens};
use random_connect::gateway::catalog::unpriced::unpriced_field;
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::model::ModelUsage;
use serde_json::{Map, Value, json};

const CASES: u32 = 256;

fn prices() -> impl Strategy<Value = TokenPrices> {
    let price = prop_oneof![0..=100_000_000_i64, 0..=i64::MAX].prop_map(TokenPrice::from_picos);
    proptest::array::uniform5(price).prop_map(
        |[input, cache_read, cache_write, long_cache_write, output]| TokenPrices {
            input,
            cache_read,
            cache_write,
            long_cache_write,
            output,
        },
    )
}

/// A row with up to three tiers, each at least as dear as the one before.
fn rows() -> impl Strategy<Value = PriceRow> {
    let tiers = proptest::collection::btree_map(1..=1_000_000_u64, prices(), 0..3);
    (prices(), tiers).prop_map(|(base, tiers)| {
        let mut last = base;
        let tiers = tiers.into_iter().map(|(above, prices)| {
            last = TokenPrices {
                input: prices.input.max(last.input),
                cache_read: prices.cache_read.max(last.cache_read),
                cache_write: prices.cache_write.max(last.cache_write),
                long_cache_write: prices.long_cache_write.max(last.long_cache_write),
                output: prices.output.max(last.output),
            };
            PriceTier { above, prices: last }
        });
        PriceRow::new(base, tiers.collect()).expect("ascending")
    })
}

fn counts() -> impl Strategy<Value = u64> {
    prop_oneof![0..=2_000_000_u64, 0..=u64::MAX]
}

/// Usages whose input fits into 64 bits.
fn usages() -> impl Strategy<Value = ModelUsage> {
    let count = || proptest::option::of(counts().prop_map(|count| count / 4));
    (count(), count(), count(), count(), count()).prop_map(|(input, read, write, long, output)| {
        ModelUsage {
            input_tokens: input,
            cache_read_tokens: read,
            cache_write_tokens: write,
            long_cache_write_tokens: long,
            output_tokens: output,
            reasoning_tokens: output,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn gateway_cost_is_within_the_hold_of_its_bounds(
        rows in proptest::collection::vec(rows(), 1..4),
        usage in usages(),
        slack in 0..1_000_u64,
        answers in 1..5_u32,
        chosen in any::<prop::sample::Index>(),
    ) {
        let row = chosen.get(&rows);
        let output = u32::try_from(usage.output_tokens.unwrap_or(0)).unwrap_or(u32::MAX);
        let usage = ModelUsage { output_tokens: Some(u64::from(output)), ..usage };
        let bound = input_tokens(&usage).saturating_add(slack);
        let candidates = rows.iter().map(|price| BoundCandidate { price, input_tokens: bound });
        let hold = HoldBound::of(candidates.clone(), answers, true).expect("candidates");
        prop_assert!(row.cost(&usage) <= hold.hold(output.div_ceil(answers)));
        if usage.long_cache_write_tokens.is_none() {
            let hold = HoldBound::of(candidates, answers, false).expect("candidates");
            prop_assert!(row.cost(&usage) <= hold.hold(output.div_ceil(answers)));
        }
    }

    #[test]
    fn gateway_cost_grows_with_every_count(row in rows(), usage in usages(), more in counts(), field in 0..5) {
        let mut larger = usage;
        let count = match field {
            0 => &mut larger.input_tokens,
            1 => &mut larger.cache_read_tokens,
            2 => &mut larger.cache_write_tokens,
            3 => &mut larger.long_cache_write_tokens,
            _ => &mut larger.output_tokens,
        };
        *count = Some(count.unwrap_or(0).saturating_add(more));
        prop_assert!(row.cost(&usage) <= row.cost(&larger));
        prop_assert!(MicroCredits::ZERO <= row.cost(&usage) && row.cost(&larger) <= MicroCredits::MAX);
    }

    #[test]
    fn gateway_max_output_is_the_largest_that_an_amount_pays_for(
        rows in proptest::collection::vec(rows(), 1..4),
        input_tokens in counts(),
        micros in prop_oneof![0..=1_000_000_000_i64, 0..MicroCredits::MAX.as_micros()],
        answers in 1..5_u32,
    ) {
        let amount = MicroCredits::from_micros(micros);
        let candidates = rows.iter().map(|price| BoundCandidate { price, input_tokens });
        let bound = HoldBound::of(candidates, answers, false).expect("candidates");
        match bound.max_output(amount) {
            None => prop_assert!(bound.hold(1) > amount),
            Some(most) => {
                prop_assert!(bound.hold(most) <= amount);
                prop_assert!(most == u32::MAX || bound.hold(most + 1) > amount);
            }
        }
    }

    #[test]
    fn gateway_prompt_size_covers_the_plain_text(text in "\\PC{0,200}", more in "\\PC{0,40}") {
        let catalog = Catalog::load(None).expect("a catalog");
        let body = |content: &str| body(json!({"messages": [{"role": "user", "content": content}]}));
        let size = PromptSize::of(&body(&text));
        for name in ["gpt-6-luna", "claude-haiku-5-5"] {
            let model = catalog.model(name).expect("a model");
            prop_assert!(size.input_tokens(model) > text_tokens(&text));
            // Tokens may merge at the seam.
            let longer = PromptSize::of(&body(&format!("{text}\n\n{more}")));
            prop_assert!(longer.input_tokens(model) + 4 >= size.input_tokens(model));
        }
    }
}

fn body(body: Value) -> Map<String, Value> {
    let Value::Object(body) = body else { panic!("{body} is no object") };
    body
}

fn model(name: &str) -> Arc<CatalogModel> {
    Arc::clone(Catalog::load(None).expect("a catalog").model(name).expect(name))
}

fn input(content: impl Into<Value>, name: &str) -> u64 {
    let content = content.into();
    let body = body(json!({"messages": [{"role": "user", "content": content}]}));
    PromptSize::of(&body).input_tokens(&model(name))
}

#[test]
fn gateway_prompt_size_has_a_margin_per_provider() {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(100);
    // With the role of the message.
    let tokens = text_tokens(&text) + 1;
    assert!((900..1_100).contains(&tokens), "{tokens}");
    assert_eq!(input(json!(text), "gpt-6-luna"), (tokens * 110).div_ceil(100) + 4 + 8);
    assert_eq!(input(json!(text), "claude-haiku-5-5"), (tokens * 125).div_ceil(100) + 4 + 8);
    let parts = json!([{"type": "text", "text": text}]);
    assert!(input(parts, "gpt-6-luna") <= (tokens * 110).div_ceil(100) + 16);
}

#[test]
fn gateway_prompt_size_covers_a_model_with_an_unknown_tokenizer_and_template() {
    let text = r#"
        [providers.local]
        format = "chat"
        base_url = "http://llama:8080/v1"
        credentials = ["LOCAL_API_KEY"]
        [models.local]
        provider = "local"
        max_input_tokens = 100000
        max_output_tokens = 1000
        price = { input = "1", output = "4" }
        [models."gpt-6-luna"]
        name = "luna-of-another"
    "#;
    let catalog = Catalog::load(Some(text)).expect("a catalog");
    let bound = |model: &str, content: &str| {
        let body = body(json!({"messages": [{"role": "user", "content": content}]}));
        PromptSize::of(&body).input_tokens(catalog.model(model).expect("a model"))
    };
    for model in ["local", "gpt-6-luna"] {
        // As counted by a server with SmolLM2-135M-Instruct, whose template adds a system message.
        assert!(bound(model, "Why is the sky blue?") >= 26);
        assert!(bound(model, "Name three colors.") >= 24);
        // Such a tokenizer has no more than the bytes of what its vocabulary lacks.
        let rare = "𓀀𓁀 𝔘𝔫𝔦 ".repeat(100);
        assert!(bound(model, &rare) > rare.len() as u64);
    }
    assert!(bound("claude-haiku-5-5", "Why is the sky blue?") < 26);
}

#[test]
fn gateway_prompt_size_counts_images_and_files() {
    let data = "A".repeat(40_000);
    let chat = json!([{"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}}]);
    assert_eq!(input(chat, "gpt-6-luna"), 12_000 + 2 + 4 + 8);
    let block = json!({"type": "image", "source": {"type": "base64", "data": data}});
    assert_eq!(input(json!([block]), "claude-haiku-5-5"), 4_784 + 2 + 4 + 8);
    let result = json!([{"type": "tool_result", "content": [block, block]}]);
    assert!((9_568..9_610).contains(&input(result, "claude-haiku-5-5")));
    let pdf = json!([{"type": "document", "source": {"type": "base64", "data": data}}]);
    assert!((40_000..40_020).contains(&input(pdf, "claude-haiku-5-5")));
    let chat_pdf = json!([{"type": "file", "file": {"file_data": data}}]);
    assert!((40_000..40_020).contains(&input(chat_pdf, "gpt-6-luna")));
    for stored in [
        json!([{"type": "file", "file": {"file_id": "file-1"}}]),
        json!([{"type": "document", "source": {"type": "url", "url": "https://a.example"}}]),
        json!([{"type": "document"}]),
    ] {
        assert_eq!(input(stored, "gpt-6-luna"), 922_000, "only the provider knows its size");
    }
    let call =
        json!([{"type": "tool_use", "input": {"type": "image", "text": "word ".repeat(5_000)}}]);
    assert!(input(call, "claude-haiku-5-5") > 5_000, "arguments are no image");
}

#[test]
fn gateway_prompt_size_counts_tools_and_schemas() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "description": "word ".repeat(500)}}});
    let size = |extra: Value| {
        let mut all = body(json!({"model": "x", "messages": [{"role": "user", "content": "Hi"}]}));
        all.extend(body(extra));
        PromptSize::of(&all).input_tokens(&model("gpt-6-luna"))
    };
    let plain = size(json!({}));
    assert!(plain < 20);
    assert!(size(json!({"system": "word ".repeat(500)})) > plain + 500);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": schema}});
    assert!(size(json!({"tools": [tool]})) > plain + 500 + 700);
    assert!(size(json!({"response_format": {"json_schema": schema}})) > plain + 500);
    assert!(size(json!({"something_new": schema})) > plain + 500);
}

#[test]
fn gateway_prompt_size_never_exceeds_the_model() {
    let text = "word ".repeat(300_000);
    assert_eq!(input(json!(text), "claude-haiku-4-5"), 200_000);
}

#[test]
fn gateway_prompt_size_has_answers_and_long_cache_writes() {
    let of = |extra: Value| PromptSize::of(&body(extra));
    assert_eq!(of(json!({})).answers(), 1);
    assert_eq!(of(json!({"n": 0})).answers(), 1);
    assert_eq!(of(json!({"n": 5})).answers(), 5);
    assert_eq!(of(json!({"n": u64::MAX})).answers(), u32::MAX);
    let cached = |control: Value| {
        let block = json!({"type": "text", "text": "a", "cache_control": control});
        let messages = of(json!({"messages": [{"role": "user", "content": [block.clone()]}]}));
        let system = of(json!({"system": [block.clone()]}));
        let tools = of(json!({"tools": [block]}));
        let all = [messages, system, tools].map(|size| size.long_cache_writes());
        assert!(all.iter().all(|long| *long == all[0]), "{all:?}");
        all[0]
    };
    assert!(!cached(json!({"type": "ephemeral"})));
    assert!(!cached(json!({"type": "ephemeral", "ttl": "5m"})));
    assert!(cached(json!({"type": "ephemeral", "ttl": "1h"})));
    assert!(of(json!({"prompt_cache_retention": "24h"})).long_cache_writes());
}

#[test]
fn gateway_request_that_costs_more_than_its_tokens_is_found() {
    let found = |extra: Value| unpriced_field(&body(extra));
    for (field, value) in [
        ("service_tier", json!("priority")),
        ("service_tier", json!(1)),
        ("speed", json!("fast")),
        ("inference_geo", json!("us")),
        ("web_search_options", json!({})),
        ("mcp_servers", json!([])),
        ("modalities", json!(["text", "audio"])),
        ("tools", json!([{"name": "f"}, {"type": "web_search_20250305"}])),
    ] {
        assert_eq!(found(json!({field: value})), Some(field));
    }
    for harmless in [
        json!({}),
        json!({"service_tier": "auto", "modalities": ["text"]}),
        json!({"service_tier": null, "audio": null}),
        json!({"tools": [{"type": "function"}, {"name": "web_search"}, {"type": "bash_20250124"}]}),
    ] {
        assert_eq!(found(harmless), None);
    }
}
