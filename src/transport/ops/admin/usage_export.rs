//! [`UsageExport`]: the answer of `GET /admin/usage`, which is written page by page as the client reads it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::account_args::{AccountName, UsageExportArgs};
use super::accounts::{AccountAdmin, AccountError};
use crate::gateway::accounts::GatewayAccounts;
use crate::gateway::ledger::export::{USAGE_CSV_HEADER, usage_csv, usage_jsonl};
use crate::gateway::ledger::usage::{
    USAGE_PAGE_LIMIT, UsageFilter, UsageOrder, UsagePage, UsagePosition,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::store::StoreError;
use crate::moderation::admin::Operator;

/// Milliseconds before now that an export leaves out, because requests could be stored out of order while it is read.
const UNSETTLED_MS: i64 = 10_000;

/// The format of an export.
#[derive(Clone, Copy)]
enum ExportFormat {
    Csv,
    JsonLines,
}

impl ExportFormat {
    fn lines(self, page: &UsagePage) -> String {
        match self {
            Self::Csv => usage_csv(&page.rows),
            Self::JsonLines => usage_jsonl(&page.rows),
        }
    }
}

/// An export whose first page is read.
pub(super) struct UsageExport {
    accounts: Arc<GatewayAccounts>,
    filter: UsageFilter,
    format: ExportFormat,
    first: UsagePage,
}

/// The rest of an export.
enum ExportRest {
    /// Lines to write, and the place to continue after.
    Lines(String, Option<UsagePosition>),
    After(UsagePosition),
    End,
}

impl UsageExport {
    /// Reads the first page, so that the client gets an error as such.
    ///
    /// # Errors
    /// Returns [`AccountError`] if the query is not valid or the accounts are unavailable.
    pub async fn start(
        admin: &AccountAdmin,
        args: &UsageExportArgs,
        by: &Operator,
    ) -> Result<Self, AccountError> {
        let format = match args.format.as_deref() {
            None | Some("csv") => ExportFormat::Csv,
            Some("jsonl") => ExportFormat::JsonLines,
            Some(_) => return Err(AccountError::NoFormat),
        };
        let name = AccountName { user: args.user.as_deref(), account: args.account.as_deref() };
        let account = match name {
            AccountName { user: None, account: None } => None,
            name => Some(admin.account(name)?),
        };
        let time = |text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| Timestamp::parse(text).ok_or(AccountError::NoTime)).transpose()
        };
        let (from, to) = (time(&args.from)?, time(&args.to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(AccountError::NoPeriod);
        }
        let end = admin.accounts.now().shifted(-UNSETTLED_MS);
        let to = Some(to.map_or(end, |to| to.min(end)));
        let filter = UsageFilter { account, from, to, order: UsageOrder::OldestFirst };
        let scope =
            account.map_or("all accounts".to_owned(), |account| format!("account {account}"));
        admin.audit(&format!("exported the usage of {scope}"), by).await?;
        let first = admin.accounts.usage(filter, None, USAGE_PAGE_LIMIT).await?;
        Ok(Self { accounts: Arc::clone(&admin.accounts), filter, format, first })
    }
}

impl IntoResponse for UsageExport {
    fn into_response(self) -> Response {
        let Self { accounts, filter, format, first } = self;
        let (content_type, file, header) = match format {
            ExportFormat::Csv => ("text/csv; charset=utf-8", "usage.csv", USAGE_CSV_HEADER),
            ExportFormat::JsonLines => ("application/jsonl", "usage.jsonl", ""),
        };
        let start = ExportRest::Lines(header.to_owned() + &format.lines(&first), first.next);
        // An error breaks the connection off, so that a client can't take a part for the whole.
        let body = stream::try_unfold(start, move |rest| {
            let accounts = Arc::clone(&accounts);
            async move {
                let (lines, next) = match rest {
                    ExportRest::End => return Ok::<_, StoreError>(None),
                    ExportRest::Lines(lines, next) => (lines, next),
                    ExportRest::After(position) => {
                        let page = accounts.usage(filter, Some(position), USAGE_PAGE_LIMIT).await?;
                        (format.lines(&page), page.next)
                    }
                };
                Ok(Some((lines, next.map_or(ExportRest::End, ExportRest::After))))
            }
        });
        let headers = [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        (headers, Body::from_stream(body)).into_response()
    }
}
