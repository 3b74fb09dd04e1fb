//! [`GoalsUri`]: the resources that a URI names.

use jiff::civil::Date;

use crate::goals::item::id::{ItemId, ItemKind};

/// The scheme of the resources.
pub const SCHEME: &str = "selfos";

/// URI templates.
pub const PROFILE_TEMPLATE: &str = "selfos://users/{user_id}/profile";
pub const DAILY_TEMPLATE: &str = "selfos://users/{user_id}/daily/{date}";
pub const GOAL_TEMPLATE: &str = "selfos://goals/{goal_id}/context";

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoalsUri {
    Profile,
    /// The day; `None` for today.
    Daily(Option<Date>),
    Goal(ItemId),
}

impl GoalsUri {
    /// Parses a URI. `None` if there is no such resource.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let path = uri.strip_prefix("selfos://")?;
        let parts: Vec<_> = path.split('/').collect();
        match parts[..] {
            ["users", user, "profile"] if !user.is_empty() => Some(Self::Profile),
            ["users", user, "daily", "today"] if !user.is_empty() => Some(Self::Daily(None)),
            ["users", user, "daily", date] if !user.is_empty() => {
                date.parse().ok().map(|date| Self::Daily(Some(date)))
            }
            ["goals", id, "context"] => {
                let id: ItemId = id.parse().ok()?;
                (id.kind() == ItemKind::Goal).then_some(Self::Goal(id))
            }
            _ => None,
        }
    }
}

/// The user in a URI. `None` if it names none.
#[must_use]
pub fn user_of(uri: &str) -> Option<&str> {
    let user = uri.strip_prefix("selfos://users/")?.split('/').next();
    user.filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn goals_uris_of_another_form_name_no_resource() {
        for uri in [
            "selfos://users//profile",
            "selfos://users/me/profile/x",
            "selfos://users/me/daily/2027-13-01",
            "selfos://goals/t0123456789abcdef/context",
            "selfos://goals/x/context",
            "selfos://goals",
            "https://users/me/profile",
        ] {
            assert_eq!(GoalsUri::parse(uri), None, "{uri}");
        }
        let daily = GoalsUri::parse("selfos://users/me/daily/2027-01-15");
        assert_eq!(daily, Some(GoalsUri::Daily(Some(date(2027, 1, 15)))));
        assert_eq!(user_of("selfos://users/ann/daily/today"), Some("ann"));
        assert_eq!(user_of("selfos://goals/g0123456789abcdef/context"), None);
    }
}
