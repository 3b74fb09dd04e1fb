//! Receipts: how whoever handed out an answer learns whether it reached the caller.
//!
//! A tool that empties an inbox puts a [`Receipt`] into the request's [`ReceiptSlot`]. The
//! transport confirms it once the answer is written; dropped unconfirmed, for whatever reason, it
//! reports that the answer was lost.

use std::sync::Arc;

use parking_lot::Mutex;

/// A promise to tell, exactly once, whether an answer was delivered.
pub struct Receipt(Option<Box<dyn FnOnce(bool) + Send>>);

impl Receipt {
    /// `report` is called with `true` on [`Receipt::confirm`], with `false` when dropped without.
    /// It must not block: it may run in the middle of a connection's I/O.
    #[must_use]
    pub fn new(report: impl FnOnce(bool) + Send + 'static) -> Self {
        Self(Some(Box::new(report)))
    }

    /// A receipt for an answer that carried nothing worth keeping.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    pub fn confirm(mut self) {
        self.report(true);
    }

    fn report(&mut self, delivered: bool) {
        if let Some(report) = self.0.take() {
            report(delivered);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.report(false);
    }
}

/// Where a request's receipts wait for its answer to be written. Clones share the same slot.
#[derive(Clone, Default)]
pub struct ReceiptSlot(Arc<Mutex<Vec<Receipt>>>);

impl ReceiptSlot {
    pub fn put(&self, receipt: Receipt) {
        if receipt.0.is_some() {
            self.0.lock().push(receipt);
        }
    }

    /// Takes everything out; what is not confirmed afterwards counts as lost.
    #[must_use]
    pub fn take(&self) -> Vec<Receipt> {
        std::mem::take(&mut *self.0.lock())
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(act: impl FnOnce(Receipt)) -> Vec<bool> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        act(Receipt::new(move |delivered| seen.lock().push(delivered)));
        let log = log.lock();
        log.clone()
    }

    #[test]
    fn a_receipt_reports_once_confirmed_or_dropped() {
        assert_eq!(told(Receipt::confirm), [true]);
        assert_eq!(told(drop), [false]);
    }

    #[test]
    fn receipts_left_in_a_slot_that_goes_away_count_as_lost() {
        assert_eq!(told(|receipt| ReceiptSlot::default().put(receipt)), [false]);
    }
}
