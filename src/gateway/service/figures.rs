//! [`GatewayFigures`]: the metrics of the gateway.

use metrics::Counter;

use super::answer::AnswerEvent;
use crate::kernel::figures::ToolsetFigures;

/// The metrics of the gateway.
pub(super) struct GatewayFigures {
    done: Counter,
    failed: Counter,
    credits: Counter,
}

impl GatewayFigures {
    pub fn new(figures: &ToolsetFigures) -> Self {
        let requests = |status| {
            let meaning = "Requests to language models that have ended.";
            figures.counter("random_connect_gateway_requests_total", meaning, &[("status", status)])
        };
        Self {
            done: requests("done"),
            failed: requests("failed"),
            credits: figures.counter(
                "random_connect_gateway_charged_microcredits_total",
                "Charges of requests to language models, in millionths of a credit.",
                &[],
            ),
        }
    }

    /// Counts the end of a request.
    pub fn record_end(&self, end: &AnswerEvent) {
        let bill = match end {
            AnswerEvent::Done(bill) => {
                self.done.increment(1);
                Some(bill.as_ref())
            }
            AnswerEvent::Failed(failed) => {
                self.failed.increment(1);
                failed.bill.as_ref()
            }
            _ => None,
        };
        let charged = bill.map_or(0, |bill| bill.charged.as_micros());
        self.credits.increment(u64::try_from(charged).unwrap_or_default());
    }
}
