//! The URIs of the inbox resource: [`URI_TEMPLATE`] and [`user_id_of`].
//!
//! Protocol 2026-07-28 has no custom notifications. Its clients subscribe to this resource instead,
//! and read it when it is updated. Reading and watching are in [`tools`](super::tools).

/// URI template of a user's inbox.
pub const URI_TEMPLATE: &str = "penpal://inbox/{user_id}";

const URI_PREFIX: &str = "penpal://inbox/";

/// Returns the raw user id in an inbox URI. `None` if the URI does not name an inbox.
#[must_use]
pub fn user_id_of(uri: &str) -> Option<&str> {
    uri.strip_prefix(URI_PREFIX).filter(|user_id| !user_id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_resource_uri_names_its_user() {
        assert_eq!(user_id_of("penpal://inbox/pal-1"), Some("pal-1"));
        assert_eq!(user_id_of(&URI_TEMPLATE.replace("{user_id}", "x")), Some("x"));
        assert!(["penpal://inbox/", "file:///x", ""].iter().all(|uri| user_id_of(uri).is_none()));
    }
}
