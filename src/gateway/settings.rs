//! [`SETTINGS`]: the table of the settings of the toolset, for the documentation.

use crate::kernel::settings::Setting;

/// The settings that [`read`](super::config::read) reads.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "OPENAI_API_KEY",
        default: "none",
        meaning: "Key of the provider `openai`. Without it, its models are not offered.",
    },
    Setting {
        name: "CLAUDE_API_KEY",
        default: "none",
        meaning: "Key of the provider `claude`. Without it, its models are not offered.",
    },
    Setting {
        name: "OPENAI_BASE_URL",
        default: "`https://api.openai.com/v1`",
        meaning: "Address of the provider `openai`, with `/v1`; any server with OpenAI's protocol. `http://` only for this machine and private networks.",
    },
    Setting {
        name: "CLAUDE_BASE_URL",
        default: "`https://api.anthropic.com`",
        meaning: "Address of the provider `claude`, without `/v1`. `http://` only for this machine and private networks.",
    },
    Setting {
        name: "GATEWAY_START_CREDITS",
        default: "`0`",
        meaning: "Credits of a new user, with up to six decimal places. A credit pays for one US dollar at list price.",
    },
    Setting {
        name: "GATEWAY_CONFIG",
        default: "none",
        meaning: "Path of `gateway.toml`, which changes the providers, models, prices and roles that ship with the server.",
    },
    Setting {
        name: "GATEWAY_PORT",
        default: "none",
        meaning: "Second port, other than `PORT`, which serves the gateway's WebSocket at `/`; 0 takes any free port.",
    },
    Setting {
        name: "GATEWAY_QUERY_TOKEN",
        default: "`off`",
        meaning: "`on` accepts a token as `?token=` in the address of the WebSocket. Proxies write addresses to their logs.",
    },
    Setting {
        name: "GATEWAY_MODEL_ACCOUNT",
        default: "none",
        meaning: "User whose account pays for the language model of the other toolsets; `random-connect gateway credit` tops it up. Without it, they have no language model.",
    },
    Setting {
        name: "GATEWAY_MODEL",
        default: "the cheapest",
        meaning: "Language model of the other toolsets.",
    },
    Setting {
        name: "GATEWAY_USAGE_DAYS",
        default: "`90`",
        meaning: "Days for which the usage of each request is stored, from 1 to 3650. Balances and their entries are stored without an end.",
    },
    Setting {
        name: "CREDIT_SERVICE_URL",
        default: "none",
        meaning: "Address of a service of yours that has the balances of the users, instead of the accounts here. `http://` only for this machine and private networks.",
    },
    Setting {
        name: "CREDIT_SERVICE_TOKEN",
        default: "none",
        meaning: "Token that authenticates this server to the service of `CREDIT_SERVICE_URL`.",
    },
    Setting {
        name: "AUTH_SERVICE_URL",
        default: "none",
        meaning: "Address of a service of yours that confirms JWTs and other signed tokens for the gateway. `http://` only for this machine and private networks.",
    },
    Setting {
        name: "AUTH_SERVICE_TOKEN",
        default: "none",
        meaning: "Token that authenticates this server to the service of `AUTH_SERVICE_URL`.",
    },
];
