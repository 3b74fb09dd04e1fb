//! Statements of lists, whose conditions depend on the filter.

use std::fmt::Write as _;

use super::values::letter;
use crate::goals::journal::store::ListFilter;

/// The number of items of a kind in some states, from the counts. `$3` is a list such as `|0|2|`, empty for all.
pub(in crate::goals) const COUNTED: &str = "SELECT CAST(coalesce(sum(count), 0) AS bigint) \
     FROM goals_counts WHERE owner = $1 AND kind = $2 \
     AND ($3 = '' OR $3 LIKE '%|' || CAST(state AS text) || '|%')";

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::goals) enum ListBind {
    Text(String),
    Number(i64),
}

/// A statement with its parameters, numbered from 1.
struct Statement {
    text: String,
    binds: Vec<ListBind>,
}

impl Statement {
    /// Adds a parameter, and returns its name.
    fn bind(&mut self, value: ListBind) -> String {
        self.binds.push(value);
        format!("${}", self.binds.len())
    }

    fn condition(&mut self, condition: &str, value: ListBind) {
        let name = self.bind(value);
        let _ = write!(self.text, " AND {}", condition.replace('?', &name));
    }

    fn text_condition(&mut self, condition: &str, value: Option<String>) {
        if let Some(value) = value {
            self.condition(condition, ListBind::Text(value));
        }
    }

    /// Begins with `select`, and has the conditions of the filter but the states.
    fn of(select: &str, owner: &str, filter: &ListFilter) -> Self {
        let mut statement = Self { text: select.to_owned(), binds: Vec::new() };
        let owner = statement.bind(ListBind::Text(owner.to_owned()));
        let kind = statement.bind(ListBind::Text(letter(filter.kind)));
        let bin = if filter.in_bin { "IS NOT NULL" } else { "IS NULL" };
        let from = format!(
            " FROM goals_items WHERE owner = {owner} AND kind = {kind} AND deleted_at {bin}"
        );
        statement.text.push_str(&from);
        let id = |id: &Option<crate::goals::item::id::ItemId>| id.as_ref().map(ToString::to_string);
        statement.text_condition("goal = ?", id(&filter.goal));
        statement.text_condition("task = ?", id(&filter.task));
        statement.text_condition("area = ?", id(&filter.area));
        statement.text_condition("day >= ?", filter.from.map(|day| day.to_string()));
        statement.text_condition("day <= ?", filter.to.map(|day| day.to_string()));
        let label =
            filter.label.as_ref().map(|label| format!("%|{}|%", escaped(&label.to_lowercase())));
        statement.text_condition("labels LIKE ? ESCAPE '\\'", label);
        statement
    }
}

/// A text in a pattern of LIKE.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The sort keys and bodies of the items of a filter behind `after`, at most `limit` in each state. Each state is a
/// separate query, which an index answers in order; the caller merges them.
pub(in crate::goals) fn list_items(
    owner: &str,
    filter: &ListFilter,
    after: Option<&str>,
    limit: usize,
) -> Vec<(String, Vec<ListBind>)> {
    let states = filter.states.iter().copied().map(Some);
    let states: Vec<_> = if filter.states.is_empty() { vec![None] } else { states.collect() };
    let of_state = |state: Option<u8>| {
        let mut statement = Statement::of("SELECT sort, body", owner, filter);
        if let Some(state) = state {
            statement.condition("state = ?", ListBind::Number(i64::from(state)));
        }
        statement.text_condition("sort > ?", after.map(str::to_owned));
        let limit = statement.bind(ListBind::Number(i64::try_from(limit).unwrap_or(i64::MAX)));
        let _ = write!(statement.text, " ORDER BY sort LIMIT {limit}");
        (statement.text, statement.binds)
    };
    states.into_iter().map(of_state).collect()
}

/// The number of items of a filter.
pub(in crate::goals) fn count_items(owner: &str, filter: &ListFilter) -> (String, Vec<ListBind>) {
    let mut statement = Statement::of("SELECT count(*)", owner, filter);
    if !filter.states.is_empty() {
        let states: Vec<_> = filter.states.iter().map(ToString::to_string).collect();
        let _ = write!(statement.text, " AND state IN ({})", states.join(", "));
    }
    (statement.text, statement.binds)
}
