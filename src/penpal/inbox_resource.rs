//! The inbox as a resource: how clients of protocol 2026-07-28, which has no notifications of one's
//! own making, learn of news. They listen for updates of it and read it.

/// What the inbox of a person is called.
pub const URI_TEMPLATE: &str = "penpal://inbox/{user_id}";

const URI_PREFIX: &str = "penpal://inbox/";

/// Whose inbox a URI names.
#[must_use]
pub fn user_id_of(uri: &str) -> Option<&str> {
    uri.strip_prefix(URI_PREFIX).filter(|user| !user.is_empty())
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
