//! [`leads_to_person`]: whether a link to a platform opens a profile, or a post or page.
//!
//! This module contains the paths of posts and pages. Finding links must not be here, but in
//! `contact.rs`. To recognize another kind of page, add the first segment of its path to
//! [`POST_PATHS`].

/// First path segments that lead to a post or a page, not to a person.
const POST_PATHS: [&str; 36] = [
    "p",
    "reel",
    "reels",
    "tv",
    "explore",
    "stories",
    "watch",
    "events",
    "groups",
    "hashtag",
    "status",
    "i",
    "search",
    "home",
    "share",
    "sharer",
    "login",
    "help",
    "about",
    "legal",
    "privacy",
    "settings",
    "marketplace",
    "gaming",
    "permalink.php",
    "intent",
    "photo",
    "photos",
    "video",
    "videos",
    "posts",
    "notes",
    "download",
    "business",
    "business-api",
    "faq",
];

/// Returns `true` if the link leads to a person: it has a path that is not the path of a post.
pub(super) fn leads_to_person(link: &str) -> bool {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let Some((host, path)) = rest.split_once('/') else { return link.contains(':') };
    // A path after a hash is not a page of the platform, but a target inside its app.
    if path.starts_with('#') {
        return path.len() > 1;
    }
    let mut segments = path.split(['/', '?', '#']).filter(|segment| !segment.is_empty());
    let Some(first) = segments.next() else { return path.starts_with('?') };
    let is_post = POST_PATHS.contains(&first)
        || segments
            .any(|segment| matches!(segment, "status" | "posts" | "photos" | "videos" | "video"));
    !is_post || host.contains("whatsapp") && link.contains("phone=")
}
