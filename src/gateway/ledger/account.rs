//! [`LedgerAccount`]: the arithmetic of an account. Pure; every backend uses it.

use super::limits::UsedLimits;
use crate::gateway::money::MicroCredits;

/// The state of a user's account. `0 <= held <= balance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerAccount {
    /// The sum of the entries.
    pub balance: MicroCredits,
    /// The sum of the open holds, which the balance contains.
    pub held: MicroCredits,
    /// Number of entries.
    pub entries: u64,
    /// The charges that a credit service has deducted.
    pub deducted: MicroCredits,
    pub used: UsedLimits,
}

/// A change of credit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// The balance would be less than what is held.
    BelowHeld,
    /// The balance would exceed [`MicroCredits::MAX`].
    TooLarge,
}

impl LedgerAccount {
    /// A new account. A negative credit counts as zero.
    #[must_use]
    pub fn opened(start_credits: MicroCredits) -> Self {
        let balance = start_credits.max(MicroCredits::ZERO);
        let entries = u64::from(balance > MicroCredits::ZERO);
        Self { balance, entries, ..Self::default() }
    }

    /// The part of the balance that is not held.
    #[must_use]
    pub const fn free(self) -> MicroCredits {
        self.balance.minus(self.held)
    }

    /// Holds `ask`, or what is free. Returns the amount; `None` if `least` is not free.
    pub fn hold(&mut self, ask: MicroCredits, least: MicroCredits) -> Option<MicroCredits> {
        let free = self.free();
        if free < least {
            return None;
        }
        let amount = ask.max(MicroCredits::ZERO).min(free);
        self.held = self.held.plus(amount);
        Some(amount)
    }

    /// Ends a hold of `amount` and charges at most it and what is free. Returns what is charged.
    pub fn settle(&mut self, amount: MicroCredits, charge: MicroCredits) -> MicroCredits {
        let charged = charge.max(MicroCredits::ZERO).min(self.free().plus(amount));
        self.held = self.held.minus(amount);
        self.balance = self.balance.minus(charged);
        self.entries += u64::from(charged > MicroCredits::ZERO);
        charged
    }

    /// Adds `amount`, which may be negative.
    ///
    /// # Errors
    /// Returns [`ChangeRefusal`] if the balance can't have that value.
    pub fn change(&mut self, amount: MicroCredits) -> Result<(), ChangeRefusal> {
        let balance = self.balance.plus(amount);
        if balance > MicroCredits::MAX && !amount.is_negative() {
            return Err(ChangeRefusal::TooLarge);
        }
        if balance < self.held {
            return Err(ChangeRefusal::BelowHeld);
        }
        self.balance = balance;
        self.entries += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(range: std::ops::Range<i64>) -> impl Strategy<Value = MicroCredits> {
        range.prop_map(MicroCredits::from_micros)
    }

    proptest! {
        #[test]
        fn gateway_account_never_owes(
            start in micros(-5..1_000),
            steps in prop::collection::vec((micros(-5..700), micros(0..700), micros(-900..900)), 0..30),
        ) {
            let mut account = LedgerAccount::opened(start);
            let mut open = Vec::new();
            for (ask, least, amount) in steps {
                let free = account.free();
                match account.hold(ask, least) {
                    Some(granted) => {
                        prop_assert!(free >= least && granted <= free);
                        open.push(granted);
                    }
                    None => prop_assert!(free < least),
                }
                let before = account;
                let expected = match account.change(amount) {
                    Ok(()) => before.balance.plus(amount),
                    Err(_) => before.balance,
                };
                prop_assert_eq!(account.balance, expected);
                if open.len() > 3 {
                    let granted = open.remove(0);
                    let (covered, balance) = (account.free().plus(granted), account.balance);
                    let charged = account.settle(granted, amount);
                    prop_assert_eq!(charged, amount.max(MicroCredits::ZERO).min(covered));
                    prop_assert_eq!(account.balance, balance.minus(charged));
                }
                let held = open.iter().fold(MicroCredits::ZERO, |sum, held| sum.plus(*held));
                prop_assert_eq!(account.held, held);
                prop_assert!(MicroCredits::ZERO <= held && held <= account.balance);
            }
        }
    }
}
