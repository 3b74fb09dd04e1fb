//! Whether a link to a platform leads to a person, or to a post or a page.
//!
//! What lives here: the paths of posts. What must not: finding links (see `contact.rs`). To know
//! another kind of page: its first part in [`POSTS`].

/// First parts of the path of platforms that lead to a post or a page, not to a person.
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

/// Whether the link names somebody: it has a path, and the path is no post.
pub(super) fn leads_to_person(link: &str) -> bool {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let Some((host, path)) = rest.split_once('/') else { return link.contains(':') };
    // Behind a hash no page of the platform follows, but what its app is to open.
    if path.starts_with('#') {
        return path.len() > 1;
    }
    let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return path.starts_with('?') };
    let post = POST_PATHS.contains(&first)
        || parts.any(|part| matches!(part, "status" | "posts" | "photos" | "videos" | "video"));
    !post || host.contains("whatsapp") && link.contains("phone=")
}
