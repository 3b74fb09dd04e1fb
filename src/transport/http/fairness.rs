//! [`evictions`] chooses which holders of a shared resource make room for others.
//!
//! The rule needs no limit per network: a network only loses what it holds, and the one that holds
//! the most loses first. A proxy in front of all callers is one network, so that its oldest holders
//! give way, which are those that do not finish.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::kernel::client_network::ClientNetwork;

/// A connection or a request that can be evicted.
#[derive(Clone, Copy)]
pub struct Holder {
    pub network: ClientNetwork,
    /// Start of holding, in any unit that grows with time.
    pub since: u64,
    /// Amount that its eviction frees.
    pub amount: usize,
}

/// Indices of the holders to evict, so that at least `excess` is freed, or all of them. Each is the
/// oldest of the network that then holds the most.
pub fn evictions(holders: &[Holder], excess: usize) -> Vec<usize> {
    let mut networks: HashMap<ClientNetwork, (usize, Vec<usize>)> = HashMap::new();
    for (index, holder) in holders.iter().enumerate() {
        let (amount, indices) = networks.entry(holder.network).or_default();
        *amount += holder.amount;
        indices.push(index);
    }
    let oldest = |indices: &[usize]| indices.last().map(|index| Reverse(holders[*index].since));
    let mut by_amount: BinaryHeap<_> = networks
        .into_values()
        .map(|(amount, mut indices)| {
            indices.sort_unstable_by_key(|index| Reverse(holders[*index].since));
            (amount, oldest(&indices), indices)
        })
        .collect();
    let (mut evicted, mut freed) = (Vec::new(), 0);
    while freed < excess
        && let Some((amount, _, mut indices)) = by_amount.pop()
    {
        let Some(index) = indices.pop() else { continue };
        evicted.push(index);
        freed += holders[index].amount;
        by_amount.push((amount - holders[index].amount, oldest(&indices), indices));
    }
    evicted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(address: &str, since: u64, amount: usize) -> Holder {
        let network = ClientNetwork::from_ip(address.parse().expect("a valid address"));
        Holder { network, since, amount }
    }

    #[test]
    fn evictions_take_the_oldest_of_the_largest_network() {
        let holders = [
            holder("192.0.2.1", 1, 1),
            holder("2001:db8::1", 4, 1),
            holder("2001:db8::2", 3, 1),
            holder("2001:db8::3", 5, 1),
        ];
        assert_eq!(evictions(&holders, 1), [2]);
        assert_eq!(evictions(&holders, 2), [2, 1]);
        // Then each network holds one.
        assert_eq!(evictions(&holders, 3), [2, 1, 0]);
        assert_eq!(evictions(&holders, 9), [2, 1, 0, 3]);
        assert!(evictions(&holders, 0).is_empty() && evictions(&[], 1).is_empty());
    }

    #[test]
    fn evictions_weigh_networks_by_amount() {
        let holders =
            [holder("192.0.2.1", 2, 9), holder("192.0.2.2", 1, 4), holder("192.0.2.2", 3, 4)];
        assert_eq!(evictions(&holders, 9), [0]);
        assert_eq!(evictions(&holders, 10), [0, 1]);
    }
}
