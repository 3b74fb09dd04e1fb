//! [`Oracle`]: what a principal has by [`AccessPolicy::decide`], computed from a table of tools and resources.

use random_connect::kernel::access::{AccessDecision, AccessPolicy, AccessTarget};
use random_connect::kernel::permissions::AccessClass::{self, Destroy, Read, Write};
use random_connect::kernel::principal::Principal;

use crate::vault;

/// A tool or a resource: its toolset, its class, and its name or URI.
pub type Part = (&'static str, AccessClass, &'static str);

/// The tools of the toolsets that every program has.
const CHAT_TOOLS: [Part; 15] = [
    ("connect", Destroy, "handle_message"),
    ("connect", Read, "get_stats"),
    ("connect", Read, "validate"),
    ("connect", Read, "about"),
    ("connect", Read, "help"),
    ("penpal", Write, "enter_queue"),
    ("penpal", Write, "send_message"),
    ("penpal", Destroy, "say"),
    ("penpal", Write, "wait_for_message"),
    ("penpal", Destroy, "leave_chat"),
    ("penpal", Destroy, "block"),
    ("penpal", Destroy, "report"),
    ("penpal", Write, "set_typing"),
    ("penpal", Read, "get_history"),
    ("penpal", Write, "rejoin"),
];

/// The methods of the short form.
pub const SHORT_METHODS: [Part; 2] = [CHAT_TOOLS[0], CHAT_TOOLS[1]];

/// A template, and the URI of a resource that it describes.
pub struct Template {
    pub uri_template: Part,
    pub example: &'static str,
}

/// The inbox of the caller.
pub const INBOX: Template = Template {
    uri_template: ("penpal", Write, "penpal://inbox/{user_id}"),
    example: "penpal://inbox/me",
};

pub const NOTES: Template =
    Template { uri_template: ("vault", Read, vault::NOTES), example: "vault://notes/1" };

/// The resource that can be read and not watched.
pub const TOTAL: &str = "tally://total";

/// All that a server has for its principals.
pub struct Oracle {
    policy: AccessPolicy,
    pub tools: Vec<Part>,
    pub resources: Vec<Part>,
    pub templates: Vec<Template>,
    pub prompts: Vec<Part>,
}

impl Oracle {
    /// A server with the chat and penpals only.
    pub fn of_chat(read_only: bool) -> Self {
        let (tools, templates) = (CHAT_TOOLS.to_vec(), vec![INBOX]);
        let (resources, prompts) = (Vec::new(), Vec::new());
        Self { policy: AccessPolicy { read_only }, tools, resources, templates, prompts }
    }

    /// A server that also has the toolsets of the tests.
    pub fn of_all(read_only: bool) -> Self {
        let mut all = Self::of_chat(read_only);
        all.tools.push(("tally", Write, "tally_add"));
        all.tools.push(("tally", Destroy, "tally_clear"));
        all.resources.push(("tally", Read, TOTAL));
        all.prompts.push(("tally", Read, "tally_praise"));
        for (class, tool, uri) in vault::CLASSES {
            all.tools.push(("vault", class, tool));
            all.resources.push(("vault", class, uri));
        }
        all.templates.push(NOTES);
        all
    }

    /// The decision about a tool or a resource.
    pub fn decide(&self, principal: &Principal, (toolset, class, name): Part) -> AccessDecision {
        let names_users = ["connect", "penpal"].contains(&toolset);
        let target = AccessTarget { toolset, names_users, class, name: Some(name), alias: None };
        self.policy.decide(principal, &target)
    }

    pub fn allows(&self, principal: &Principal, part: Part) -> bool {
        self.decide(principal, part) == AccessDecision::Allowed
    }

    /// Returns `true` if a principal has a prompt, to which globs do not apply.
    pub fn allows_prompt(&self, principal: &Principal, (toolset, class, _): Part) -> bool {
        let target = AccessTarget { toolset, names_users: false, class, name: None, alias: None };
        self.policy.allows(principal, &target)
    }

    /// The names of those `parts` that a principal has, sorted.
    pub fn listed(&self, principal: &Principal, parts: &[Part]) -> Vec<&'static str> {
        let has = parts.iter().filter(|part| self.allows(principal, **part));
        let mut names: Vec<_> = has.map(|(_, _, name)| *name).collect();
        names.sort_unstable();
        names
    }
}
