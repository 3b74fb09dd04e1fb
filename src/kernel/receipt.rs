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
///
/// Once the request is over the slot is closed, and a tool that comes too late with a receipt
/// learns at once that its answer is lost.
#[derive(Clone)]
pub struct ReceiptSlot(Arc<Mutex<Option<Vec<Receipt>>>>);

/// Keeps a slot open for as long as the request is being answered.
pub struct ReceiptCollector(ReceiptSlot);

impl ReceiptSlot {
    pub fn put(&self, receipt: Receipt) {
        // A receipt that finds the slot closed is dropped, but not while the slot is locked.
        let late = match self.0.lock().as_mut() {
            Some(receipts) => {
                receipts.push(receipt);
                None
            }
            None => Some(receipt),
        };
        drop(late);
    }
}

impl ReceiptCollector {
    #[must_use]
    pub fn new() -> Self {
        Self(ReceiptSlot(Arc::new(Mutex::new(Some(Vec::new())))))
    }

    #[must_use]
    pub fn handle(&self) -> ReceiptSlot {
        self.0.clone()
    }

    /// Whether no receipt waits here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.lock().as_ref().is_none_or(Vec::is_empty)
    }

    /// Closes the slot and takes everything out; what is not confirmed afterwards counts as lost.
    #[must_use]
    pub fn close(self) -> Vec<Receipt> {
        self.take_all()
    }

    fn take_all(&self) -> Vec<Receipt> {
        self.0.0.lock().take().unwrap_or_default()
    }
}

impl Default for ReceiptCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ReceiptCollector {
    fn drop(&mut self) {
        drop(self.take_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes_of(act: impl FnOnce(Receipt)) -> Vec<bool> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        act(Receipt::new(move |delivered| seen.lock().push(delivered)));
        let log = log.lock();
        log.clone()
    }

    #[test]
    fn receipt_reports_once_on_confirm_or_drop() {
        assert_eq!(outcomes_of(Receipt::confirm), [true]);
        assert_eq!(outcomes_of(drop), [false]);
    }

    #[test]
    fn receipt_left_in_a_dropped_collector_reports_lost() {
        assert_eq!(outcomes_of(|receipt| ReceiptCollector::new().handle().put(receipt)), [false]);
    }

    #[test]
    fn receipt_put_after_close_reports_lost() {
        let open = ReceiptCollector::new();
        let slot = open.handle();
        assert!(open.close().is_empty());
        assert_eq!(outcomes_of(|receipt| slot.put(receipt)), [false]);
    }
}
