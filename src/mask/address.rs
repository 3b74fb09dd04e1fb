//! What addresses look like: e-mail, UPI, profiles and chats, links, numbers handed to a site.
//!
//! What lives here: the patterns and the table of paths that lead to a post. What must not: what is done
//! about them (`contact.rs`).

use once_cell::sync::Lazy;
use regex::Regex;

pub(super) static EMAIL: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[a-z0-9._%+\u{80}-\u{10ffff}-]{1,64}@[a-z0-9\u{80}-\u{10ffff}-]+",
        r"(?:\.[a-z0-9\u{80}-\u{10ffff}-]+)*\.[a-z\u{80}-\u{10ffff}]{2,24}",
        // Spelt out: name (at) gmail dot com.
        r"|[a-z0-9._-]{2,64} {0,2}(?:\(at\)|\[at\]|\{at\}| at |@) {0,2}",
        r"(?:gmail|yahoo|hotmail|outlook|icloud|rediffmail|protonmail|proton|live|yandex|gmx)",
        r" {0,2}(?:\(dot\)|\[dot\]|\{dot\}|\.| dot ) {0,2}(?:com|in|co\.in|net|org|ru|de|fr|me|uk)(?-u:\b)",
    ))
});

pub(super) static UPI: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[a-z0-9._-]{2,64}@(?:ok(?:hdfcbank|icici|sbi|axis)|paytm|pt(?:yes|axis|sbi|hdfc)|ybl|ibl",
        r"|axl|upi|apl|yapl|rapl|wa(?:icici|sbi|axis|hdfcbank)|jio|airtel|freecharge|fbl|sbi",
        r"|hdfc(?:bank)?|icici|axis(?:bank|b)?|kotak(?:811|bank)?|indus|boi|cnrb|pnb|barodampay",
        r"|idfc(?:bank|first)?|federal|yesbank|yes[gp]|ikwik|jupiteraxis|naviaxis|slice|superyes",
        r"|timecosmos|tapicici|pingpay|dbs|hsbc|citi|rbl|aubank|equitas|idbi|mahb|uco|unionbank",
        r"|dlb|kbl|kvb|nsdl|postbank|phonepe|gpay|amazonpay|cred)(?-u:\b)",
    ))
});

/// How links start that open a chat, dial or show a profile. The rest is looked at in code.
pub(super) static LINK: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"(?:tel|sms|callto|facetime|whatsapp|viber|skype|sgnl|tg):(?://|[+0-9])",
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.)?(?:wa\.me|whatsapp\.com|t\.me|telegram\.(?:me|dog)",
        r"|instagram\.com|instagr\.am|ig\.me|snapchat\.com/(?:add|t)|facebook\.com|fb\.(?:com|me)",
        r"|m\.me|twitter\.com|x\.com|linkedin\.com/in|pinterest\.com",
        r"|discord\.gg|discord\.com/(?:users|invite)|signal\.(?:me|group)|kik\.me",
        r"|line\.me|viber\.me|linktr\.ee|onlyfans\.com|reddit\.com/u(?:ser)?|vk\.com|ok\.ru",
        r"|bsky\.app/profile|join\.skype\.com|zalo\.me|imo\.im)/",
        // Where a person's path starts with the sign.
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.)?(?:tiktok\.com|threads\.(?:net|com)|youtube\.com)/@",
    ))
});

/// Links of any kind, whose digits are no phone numbers.
pub(super) static ORDINARY: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"(?:https?|ftp|file|git|ssh|magnet|upi)://[^\s]+|www\.[^\s]+",
        r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,12}/[^\s]+",
    ))
});

/// A phone number handed to a site in its address.
pub(super) static PARAMETER: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[?&](?:phone|tel|mobile|mob|whatsapp|msisdn|contact|number|phonenumber|recipient)",
        r"=((?:\+|%2b)?[0-9]{7,15})",
        // A plus says the same anywhere in the path.
        r"|[/=#:]((?:\+|%2b)[0-9]{8,15})",
    ))
});

/// First parts of the path of platforms that lead to a post or a page, not to a person.
pub(super) const POSTS: [&str; 36] = [
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

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
}

/// Compiles the patterns now rather than at the first text.
pub(super) fn warm_up() {
    for pattern in [&EMAIL, &UPI, &LINK, &ORDINARY, &PARAMETER] {
        Lazy::force(pattern);
    }
}
