//! [`GatewayFigures`]: the metrics of the gateway, and [`GatewayStatus`], what the dashboard shows of it.
//!
//! `gen_ai.rs` has those about models, under the names of OpenTelemetry. No label has a text of a caller or an id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Gauge};
use serde::Serialize;

use super::answer::AnswerEvent;
use super::gen_ai::{GenAiFigures, MeasuredAnswer};
use crate::gateway::catalog::model::Catalog;
use crate::gateway::error::GatewayErrorCode;
use crate::gateway::ledger::request::SettledRequest;
use crate::gateway::money::MicroCredits;
use crate::gateway::routing::attempt::AttemptRecord;
use crate::gateway::routing::breakers::TargetHealth;
use crate::kernel::figures::ToolsetFigures;
use crate::kernel::latency::{LatencyHistogram, LatencySnapshot};

/// The metrics of the gateway.
pub(super) struct GatewayFigures {
    figures: ToolsetFigures,
    done: Counter,
    failed: Counter,
    /// In the order of [`GatewayErrorCode::ALL`].
    errors: Vec<Counter>,
    failovers: Counter,
    charged: Counter,
    uncollected: Counter,
    pub open_holds: Gauge,
    gen_ai: GenAiFigures,
    totals: GatewayTotals,
}

/// Totals for the dashboard, because the recorder can only be read as text.
#[derive(Default)]
struct GatewayTotals {
    requests: AtomicU64,
    failed: AtomicU64,
    tokens: AtomicU64,
    charged: AtomicU64,
    first_tokens: LatencyHistogram,
}

/// The state of the gateway on this instance, for the dashboard. Totals are since the start.
#[derive(Clone)]
pub struct GatewayStatus {
    /// Requests that have ended.
    pub requests: u64,
    /// Requests without a complete answer.
    pub failed: u64,
    /// Tokens of input and output.
    pub tokens: u64,
    /// In millionths of a credit.
    pub charged: u64,
    pub open_holds: usize,
    /// Times to the first token of streamed answers.
    pub first_tokens: LatencySnapshot,
    /// The providers that have a key, in the order of their names.
    pub providers: Vec<ProviderStatus>,
}

/// The state of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderStatus {
    pub name: String,
    /// Pairs of a key and a model that were used.
    pub used: usize,
    /// Pairs that get no request, because they fail.
    pub open: usize,
}

impl GatewayFigures {
    pub fn new(figures: &ToolsetFigures) -> Self {
        let counter = |name, meaning| figures.counter(name, meaning, &[]);
        let requests = |status| {
            let meaning = "Requests to language models that have ended.";
            figures.counter("random_connect_gateway_requests_total", meaning, &[("status", status)])
        };
        let errors = |code: &GatewayErrorCode| {
            let meaning = "Requests to language models that were refused or ended with an error.";
            let labels = [("code", code.name())];
            figures.counter("random_connect_gateway_errors_total", meaning, &labels)
        };
        Self {
            done: requests("done"),
            failed: requests("failed"),
            errors: GatewayErrorCode::ALL.iter().map(errors).collect(),
            failovers: counter(
                "random_connect_gateway_failovers_total",
                "Requests that another target was asked for, because one has failed.",
            ),
            charged: counter(
                "random_connect_gateway_charged_microcredits_total",
                "Charges of requests to language models, in millionths of a credit.",
            ),
            uncollected: counter(
                "random_connect_gateway_uncollected_microcredits_total",
                "Parts of prices that accounts could not pay, in millionths of a credit.",
            ),
            open_holds: figures.gauge(
                "random_connect_gateway_open_holds",
                "Requests of this instance whose charge is not stored.",
                &[],
            ),
            gen_ai: GenAiFigures::new(figures),
            totals: GatewayTotals::default(),
            figures: figures.clone(),
        }
    }

    /// Counts the end of a request.
    pub fn record_end(&self, end: &AnswerEvent) {
        self.totals.requests.fetch_add(1, Ordering::Relaxed);
        match end {
            AnswerEvent::Failed(failed) => {
                self.failed.increment(1);
                self.totals.failed.fetch_add(1, Ordering::Relaxed);
                self.record_error(failed.error.code);
            }
            _ => self.done.increment(1),
        }
    }

    /// Counts an error, also one of a request that was refused before it became one.
    pub fn record_error(&self, code: GatewayErrorCode) {
        let index = GatewayErrorCode::ALL.iter().position(|other| *other == code);
        if let Some(counter) = index.and_then(|index| self.errors.get(index)) {
            counter.increment(1);
        }
    }

    pub fn record_failover(&self) {
        self.failovers.increment(1);
    }

    /// Measures the requests to providers.
    pub fn record_attempts(&self, attempts: &[AttemptRecord]) {
        self.gen_ai.record_attempts(attempts);
    }

    /// Measures an answer that had a hold.
    pub fn record_answer(&self, answer: &MeasuredAnswer<'_>) {
        self.gen_ai.record_answer(answer);
        self.totals.tokens.fetch_add(answer.usage.total(), Ordering::Relaxed);
        if let Some(first) = answer.first_token.filter(|_| answer.is_streamed) {
            self.totals.first_tokens.record(first);
        }
    }

    /// Counts a charge, once it is stored.
    pub fn record_charge(&self, settled: &SettledRequest) {
        let micros = |amount: MicroCredits| u64::try_from(amount.as_micros()).unwrap_or_default();
        self.charged.increment(micros(settled.charged));
        self.uncollected.increment(micros(settled.uncollected));
        self.totals.charged.fetch_add(micros(settled.charged), Ordering::Relaxed);
    }

    /// Sets the states of the breakers. A key is named by its number in the configuration, from 1.
    pub fn record_breakers(&self, targets: &[TargetHealth], catalog: &Catalog) {
        for TargetHealth { target, open_until } in targets {
            let provider = catalog.provider(&target.provider);
            let place = provider
                .and_then(|found| found.variables.iter().position(|name| *name == target.variable));
            let credential = place.map_or(0, |place| place + 1).to_string();
            let labels = [
                ("provider", target.provider.as_str()),
                ("credential", &credential),
                ("model", &target.model),
            ];
            let meaning = "1 while a model gets no requests with a key, because they fail.";
            let gauge = self.figures.gauge("random_connect_gateway_breaker_open", meaning, &labels);
            gauge.set(if open_until.is_some() { 1.0 } else { 0.0 });
        }
    }

    pub fn status(
        &self,
        open_holds: usize,
        targets: &[TargetHealth],
        catalog: &Catalog,
    ) -> GatewayStatus {
        let GatewayTotals { requests, failed, tokens, charged, first_tokens } = &self.totals;
        let total = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let with_key = catalog.providers().filter(|provider| !provider.keys.is_empty());
        let status = |name: &str| ProviderStatus { name: name.to_owned(), used: 0, open: 0 };
        let mut providers: BTreeMap<_, _> =
            with_key.map(|provider| (provider.name.as_str(), status(&provider.name))).collect();
        for TargetHealth { target, open_until } in targets {
            if let Some(provider) = providers.get_mut(target.provider.as_str()) {
                provider.used += 1;
                provider.open += usize::from(open_until.is_some());
            }
        }
        GatewayStatus {
            requests: total(requests),
            failed: total(failed),
            tokens: total(tokens),
            charged: total(charged),
            open_holds,
            first_tokens: first_tokens.snapshot(),
            providers: providers.into_values().collect(),
        }
    }
}
