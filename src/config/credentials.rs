//! The section of credentials beside `AUTH_TOKEN`: `OWNER`, `OWNER_TOKEN`, and those of signed tokens.

use super::toolsets::{CONNECT, ToolsetsConfig};
use crate::credentials::signed_tokens::SignedTokenSettings;
use crate::kernel::principal::Owner;
use crate::kernel::settings::{EchoValue, SettingsReader};
use crate::kernel::token::AuthTokens;

/// The credentials of users, each with what it proves. None by default.
#[derive(Clone, Debug, Default)]
pub struct CredentialsConfig {
    /// `OWNER`, the user of a single-user server.
    pub owner: Option<Owner>,
    /// `OWNER_TOKEN`, the owner's token. `None` if `AUTH_TOKEN` is.
    pub owner_tokens: Option<AuthTokens>,
    /// `JWT_*`, `OIDC_ISSUER`, `PUBLIC_URL` and `FIREBASE_PROJECT_ID`.
    pub signed_tokens: SignedTokenSettings,
}

/// Reads the section of a server with these `toolsets`, whose callers have `auth_tokens`.
pub(super) fn read(
    reader: &mut SettingsReader<'_>,
    auth_tokens: Option<&AuthTokens>,
    toolsets: &ToolsetsConfig,
) -> CredentialsConfig {
    let owner = reader.read("OWNER", EchoValue::Redacted, |name| {
        let expected =
            "a name without control characters that begins neither with oidc: nor with firebase:";
        Owner::named(name).map_err(|_| expected)
    });
    let owner_tokens = reader.read("OWNER_TOKEN", EchoValue::Redacted, |text| {
        let tokens = AuthTokens::parse(text)?;
        // The bearer of the one would have the data of the owner too.
        let is_shared = auth_tokens.is_some_and(|auth| auth.overlaps(&tokens));
        if is_shared { Err("another token than AUTH_TOKEN") } else { Ok(tokens) }
    });
    let has_owner = reader.is_set("OWNER");
    if has_owner && !reader.is_set("OWNER_TOKEN") && toolsets.has(CONNECT) {
        let expected = "a token for the owner, because Puch AI has AUTH_TOKEN while the toolset connect is enabled: generate one with `random-connect token`";
        reader.report_missing("OWNER_TOKEN", expected);
    }
    if reader.is_set("OWNER_TOKEN") && !has_owner {
        reader.report_missing("OWNER", "the name of the user whose token is OWNER_TOKEN");
    }
    let signed_tokens = SignedTokenSettings::read(reader, [auth_tokens, owner_tokens.as_ref()]);
    CredentialsConfig { owner, owner_tokens, signed_tokens }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::toolsets::tests::TABLE;
    use crate::kernel::settings::ConfigProblem;

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_lookup(TABLE, |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    fn problems(variables: &[(&str, &str)]) -> String {
        let problems = config(variables).err().unwrap_or_default();
        problems.iter().map(|problem| format!("{problem}\n")).collect()
    }

    #[test]
    fn config_owner_needs_a_token_that_puch_does_not_have() {
        let (owner, token) = (("OWNER", "ann"), ("OWNER_TOKEN", "a-token-of-the-owner-alone"));
        let connect = problems(&[owner]);
        assert!(
            connect.contains("OWNER_TOKEN=(not set)") && connect.contains("Puch AI has AUTH_TOKEN")
        );
        assert_eq!(problems(&[owner, token]), "");
        assert_eq!(problems(&[owner, ("TOOLSETS", "penpal")]), "");
        assert!(problems(&[token]).contains("OWNER=(not set)"));
        let foreign = problems(&[("OWNER", "oidc:https://id.example|ann"), token]);
        assert!(
            foreign.contains("OWNER=(not shown)") && !foreign.contains("id.example"),
            "{foreign}"
        );
        let same =
            problems(&[owner, ("OWNER_TOKEN", "the-same-token"), ("AUTH_TOKEN", "the-same-token")]);
        assert!(
            same.contains("OWNER_TOKEN=(not shown): expected another token than AUTH_TOKEN"),
            "{same}"
        );
    }

    #[test]
    fn config_jwt_secret_is_long_and_known_to_no_caller() {
        let secret = "a-secret-of-the-operator-of-32-b";
        let rotating = format!("{secret},{secret}-old");
        assert_eq!(problems(&[("JWT_SECRET", &rotating)]), "");
        let three = format!("{rotating},{secret}");
        for invalid in [&secret[1..], &format!("{secret},"), &format!("{secret},short"), &three] {
            let refused = problems(&[("JWT_SECRET", invalid)]);
            assert!(refused.contains("JWT_SECRET=(not shown): expected one secret"), "{refused}");
        }
        let shared = problems(&[("JWT_SECRET", &rotating), ("AUTH_TOKEN", secret)]);
        assert!(shared.contains("another secret than AUTH_TOKEN"), "{shared}");
        assert!(problems(&[("JWT_ISSUER", "me")]).contains("JWT_SECRET=(not set)"));
        let config = config(&[("JWT_SECRET", secret)]).expect("valid");
        assert!(!format!("{config:?}").contains(secret));
    }

    #[test]
    fn config_openid_issuer_needs_the_address_of_this_server() {
        let (issuer, url) = (("OIDC_ISSUER", "https://id.example"), "https://chat.example");
        assert!(problems(&[issuer]).contains("PUBLIC_URL=(not set)"));
        assert_eq!(problems(&[issuer, ("PUBLIC_URL", url)]), "");
        let insecure = problems(&[("OIDC_ISSUER", "http://id.example"), ("PUBLIC_URL", url)]);
        assert!(insecure.contains("OIDC_ISSUER=\"http://id.example\""), "{insecure}");
        for project in ["Chat", "a|b", "a", "https://chat.example"] {
            assert!(problems(&[("FIREBASE_PROJECT_ID", project)]).contains("the id of a project"));
        }
        assert_eq!(problems(&[("FIREBASE_PROJECT_ID", "chat-4711")]), "");
    }
}
