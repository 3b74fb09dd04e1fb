//! [`SETTINGS`]: name, default and meaning of the variables of the server, for the documentation.
//!
//! docs/settings.md is generated from this table, and tests compare it with the variables that
//! [`Config`](super::Config) reads and with `.env.example`.

use crate::kernel::settings::Setting;
use crate::kernel::toolset::row::ToolsetRow;

/// Every variable, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "AUTH_TOKEN",
        default: "generated for each run",
        meaning: "Token that callers send as `Authorization: Bearer`. While rotating, two tokens separated by a comma, the new one first.",
    },
    Setting {
        name: "HOST",
        default: "`0.0.0.0` with `AUTH_TOKEN`, else `127.0.0.1`",
        meaning: "IP address to listen on.",
    },
    Setting {
        name: "PORT",
        default: "`8086`",
        meaning: "Port to listen on; 0 takes any free port.",
    },
    Setting {
        name: "ALLOWED_HOSTS",
        default: "any",
        meaning: "Host names that callers may use, separated by commas, with or without a port.",
    },
    Setting {
        name: "ALLOWED_ORIGINS",
        default: "none",
        meaning: "Origins of web pages that may send requests, separated by commas, such as `https://app.example`. Pages of this server need no entry if its host is an IP address, `localhost` or in `ALLOWED_HOSTS`; every other page gets 403.",
    },
    Setting {
        name: "TRUSTED_PROXY",
        default: "`off`",
        meaning: "Source of client addresses: `off` for the connection, `on` for the last address in `X-Forwarded-For`, `fly` for Fly.io's `Fly-Client-IP`.",
    },
    Setting {
        name: "ADMIN_TOKEN",
        default: "none",
        meaning: "Token that enables `/admin` and `/admin/mcp` and is required there; it also opens what `MONITOR_TOKEN` opens. While rotating, two tokens separated by a comma.",
    },
    Setting {
        name: "MONITOR_TOKEN",
        default: "none",
        meaning: "Token that only reads: it opens `/metrics`, `/stats` and the dashboard. While rotating, two tokens separated by a comma.",
    },
    Setting {
        name: "OWNER",
        default: "none",
        meaning: "Name of the user of a single-user server, who owns the data of the toolsets that belong to a user. On standard input and output it defaults to `me`.",
    },
    Setting {
        name: "OWNER_TOKEN",
        default: "`AUTH_TOKEN`, if `connect` is not enabled",
        meaning: "Token of the owner: it acts for `OWNER`, and in chats as that user alone. Required with `OWNER` while `connect` is enabled, because Puch AI has `AUTH_TOKEN`. While rotating, two tokens separated by a comma.",
    },
    Setting {
        name: "JWT_SECRET",
        default: "none",
        meaning: "Secret of at least 32 bytes that JWTs of your users are signed with, by HS256; see [credentials.md](credentials.md#jwt). While rotating, two secrets separated by a comma, the new one first.",
    },
    Setting {
        name: "JWT_ISSUER",
        default: "any",
        meaning: "Value that the claim `iss` of JWTs must have.",
    },
    Setting {
        name: "JWT_AUDIENCE",
        default: "any",
        meaning: "Value that the claim `aud` of JWTs must contain.",
    },
    Setting {
        name: "OIDC_ISSUER",
        default: "none",
        meaning: "Issuer of an OpenID provider whose access tokens are accepted, exactly as its tokens have it: an `https://` URL. Needs `PUBLIC_URL`; see [credentials.md](credentials.md#openid-connect).",
    },
    Setting {
        name: "PUBLIC_URL",
        default: "none",
        meaning: "The `https://` URL of this server, without a path. Tokens of `OIDC_ISSUER` must have it, or it with `/mcp`, as an audience.",
    },
    Setting {
        name: "FIREBASE_PROJECT_ID",
        default: "none",
        meaning: "Firebase project whose ID tokens are accepted; see [credentials.md](credentials.md#firebase).",
    },
    Setting {
        name: "READ_ONLY",
        default: "`off`",
        meaning: "`on` hides every tool and resource that changes something from all callers, `handle_message` too.",
    },
    Setting {
        name: "LOG_LEVEL",
        default: "`info`",
        meaning: "Minimum level of log lines: `error`, `warn`, `info`, `debug` or `trace`.",
    },
    Setting {
        name: "LOG_FORMAT",
        default: "`text`",
        meaning: "Format of log lines: `text` or `json`.",
    },
    Setting {
        name: "TOOLSETS",
        default: "`connect`",
        meaning: "Enabled toolsets, separated by commas: see [toolsets](toolsets.md).",
    },
    Setting {
        name: "PLAYGROUND",
        default: "`on` when listening on localhost, else `off`",
        meaning: "Playground at `/`, and the penpal tools that it needs: `on` or `off`.",
    },
    Setting {
        name: "MAX_SESSIONS",
        default: "`10000`",
        meaning: "Maximum number of live sessions, from 1 to 1,000,000.",
    },
    Setting {
        name: "IDLE_TIMEOUT_SECS",
        default: "`1800`",
        meaning: "Seconds without a call until a user is evicted.",
    },
    Setting { name: "REAP_INTERVAL_SECS", default: "`30`", meaning: "Seconds between evictions." },
    Setting {
        name: "USE_CALLER_NICKNAMES",
        default: "`off`",
        meaning: "Use of the `user_nickname` that a caller passes, which may be a real name: `on` or `off`.",
    },
    Setting {
        name: "RATE_LIMITS",
        default: "`on`",
        meaning: "`on`, `off`, or limits such as `messages=30,same=3,searches=10,reports=10,commands=120,newcomers=600`: messages and equal messages per user and minute, searches per user in five minutes, reports per user and day, other actions per user and minute, new users per client network and minute (0 for no limit). Limits of toolsets are named `<toolset>.<limit>`.",
    },
    Setting {
        name: "LINKS",
        default: "`defang`",
        meaning: "Links in messages: `allow`, `defang` (not clickable until both sides have sent three messages) or `refuse`.",
    },
    Setting {
        name: "WORDS",
        default: "`off`",
        meaning: "Profanity in messages: `off`, `mask` (all but the first letter) or `refuse`.",
    },
    Setting {
        name: "NOTICE",
        default: "`on`",
        meaning: "Chat rules shown with a user's first partner: `on`, `require` (accept with `#agree` before the first match) or `off`.",
    },
    Setting {
        name: "REDIS_URL",
        default: "none",
        meaning: "Redis 7 or newer, or Valkey, for the lobby, moderation and rate limits: `redis://host:6379` or `rediss://:password@host:6379`. Needs `ID_SALT` and `INBOX_KEY`.",
    },
    Setting {
        name: "DATABASE_URL",
        default: "none",
        meaning: "SQL database: a file such as `sqlite:random-connect.db`, or `postgres://user:password@host/database`. It has the API keys. Without `REDIS_URL`, and on PostgreSQL always, it also has blocks, reports, ratings and bans. PostgreSQL needs `ID_SALT` and `INBOX_KEY`.",
    },
    Setting {
        name: "STATE_DB",
        default: "none",
        meaning: "Earlier name of `DATABASE_URL`, for SQLite only. Set one of the two.",
    },
    Setting {
        name: "ID_SALT",
        default: "with SQLite generated, else none",
        meaning: "Key that user ids are hashed with: at least 16 characters, the same on all instances and at every start.",
    },
    Setting {
        name: "INBOX_KEY",
        default: "with SQLite generated, else none",
        meaning: "Encryption key: 64 hex digits, the same on all instances and at every start. While rotating, two keys separated by a comma; the first encrypts.",
    },
    Setting {
        name: "WHATSAPP_TOKEN",
        default: "none",
        meaning: "Token for Meta's Graph API. The WhatsApp channel is on once this and the next three are set.",
    },
    Setting {
        name: "WHATSAPP_PHONE_NUMBER_ID",
        default: "none",
        meaning: "Numeric phone number id from Meta's dashboard.",
    },
    Setting {
        name: "WHATSAPP_VERIFY_TOKEN",
        default: "none",
        meaning: "Token that Meta shows when it verifies the webhook: ASCII characters without spaces.",
    },
    Setting {
        name: "WHATSAPP_APP_SECRET",
        default: "none",
        meaning: "Secret of the Meta app, which signs the webhook.",
    },
    Setting {
        name: "WHATSAPP_API_BASE",
        default: "`https://graph.facebook.com/v23.0`",
        meaning: "Base URL of the Graph API, with its version.",
    },
    Setting {
        name: "CALLBACK_URL",
        default: "none",
        meaning: "URL of a bridge that events are posted to. `http://` only for localhost and host names without a dot.",
    },
    Setting {
        name: "CALLBACK_SECRET",
        default: "none",
        meaning: "Secret that posted events are signed with; needed with `CALLBACK_URL`.",
    },
    Setting {
        name: "HTTPS_PROXY",
        default: "none",
        meaning: "Proxy for HTTPS requests to WhatsApp, the bridge and providers of tokens, by CONNECT, except to hosts in `NO_PROXY`. `http://` requests never use a proxy, which could read them; `HTTP_PROXY` and `ALL_PROXY` are ignored.",
    },
];

/// The settings of the server, and then those of the toolsets in `table`.
pub fn all_settings(table: &[ToolsetRow]) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(table.iter().flat_map(|row| row.settings))
}
