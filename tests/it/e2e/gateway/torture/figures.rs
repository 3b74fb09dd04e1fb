//! [`TortureFigures`]: the accounts, the reports of the clients and the invoice of the provider, compared.

use std::collections::HashMap;

use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::usage::{
    GatewayUsageRow, UsageFilter, UsageSource, UsageStatus,
};

use super::client::{ClientReport, CreditRefusal};
use super::database::{AccountState, TortureDatabase};
use super::{ANSWER, CREDIT, INPUT_PRICE, OUTPUT_PRICE, PROMPT, is_full, requests};
use crate::support::provider_stand_in::InvoiceRow;

/// The margin of a hold over what its tokens cost, because the input is estimated.
fn with_margin(amount: i64) -> i64 {
    amount * 13 / 10
}

fn cost(input: u64, output: u64) -> i64 {
    let tokens = |count: u64| i64::try_from(count).expect("few tokens");
    tokens(input) * INPUT_PRICE + tokens(output) * OUTPUT_PRICE
}

fn invoiced(rows: &[InvoiceRow]) -> i64 {
    rows.iter().map(|row| cost(row.input_tokens, row.output_tokens)).sum()
}

fn charged<'a>(rows: impl IntoIterator<Item = &'a GatewayUsageRow>) -> i64 {
    rows.into_iter().map(|row| row.charged.as_micros()).sum()
}

/// Removes the invoice row that a charge was computed from.
fn take_equal(invoice: &mut Vec<InvoiceRow>, row: &GatewayUsageRow) -> bool {
    let tokens = (row.usage.tokens.input_tokens, row.usage.tokens.output_tokens);
    let is_equal = |other: &InvoiceRow| {
        other.usage_sent && tokens == (Some(other.input_tokens), Some(other.output_tokens))
    };
    let position = invoice.iter().position(is_equal);
    position.map(|index| invoice.swap_remove(index)).is_some()
}

fn percent(part: i64, whole: i64) -> f64 {
    let per_mille = (part * 1_000).checked_div(whole).unwrap_or_default();
    f64::from(i32::try_from(per_mille).expect("a ratio")) / 10.0
}

/// Whether the account had less free than the request needs, and what the refusal says, at a moment between the request
/// and the refusal. Others see a state until the next change is committed, which is before the change after it.
fn is_right(refusal: &CreditRefusal, states: &[AccountState]) -> bool {
    let begin = states.partition_point(|state| state.at <= refusal.sent).saturating_sub(2);
    let in_time = states[begin..].iter().take_while(|state| state.at <= refusal.received);
    let least = cost(PROMPT as u64, 64);
    (least..with_margin(least)).contains(&refusal.needed)
        && refusal.available < refusal.needed
        && in_time.into_iter().any(|state| state.free == refusal.available)
}

/// The table of a run. Amounts are millionths of a credit.
#[derive(Debug)]
pub(super) struct TortureFigures {
    database: &'static str,
    clients_left: usize,
    credit: i64,
    charged: i64,
    charged_twice: i64,
    refusals: usize,
    wrong_refusals: Vec<CreditRefusal>,
    /// Requests whose usage the provider has sent, and their difference from the invoice.
    counted: usize,
    counted_drift: i64,
    /// Streams that broke or were cut, requests of the killed server, and the charge and the invoice of both.
    broken: usize,
    recovered: usize,
    estimated: i64,
    estimated_invoice: i64,
}

