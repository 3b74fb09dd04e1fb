//! Lines of [`GatewayUsageRow`] as CSV and as JSON. Pure.

use serde::Serialize;
use serde_json::Value;

use super::usage::GatewayUsageRow;
use crate::gateway::money::MicroCredits;

/// The fields of a line, in the order of the columns. Times are ISO 8601 in UTC, amounts are credits: `A` is their
/// form.
#[derive(Serialize)]
struct ExportedUsage<'a, A> {
    at: String,
    account: String,
    hold: String,
    provider: &'a str,
    model: &'a str,
    response_model: Option<&'a str>,
    input_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    long_cache_write_tokens: Option<u64>,
    output_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    source: &'static str,
    charged: A,
    uncollected: A,
    status: &'static str,
    finish: Option<&'a str>,
    first_token_ms: Option<u64>,
    total_ms: u64,
    attempts: u32,
}

impl<'a, A> ExportedUsage<'a, A> {
    fn new(row: &'a GatewayUsageRow, amount: fn(MicroCredits) -> A) -> Self {
        let (usage, tokens) = (&row.usage, row.usage.tokens);
        Self {
            at: row.at.to_iso_8601(),
            account: row.account.to_hex(),
            hold: row.hold.to_hex(),
            provider: &usage.provider,
            model: &row.model,
            response_model: usage.response_model.as_deref(),
            input_tokens: tokens.input_tokens,
            cached_tokens: tokens.cache_read_tokens,
            cache_write_tokens: tokens.cache_write_tokens,
            long_cache_write_tokens: tokens.long_cache_write_tokens,
            output_tokens: tokens.output_tokens,
            reasoning_tokens: tokens.reasoning_tokens,
            source: usage.source.name(),
            charged: amount(row.charged),
            uncollected: amount(row.uncollected),
            status: usage.status.name(),
            finish: usage.finish.as_deref(),
            first_token_ms: usage.first_token_ms,
            total_ms: usage.total_ms,
            attempts: usage.attempts,
        }
    }
}

/// The first line of a CSV file, with the names of the columns.
pub const USAGE_CSV_HEADER: &str = "at,account,hold,provider,model,response_model,input_tokens,\
cached_tokens,cache_write_tokens,long_cache_write_tokens,output_tokens,reasoning_tokens,source,\
charged,uncollected,status,finish,first_token_ms,total_ms,attempts\n";

/// Lines of CSV (RFC 4180, with LF) without the header. A value that a provider or a client chose is quoted with an
/// apostrophe where a spreadsheet would calculate it.
#[must_use]
pub fn usage_csv(rows: &[GatewayUsageRow]) -> String {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for row in rows {
        let guarded = |text: &str| guard_formula(text);
        let (provider, model) = (guarded(&row.usage.provider), guarded(&row.model));
        let response_model = row.usage.response_model.as_deref().map(guarded);
        let finish = row.usage.finish.as_deref().map(guarded);
        let exported = ExportedUsage {
            provider: &provider,
            model: &model,
            response_model: response_model.as_deref(),
            finish: finish.as_deref(),
            ..ExportedUsage::new(row, |amount| amount.to_string())
        };
        // Writing to memory can't fail, and each row has the same fields.
        writer.serialize(exported).expect("a row is a record");
    }
    let bytes = writer.into_inner().expect("memory is written");
    String::from_utf8(bytes).expect("texts are UTF-8")
}

/// A row as a JSON object, with the fields of [`usage_jsonl`].
#[must_use]
pub fn usage_object(row: &GatewayUsageRow) -> Value {
    serde_json::to_value(ExportedUsage::new(row, |amount| amount)).expect("a row is an object")
}

/// Lines of JSON, one object each. Amounts are numbers.
#[must_use]
pub fn usage_jsonl(rows: &[GatewayUsageRow]) -> String {
    let mut lines = String::new();
    for row in rows {
        lines += &serde_json::to_string(&ExportedUsage::new(row, |amount| amount))
            .expect("a row is an object");
        lines.push('\n');
    }
    lines
}

/// Puts an apostrophe before a text that a spreadsheet would take for a formula: see
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
fn guard_formula(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::ledger::ids::HoldId;
    use crate::gateway::ledger::usage::{GatewayUsage, UsageSource, UsageStatus};
    use crate::kernel::clock::Timestamp;
    use crate::kernel::id::UserId;
    use crate::kernel::model::ModelUsage;

    fn row() -> GatewayUsageRow {
        GatewayUsageRow {
            account: UserId::from_bytes([1; 16]),
            hold: HoldId::from_bytes([2; 16]),
            model: "a \"small\", model".to_owned(),
            usage: GatewayUsage {
                provider: "openai".to_owned(),
                response_model: Some("=1+2".to_owned()),
                tokens: ModelUsage { input_tokens: Some(10), ..ModelUsage::default() },
                source: UsageSource::Provider,
                status: UsageStatus::Done,
                finish: None,
                first_token_ms: Some(20),
                total_ms: 300,
                attempts: 1,
            },
            charged: MicroCredits::from_micros(1_250_000),
            uncollected: MicroCredits::ZERO,
            at: Timestamp::from_millis(1_800_000_000_000),
        }
    }

    #[test]
    fn gateway_usage_export_is_csv() {
        let (account, hold) = ("01".repeat(16), "02".repeat(16));
        let line = format!(
            "2027-01-15T08:00:00.000Z,{account},{hold},openai,\"a \"\"small\"\", model\",'=1+2,10,,,,,,\
             provider,1.25,0,done,,20,300,1\n"
        );
        assert_eq!(usage_csv(&[row(), row()]), line.repeat(2));
        assert_eq!(usage_csv(&[]), "");
    }

    #[test]
    fn gateway_usage_export_is_jsonl_with_the_columns_of_csv() {
        let lines = usage_jsonl(&[row(), row()]);
        let (first, rest) = lines.split_once('\n').expect("a line");
        assert_eq!(rest, format!("{first}\n"));
        let object: serde_json::Value = serde_json::from_str(first).expect("JSON");
        assert_eq!(object["charged"], 1.25);
        assert_eq!(object["response_model"], "=1+2");
        assert_eq!(object["output_tokens"], serde_json::Value::Null);
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .serialize(ExportedUsage::new(&row(), |amount| amount.to_string()))
            .expect("a record");
        let csv = String::from_utf8(writer.into_inner().expect("memory")).expect("UTF-8");
        assert!(csv.starts_with(USAGE_CSV_HEADER), "{csv}");
    }
}
