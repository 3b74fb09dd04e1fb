//! Pages of usage and their export.

use std::time::Duration;

use random_connect::gateway::ledger::request::{Reservation, Settlement};
use random_connect::gateway::ledger::usage::{
    GatewayUsageRow, USAGE_PAGE_LIMIT, UsageFilter, UsageOrder, UsagePosition,
};

use super::backends::{
    LedgerBackend, START, account, ledger_backends, micros, reservation, settlement,
};

/// Settles requests of accounts 0 and 1 in turns, three in each second.
async fn settle_many(backend: &LedgerBackend, count: u32) {
    for number in 1..=count {
        let user = account(u8::try_from(number % 2).expect("small"));
        let start_credits = micros(1_000);
        backend
            .reserve(Reservation { account: user, start_credits, ..reservation(number, 1) })
            .await;
        let now = START + Duration::from_secs(u64::from(number / 3));
        backend.settle(Settlement { now, ..settlement(number, 1) }).await;
    }
}

/// All rows, read in pages of `limit`, with the number of pages.
async fn pages(
    backend: &LedgerBackend,
    filter: UsageFilter,
    limit: usize,
) -> (Vec<GatewayUsageRow>, usize) {
    let (mut rows, mut after, mut count) = (Vec::new(), None, 0);
    loop {
        let page = backend.store.usage(filter, after, limit).await.expect("the store is up");
        assert!(page.rows.len() <= limit);
        count += 1;
        rows.extend(page.rows);
        match page.next {
            // Clients pass the text of a position.
            Some(next) => after = Some(next.to_string().parse().expect("a position")),
            None => return (rows, count),
        }
    }
}

fn numbers(rows: &[GatewayUsageRow]) -> Vec<u64> {
    rows.iter().map(|row| row.usage.tokens.output_tokens.expect("a number")).collect()
}

#[tokio::test]
async fn gateway_ledger_usage_comes_in_pages_in_the_order_of_time() {
    for backend in ledger_backends().await {
        settle_many(&backend, 25).await;
        backend.reserve(reservation(99, 1)).await;
        let all: Vec<_> = (1..=25).collect();
        for (limit, count) in [(4, 7), (5, 5), (25, 1), (USAGE_PAGE_LIMIT, 1)] {
            let (rows, pages) = pages(&backend, UsageFilter::default(), limit).await;
            assert_eq!((numbers(&rows), pages), (all.clone(), count));
        }
        let newest = UsageFilter { order: UsageOrder::NewestFirst, ..UsageFilter::default() };
        let (rows, _) = pages(&backend, newest, 4).await;
        assert_eq!(numbers(&rows), all.iter().rev().copied().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn gateway_ledger_usage_is_filtered_by_account_and_time() {
    for backend in ledger_backends().await {
        settle_many(&backend, 25).await;
        let second = |second| Some(START + Duration::from_secs(second));
        let filter = UsageFilter {
            account: Some(account(1)),
            from: second(2),
            to: second(5),
            ..UsageFilter::default()
        };
        let (rows, _) = pages(&backend, filter, 2).await;
        assert_eq!(numbers(&rows), [7, 9, 11, 13]);
        assert!(rows.iter().all(|row| row.account == account(1)));
        let newest = UsageFilter { order: UsageOrder::NewestFirst, ..filter };
        assert_eq!(numbers(&pages(&backend, newest, 2).await.0), [13, 11, 9, 7]);
        let none = UsageFilter { account: Some(account(7)), ..UsageFilter::default() };
        assert_eq!(pages(&backend, none, 2).await, (Vec::new(), 1));
    }
}

#[test]
fn gateway_usage_position_that_no_page_returned_is_refused() {
    for text in [
        "",
        "-",
        "1",
        "1-2",
        "+1-00000000000000000000000000000001",
        "x-00000000000000000000000000000001",
    ] {
        assert!(text.parse::<UsagePosition>().is_err(), "{text:?}");
    }
}
