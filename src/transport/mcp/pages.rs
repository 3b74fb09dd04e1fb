//! [`ListPages`]: the pages of the protocol's lists, with cursors that only this server can have issued.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rmcp::ErrorData;
use rmcp::model::PaginatedRequestParams;

use crate::kernel::id::IdHasher;

/// Maximum number of items on a page.
const PAGE_SIZE: usize = 200;

/// A list of the protocol. A cursor of one is not valid for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    Tools,
    Prompts,
    Resources,
    ResourceTemplates,
}

impl ListKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "templates",
        }
    }
}

/// Issues and checks cursors. Instances with the same secret accept each other's. Cheap to clone.
///
/// A cursor has the key of the last item and its keyed hash, so that a list that changes between two
/// requests repeats and skips nothing that stays.
#[derive(Clone)]
pub(super) struct ListPages(pub IdHasher);

impl ListPages {
    /// The requested page of `items`, and the cursor of the next one. `key` is unique in the list.
    ///
    /// # Errors
    /// Returns error -32602 if the cursor is not from this list, or its item is gone.
    pub(super) fn page<T>(
        &self,
        kind: ListKind,
        request: Option<PaginatedRequestParams>,
        mut items: Vec<T>,
        key: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), ErrorData> {
        if let Some(cursor) = request.and_then(|request| request.cursor) {
            let last = self
                .open(kind, &cursor)
                .and_then(|last| items.iter().position(|item| key(item) == last));
            let unknown = || ErrorData::invalid_params("Invalid params: unknown cursor.", None);
            items.drain(..=last.ok_or_else(unknown)?);
        }
        if items.len() <= PAGE_SIZE {
            return Ok((items, None));
        }
        items.truncate(PAGE_SIZE);
        let next = items.last().map(|item| self.seal(kind, key(item)));
        Ok((items, next))
    }

    fn mac(&self, kind: ListKind, key: &str) -> String {
        self.0.cursor_proof(kind.name(), key)
    }

    fn seal(&self, kind: ListKind, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {key}", self.mac(kind, key)))
    }

    /// The key in a cursor of this server for this list.
    fn open(&self, kind: ListKind, cursor: &str) -> Option<String> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (mac, key) = text.split_once(' ')?;
        let is_own =
            constant_time_eq::constant_time_eq(mac.as_bytes(), self.mac(kind, key).as_bytes());
        is_own.then(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    fn names(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("item {number}")).collect()
    }

    fn at(cursor: &str) -> PaginatedRequestParams {
        PaginatedRequestParams::default().with_cursor(Some(cursor.to_owned()))
    }

    #[test]
    fn list_pages_are_complete_and_in_order() {
        let pages = ListPages(IdHasher::random(&mut seeded_rng()));
        let page =
            |request, items| pages.page(ListKind::Tools, request, items, |item: &String| item);
        let (mut all, mut next) = page(None, names(0..450)).expect("a page");
        while let Some(cursor) = next {
            let (items, following) = page(Some(at(&cursor)), names(0..450)).expect("a page");
            all.extend(items);
            next = following;
        }
        assert_eq!(all, names(0..450));
        assert_eq!(page(None, names(0..200)).expect("a page").1, None, "no empty page follows");
    }

    #[test]
    fn list_cursor_of_others_is_refused() {
        let pages = ListPages(IdHasher::random(&mut seeded_rng()));
        let cursor = pages.seal(ListKind::Tools, "item 7");
        let page = |pages: &ListPages, kind, cursor: &str, count| {
            pages
                .page(kind, Some(at(cursor)), names(0..count), |item: &String| item)
                .map(|(items, _)| items.len())
        };
        assert_eq!(page(&pages, ListKind::Tools, &cursor, 10), Ok(2));
        let other = ListPages(IdHasher::random(&mut seeded_rng()));
        let forged = URL_SAFE_NO_PAD.encode("00 item 7");
        for refused in [
            page(&pages, ListKind::Prompts, &cursor, 10),
            page(&other, ListKind::Tools, &cursor, 10),
            page(&pages, ListKind::Tools, &forged, 10),
            page(&pages, ListKind::Tools, "", 10),
            page(&pages, ListKind::Tools, "%", 10),
            page(&pages, ListKind::Tools, &cursor, 5),
        ] {
            assert_eq!(refused.expect_err("refused").code, rmcp::model::ErrorCode::INVALID_PARAMS);
        }
    }
}
