//! [`AccessPermissions`]: the tools and resources that a credential grants, as a level, as scopes, or as
//! neither, narrowed by globs. Nothing is granted by default.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use thiserror::Error;

/// Effect of a tool or of reading a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessClass {
    /// Changes nothing.
    Read,
    /// Adds or changes data.
    Write,
    /// Moves data to the bin or ends something.
    Destroy,
    /// Acts for others, or can't be undone.
    Admin,
    /// Costs credits.
    Spend,
}

impl AccessClass {
    /// The class by a tool's annotations. A tool without them is for administrators.
    #[must_use]
    pub fn of_tool(tool: &Tool) -> Self {
        let annotations = tool.annotations.as_ref();
        let hint = |hint: fn(&ToolAnnotations) -> Option<bool>| annotations.and_then(hint);
        match (hint(|a| a.read_only_hint), hint(|a| a.destructive_hint)) {
            (Some(true), _) => Self::Read,
            (Some(false), Some(true)) => Self::Destroy,
            (Some(false), Some(false)) => Self::Write,
            _ => Self::Admin,
        }
    }
}

/// The level of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLevel {
    ReadOnly,
    ReadWrite,
    Admin,
}

impl AccessLevel {
    const fn includes(self, class: AccessClass) -> bool {
        match class {
            AccessClass::Read => true,
            AccessClass::Write | AccessClass::Destroy | AccessClass::Spend => {
                !matches!(self, Self::ReadOnly)
            }
            AccessClass::Admin => matches!(self, Self::Admin),
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read_only",
            Self::ReadWrite => "read_write",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for AccessLevel {
    type Err = InvalidPolicy;

    fn from_str(name: &str) -> Result<Self, InvalidPolicy> {
        match name {
            "read_only" => Ok(Self::ReadOnly),
            "read_write" => Ok(Self::ReadWrite),
            "admin" => Ok(Self::Admin),
            _ => Err(InvalidPolicy::Level),
        }
    }
}

/// A level or a glob that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPolicy {
    #[error("the level is one of read_only, read_write and admin")]
    Level,
    #[error(
        "a glob has 1 to 200 visible ASCII characters, of which * stands for any text; ?, [, ], {{ and }} are not supported"
    )]
    Glob,
}

/// A pattern for names of tools and URIs of resources. `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl FromStr for Glob {
    type Err = InvalidPolicy;

    fn from_str(pattern: &str) -> Result<Self, InvalidPolicy> {
        // Characters with a meaning in other globs would silently match nothing.
        let is_supported = |byte: u8| byte.is_ascii_graphic() && !b"?[]{}".contains(&byte);
        let is_valid = (1..=200).contains(&pattern.len()) && pattern.bytes().all(is_supported);
        if is_valid { Ok(Self(pattern.into())) } else { Err(InvalidPolicy::Glob) }
    }
}