impl TortureFigures {
    pub(super) async fn of(
        database: &TortureDatabase,
        accounts: &dyn GatewayLedger,
        reports: &[ClientReport],
        mut invoice: Vec<InvoiceRow>,
    ) -> Self {
        let rows = usage(accounts).await;
        let states = database.states().await;
        let refusals = reports.iter().flat_map(|report| &report.refusals);
        let wrong = refusals.clone().filter(|refusal| !is_right(refusal, &states));
        let total = charged(&rows);
        let charged_twice = database.charged_twice().await + told_too_often(&rows, reports);
        let (counted, estimated): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.usage.source == UsageSource::Provider);
        let mut counted_drift = 0;
        for row in &counted {
            let tokens = &row.usage.tokens;
            let price = cost(tokens.input_tokens.unwrap_or(0), tokens.output_tokens.unwrap_or(0));
            counted_drift += (row.charged.as_micros() - price).abs();
            if !take_equal(&mut invoice, row) {
                counted_drift += price;
            }
        }
        let is_recovered = |row: &&GatewayUsageRow| row.usage.status == UsageStatus::Recovered;
        let recovered = estimated.iter().filter(is_recovered).count();
        Self {
            database: database.name(),
            clients_left: reports.iter().filter(|report| report.has_left).count(),
            credit: CREDIT * i64::try_from(requests()).expect("a number"),
            charged: total,
            charged_twice,
            refusals: refusals.clone().count(),
            wrong_refusals: wrong.copied().collect(),
            counted: counted.len(),
            counted_drift,
            broken: estimated.len() - recovered,
            recovered,
            estimated: charged(&estimated),
            estimated_invoice: invoiced(&invoice),
        }
    }

    fn print(&self, open_holds: u64) {
        let drift = percent(self.estimated - self.estimated_invoice, self.estimated_invoice);
        eprintln!(
            "\n| money torture, {} | {} requests, {} clients left, credit {} |\n|---|---:|\n\
             | charged | {} |\n| overspend | {} |\n| charged twice | {} |\n\
             | wrong refusals | {} of {} |\n\
             | drift with usage of the provider | {} in {} requests |\n\
             | drift without | {drift} % of {} in {} broken and {} recovered requests |\n\
             | open holds | {open_holds} |",
            self.database,
            requests(),
            self.clients_left,
            self.credit,
            self.charged,
            (self.charged - self.credit).max(0),
            self.charged_twice,
            self.wrong_refusals.len(),
            self.refusals,
            self.counted_drift,
            self.counted,
            self.estimated_invoice,
            self.broken,
            self.recovered,
        );
    }

    pub(super) fn check(&self, open_holds: u64) {
        self.print(open_holds);
        assert!(self.charged <= self.credit, "overspent");
        assert_eq!(self.charged_twice, 0);
        assert!(self.wrong_refusals.is_empty(), "{:?}", self.wrong_refusals);
        assert!(self.refusals > 0, "the credit was not used up");
        assert_eq!(self.counted_drift, 0);
        assert_eq!(open_holds, 0);
        assert!(self.recovered > 0, "the server was killed too late");
        let too_much = self.estimated - self.estimated_invoice;
        assert!(too_much * 20 <= self.estimated_invoice, "more charged than used");
        // What came since the last checkpoint is not charged, and a short answer on a busy machine is mostly that.
        assert!(!is_full() || -too_much * 20 <= self.estimated_invoice, "less charged than used");
    }
}

async fn usage(accounts: &dyn GatewayLedger) -> Vec<GatewayUsageRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = accounts.usage(UsageFilter::default(), after, 500).await.expect("rows");
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// The number of charges that clients were told and the log does not have.
fn told_too_often(rows: &[GatewayUsageRow], reports: &[ClientReport]) -> i64 {
    let mut counts: HashMap<i64, i64> = HashMap::new();
    rows.iter().for_each(|row| *counts.entry(row.charged.as_micros()).or_default() += 1);
    for charge in reports.iter().flat_map(|report| &report.charges) {
        *counts.entry(*charge).or_default() -= 1;
    }
    let repeated = reports.iter().filter(|report| report.charges.len() > 1).count();
    -counts.values().filter(|count| **count < 0).sum::<i64>()
        + i64::try_from(repeated).expect("few")
}

/// Checks the amounts of the accounts, and that no client was refused with credit left.
pub(super) async fn check_books(
    accounts: &dyn GatewayLedger,
    reports: &[ClientReport],
    figures: &TortureFigures,
) {
    let audit = accounts.audit().await.expect("a working database");
    assert!(audit.is_balanced(), "{audit:?}");
    assert_eq!(audit.balances.as_micros(), figures.credit - figures.charged);
    let rows = usage(accounts).await;
    assert!(rows.iter().all(|row| row.uncollected.as_micros() == 0), "the holds are bounds");
    let unexpected: Vec<_> = reports.iter().flat_map(|report| &report.unexpected).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    let has_credit = figures.credit - figures.charged >= with_margin(cost(PROMPT as u64, 64));
    assert!(!has_credit || !reports.iter().any(|report| report.gave_up), "credit is left");
    // A stream that breaks has half of the words.
    let price = cost(PROMPT as u64, ANSWER as u64 / 2);
    for row in rows.iter().filter(|row| row.usage.status == UsageStatus::Broken) {
        let difference = (row.charged.as_micros() - price).abs();
        assert!(difference * 20 <= price, "{row:?}, and {price} is its price");
    }
}
