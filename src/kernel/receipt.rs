//! [`Receipt`]: reports to the author of an answer whether the answer reached the caller.
//!
//! A tool that empties an inbox puts a receipt into the request's [`ReceiptSlot`]. The transport
//! owns the [`ReceiptCollector`] and confirms each receipt once the answer is written. A receipt
//! that is dropped unconfirmed, for any reason, reports that the answer was lost.

use std::sync::Arc;

use parking_lot::Mutex;

/// A callback that reports exactly once whether an answer was delivered.
pub struct Receipt(Option<Box<dyn FnOnce(bool) + Send>>);

impl Receipt {
    /// Calls `report` with `true` on [`Receipt::confirm`], and with `false` if the receipt is
    /// dropped unconfirmed. `report` must not block, because it may run during a connection's I/O.
    #[must_use]
    pub fn new(report: impl FnOnce(bool) + Send + 'static) -> Self {
        Self(Some(Box::new(report)))
    }

    /// Creates a receipt for an answer that contains no items. It reports nothing.
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

/// Holds a request's receipts until its answer is written. Clones share the same slot.
///
/// The slot is closed when the request ends. A receipt that is put there later reports immediately
/// that its answer was lost.
#[derive(Clone)]
pub struct ReceiptSlot(Arc<Mutex<Option<Vec<Receipt>>>>);

/// Owns the [`ReceiptSlot`] of a request and closes it when dropped.
pub struct ReceiptCollector(ReceiptSlot);

impl ReceiptSlot {
    pub fn put(&self, receipt: Receipt) {
        // A closed slot drops the receipt. The drop follows the unlock, because it runs a callback.
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

    /// Returns `true` if the slot holds no receipt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.lock().as_ref().is_none_or(Vec::is_empty)
    }

    /// Closes the slot and returns its receipts. Each one that the caller drops unconfirmed reports
    /// a loss.
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

    fn outcomes_of(use_receipt: impl FnOnce(Receipt)) -> Vec<bool> {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&outcomes);
        use_receipt(Receipt::new(move |delivered| reported.lock().push(delivered)));
        let outcomes = outcomes.lock();
        outcomes.clone()
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
        let collector = ReceiptCollector::new();
        let slot = collector.handle();
        assert!(collector.close().is_empty());
        assert_eq!(outcomes_of(|receipt| slot.put(receipt)), [false]);
    }
}