impl Glob {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if the whole of `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let mut parts: Vec<_> = parts.collect();
        // Without a `*` there is no other part, and nothing may follow.
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            // The first place leaves the most for the parts that follow.
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

/// The globs of an API key: a name or its alias must match one of `allow`, if there are any, and
/// neither may match one of `deny`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globs {
    pub allow: Vec<Glob>,
    pub deny: Vec<Glob>,
}

impl Globs {
    fn admit(&self, name: &str, alias: Option<&str>) -> bool {
        let matches = |globs: &[Glob]| {
            let matching =
                |glob: &Glob| glob.matches(name) || alias.is_some_and(|alias| glob.matches(alias));
            globs.iter().any(matching)
        };
        (self.allow.is_empty() || matches(&self.allow)) && !matches(&self.deny)
    }
}

/// The scopes of a token, such as `goals:write`. One for writing includes reading, and one for
/// administration includes both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Box<str>>);

impl Scopes {
    /// Parses the value of a `scope` claim: names separated by spaces. Unknown names give nothing.
    #[must_use]
    pub fn parse(scope: &str) -> Self {
        Self(scope.split_ascii_whitespace().map(Box::from).collect())
    }

    fn has(&self, toolset: &str, action: &str) -> bool {
        self.0.iter().any(|scope| scope.split_once(':') == Some((toolset, action)))
    }

    fn include(&self, toolset: &str, class: AccessClass) -> bool {
        let has = |action| self.has(toolset, action);
        match class {
            AccessClass::Read => has("read") || has("write") || has("admin"),
            AccessClass::Write | AccessClass::Destroy => has("write") || has("admin"),
            AccessClass::Admin => has("admin"),
            AccessClass::Spend => self.has("gateway", "use"),
        }
    }
}

/// The scope that a token needs for a class of a toolset.
#[must_use]
pub fn required_scope(toolset: &str, class: AccessClass) -> String {
    let action = match class {
        AccessClass::Read => "read",
        AccessClass::Write | AccessClass::Destroy => "write",
        AccessClass::Admin => "admin",
        AccessClass::Spend => return "gateway:use".to_owned(),
    };
    format!("{toolset}:{action}")
}

/// The tools and resources that a credential grants. None by default.
#[derive(Clone, Debug, Default)]
pub struct AccessPermissions {
    grant: Grant,
    globs: Option<Arc<Globs>>,
}

#[derive(Clone, Debug, Default)]
enum Grant {
    #[default]
    Nothing,
    /// The toolsets whose callers name users.
    NamedUsers,
    Level(AccessLevel),
    Scopes(Scopes),
}

impl AccessPermissions {
    /// Everything in every toolset.
    #[must_use]
    pub const fn all() -> Self {
        Self::level(AccessLevel::Admin)
    }

    /// Everything in the toolsets whose callers name users, and nothing else.
    #[must_use]
    pub const fn connector() -> Self {
        Self { grant: Grant::NamedUsers, globs: None }
    }

    #[must_use]
    pub const fn level(level: AccessLevel) -> Self {
        Self { grant: Grant::Level(level), globs: None }
    }

    #[must_use]
    pub const fn scopes(scopes: Scopes) -> Self {
        Self { grant: Grant::Scopes(scopes), globs: None }
    }

    /// Returns `true` if a part of `toolset` is granted, by any name. `names_users` is `true` if callers of the toolset
    /// name users.
    #[must_use]
    pub fn include(&self, toolset: &str, names_users: bool, class: AccessClass) -> bool {
        match &self.grant {
            Grant::Nothing => false,
            Grant::NamedUsers => names_users,
            Grant::Level(level) => level.includes(class),
            Grant::Scopes(scopes) => scopes.include(toolset, class),
        }
    }

    /// The scopes of a token and `scope`, separated by spaces, for a client that asks for another token.
    #[must_use]
    pub fn with_scope(&self, scope: &str) -> String {
        let granted = if let Grant::Scopes(scopes) = &self.grant { &scopes.0[..] } else { &[] };
        // RFC 6749, section 3.3: other characters are no part of a scope.
        let is_scope = |scope: &&str| {
            scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        let granted = granted.iter().map(AsRef::as_ref).filter(|granted| *granted != scope);
        granted.filter(is_scope).chain([scope]).collect::<Vec<_>>().join(" ")
    }

    /// Returns `false` if a glob excludes the name of a tool or a URI of a resource.
    #[must_use]
    pub fn admit_name(&self, name: &str, alias: Option<&str>) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.admit(name, alias))
    }

    /// These permissions for the names that `globs` admit only.
    #[must_use]
    pub fn narrowed(self, globs: Globs) -> Self {
        Self { globs: Some(Arc::new(globs)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn access_glob_matches_as_a_regular_expression_does(
            pattern in "[ab*]{1,8}", name in "[ab]{0,12}",
        ) {
            let expression = format!("^{}$", pattern.replace('*', ".*"));
            let expected = regex::Regex::new(&expression).expect("valid").is_match(&name);
            prop_assert_eq!(pattern.parse::<Glob>().expect("a glob").matches(&name), expected);
        }
    }
}
