//! A crowd of invented users against moderation: who is suspended after a day of reports.
//!
//! The simulation runs the service and its rules on the store in memory. Seeds and time are fixed,
//! so that a result can be repeated. `--no-capture` shows the figures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::evidence::ReportReason;
use random_connect::moderation::history::ChatActivity;
use random_connect::moderation::penalty::Suspension;
use random_connect::moderation::service::{Complaint, ModerationService};
use random_connect::moderation::store_memory::MemoryModerationStore;

const HONEST: usize = 1_000;
/// Honest users who have chatted for a week. The others come on the day of the attack.
const REGULARS: usize = 800;
const ABUSERS: usize = 10;
const ATTACKERS: usize = 200;
const VICTIMS: usize = 20;

const MINUTE: Duration = Duration::from_secs(60);
const DAY_MINUTES: u32 = 24 * 60;
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Where the calls of the attackers come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Networks {
    /// Through Puch or a bridge, so that the network says nothing.
    Unknown,
    One,
    OneEach,
}

/// The part of the attackers in the chats with their victims.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Attack {
    /// They report at once.
    Silent,
    /// They make the victim write, and write nothing.
    OneSided,
    /// They chat like honest users before they report.
    Chatting,
}

const ATTACKS: [Attack; 3] = [Attack::Silent, Attack::OneSided, Attack::Chatting];

#[derive(Clone, Copy, Debug)]
struct Scenario {
    networks: Networks,
    /// `None` for a mixture.
    attack: Option<Attack>,
    /// Whether the attackers chat with each other for a day before the attack.
    aged: bool,
    attackers: usize,
    seed: u64,
}

/// The suspensions of one user during the attack.
#[derive(Clone, Copy, Default)]
struct Suspended {
    total: Duration,
    until: Option<Timestamp>,
}

struct Simulation {
    service: ModerationService,
    rng: StdRng,
    now: Timestamp,
    end: Timestamp,
    suspended: Vec<Suspended>,
}

struct Figures {
    /// Suspended for more than a minute in total.
    abusers: usize,
    honest: usize,
    longest_honest: Duration,
    shortest_abuser: Duration,
    poorly_rated_honest: usize,
    poorly_rated_abusers: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "abusers suspended {} of {ABUSERS} (shortest {} min), honest users suspended for more \
             than a minute {} (longest {} min), poorly rated: {} abusers, {} honest users",
            self.abusers,
            self.shortest_abuser.as_secs() / 60,
            self.honest,
            self.longest_honest.as_secs() / 60,
            self.poorly_rated_abusers,
            self.poorly_rated_honest,
        )
    }
}

const fn is_honest(user: usize) -> bool {
    user < HONEST
}

fn abusers() -> impl Iterator<Item = usize> {
    HONEST..HONEST + ABUSERS
}

fn minutes_before_start(minutes: u32) -> Timestamp {
    Timestamp::from_millis(START.as_millis() - u64::from(minutes) * 60_000)
}

fn id(user: usize) -> UserId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(user as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&user.to_be_bytes());
    UserId::from_bytes(bytes)
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let store = Arc::new(MemoryModerationStore::default());
        let keyring = Keyring::new(&[[7; 32]]);
        let service =
            ModerationService::new(store, keyring, None, StdRng::seed_from_u64(seed + 1_000));
        Self {
            service,
            rng: StdRng::seed_from_u64(seed),
            now: START,
            end: START + MINUTE * DAY_MINUTES,
            suspended: vec![Suspended::default(); HONEST + ABUSERS + ATTACKERS],
        }
    }

    async fn is_suspended(&self, user: usize) -> bool {
        let permissions = self.service.permissions(id(user), self.now).await;
        permissions.expect("the store is up").suspension.is_some()
    }

    async fn count_chat(&self, user: usize, partner: usize, at: Timestamp) {
        let counted = self.service.count_chat(id(user), id(partner), at).await;
        counted.expect("the store is up");
    }

    /// A week of ordinary chats of the regulars, and some of half the abusers.
    async fn seed_history(&mut self) {
        for user in 0..REGULARS {
            for _ in 0..self.rng.random_range(2..30) {
                let partner = self.rng.random_range(0..REGULARS);
                let at = minutes_before_start(self.rng.random_range(1..7 * DAY_MINUTES));
                self.count_chat(user, partner, at).await;
            }
        }
        for abuser in abusers().step_by(2) {
            for _ in 0..self.rng.random_range(3..30) {
                let partner = self.rng.random_range(0..REGULARS);
                let at = minutes_before_start(self.rng.random_range(1..3 * DAY_MINUTES));
                self.count_chat(abuser, partner, at).await;
            }
        }
    }

    /// Has `user` report `target`, and adds the suspension that follows.
    async fn report(
        &mut self,
        user: usize,
        target: usize,
        activity: ChatActivity,
        network: Option<UserId>,
    ) {
        let complaint = Complaint {
            reporter: id(user),
            reported: id(target),
            reason: ReportReason::parse("abuse"),
            transcript: Vec::new(),
            activity,
            network,
        };
        self.service.report(complaint, self.now).await.expect("the store is up");
        let permissions = self.service.permissions(id(target), self.now).await;
        let until = match permissions.expect("the store is up").suspension {
            None => return,
            Some(Suspension::Until(until)) => until,
            Some(Suspension::UntilReviewed) => self.end,
        };
        let suspended = &mut self.suspended[target];
        let from = suspended.until.map_or(self.now, |earlier| earlier.max(self.now));
        suspended.total += until.since(from);
        suspended.until = Some(until);
    }

    async fn rate(&self, user: usize, target: usize, good: bool, activity: ChatActivity) {
        let rated = self.service.rate(id(user), id(target), good, activity, self.now).await;
        rated.expect("the store is up");
    }

    /// An ordinary chat. Few are rated, and very few reported for no reason.
    async fn honest_chat(&mut self, user: usize, partner: usize) {
        if user == partner || self.is_suspended(user).await || self.is_suspended(partner).await {
            return;
        }
        self.count_chat(user, partner, self.now).await;
        if self.rng.random_bool(0.1) {
            let good = self.rng.random_bool(0.8);
            self.rate(user, partner, good, ChatActivity::MUTUAL).await;
        }
        if self.rng.random_bool(0.002) {
            self.report(user, partner, ChatActivity::MUTUAL, None).await;
        }
    }

    /// A chat of an abuser. Four to six of ten partners report it.
    async fn abusive_chat(&mut self, abuser: usize, partner: usize) {
        if self.is_suspended(abuser).await || self.is_suspended(partner).await {
            return;
        }
        let activity = ChatActivity { user_wrote: self.rng.random_bool(0.8), partner_wrote: true };
        if activity.both_wrote() {
            self.count_chat(partner, abuser, self.now).await;
        }
        let share = [0.4, 0.45, 0.5, 0.55, 0.6][abuser % 5];
        if self.rng.random_bool(share) {
            self.report(partner, abuser, activity, None).await;
        }
        if self.rng.random_bool(0.3) {
            self.rate(partner, abuser, false, activity).await;
        }
    }

    async fn attack(&mut self, attacker: usize, victim: usize, attack: Attack, networks: Networks) {
        if self.is_suspended(victim).await || self.is_suspended(attacker).await {
            return;
        }
        let activity = match attack {
            Attack::Silent => ChatActivity::default(),
            Attack::OneSided => ChatActivity { user_wrote: false, partner_wrote: true },
            Attack::Chatting => ChatActivity::MUTUAL,
        };
        if activity.both_wrote() {
            self.count_chat(attacker, victim, self.now).await;
        }
        let network = match networks {
            Networks::Unknown => None,
            Networks::One => Some(id(1_000_000)),
            Networks::OneEach => Some(id(1_000_000 + attacker)),
        };
        self.report(attacker, victim, activity, network).await;
        self.rate(attacker, victim, false, activity).await;
    }

    async fn figures(&self) -> Figures {
        let time = |user: usize| self.suspended[user].total;
        let count = |users: &mut dyn Iterator<Item = usize>| {
            users.filter(|user| time(*user) > MINUTE).count()
        };
        let mut poorly_rated = Vec::new();
        for user in 0..HONEST + ABUSERS {
            let permissions = self.service.permissions(id(user), self.end).await;
            if permissions.expect("the store is up").poorly_rated {
                poorly_rated.push(user);
            }
        }
        let honest_poorly_rated = poorly_rated.iter().filter(|user| is_honest(**user)).count();
        Figures {
            abusers: count(&mut abusers()),
            honest: count(&mut (0..HONEST)),
            longest_honest: (0..HONEST).map(time).max().unwrap_or_default(),
            shortest_abuser: abusers().map(time).min().unwrap_or_default(),
            poorly_rated_honest: honest_poorly_rated,
            poorly_rated_abusers: poorly_rated.len() - honest_poorly_rated,
        }
    }
}

/// Runs a day of the scenario. In each minute an attacker who has not reported a victim yet chats
/// with them, unless the victim is suspended, so that no report is wasted on a suspension.
async fn run(scenario: Scenario) -> Figures {
    let mut simulation = Simulation::new(scenario.seed);
    simulation.seed_history().await;
    let attackers: Vec<usize> = (HONEST + ABUSERS..HONEST + ABUSERS + scenario.attackers).collect();
    if scenario.aged {
        for (index, attacker) in attackers.iter().enumerate() {
            for step in 1..=2 {
                let partner = attackers[(index + step) % attackers.len()];
                let before = minutes_before_start(DAY_MINUTES);
                simulation.count_chat(*attacker, partner, before).await;
            }
        }
    }
    let everyone: Vec<usize> = (0..HONEST).collect();
    let victims: Vec<usize> = everyone.sample(&mut simulation.rng, VICTIMS).copied().collect();
    let mut next_attacker = [0; VICTIMS];
    for minute in 0..DAY_MINUTES {
        simulation.now = START + MINUTE * minute;
        for _ in 0..5 {
            let (user, partner) =
                (simulation.rng.random_range(0..HONEST), simulation.rng.random_range(0..HONEST));
            simulation.honest_chat(user, partner).await;
        }
        for abuser in abusers() {
            if simulation.rng.random_bool(40.0 / f64::from(DAY_MINUTES)) {
                let partner = simulation.rng.random_range(0..HONEST);
                simulation.abusive_chat(abuser, partner).await;
            }
        }
        for (index, victim) in victims.iter().enumerate() {
            let Some(attacker) = attackers.get(next_attacker[index]) else { continue };
            if simulation.is_suspended(*victim).await {
                continue;
            }
            next_attacker[index] += 1;
            let attack = scenario.attack.unwrap_or(ATTACKS[attacker % ATTACKS.len()]);
            simulation.attack(*attacker, *victim, attack, scenario.networks).await;
        }
    }
    let figures = simulation.figures().await;
    println!("{scenario:?}: {figures}");
    figures
}

fn scenario(networks: Networks, attack: Option<Attack>, seed: u64) -> Scenario {
    Scenario { networks, attack, aged: false, attackers: ATTACKERS, seed }
}

fn assert_holds(figures: &Figures) {
    assert!(figures.abusers >= 9, "{figures}");
    assert_eq!(figures.honest, 0, "{figures}");
    assert_eq!(figures.poorly_rated_honest, 0, "{figures}");
}

#[tokio::test]
async fn attack_from_one_network_suspends_only_abusers() {
    for seed in 0..2 {
        assert_holds(&run(scenario(Networks::One, None, seed)).await);
    }
}

#[tokio::test]
async fn attack_from_many_networks_suspends_only_abusers() {
    for seed in 0..2 {
        assert_holds(&run(scenario(Networks::OneEach, None, seed)).await);
    }
}

#[tokio::test]
async fn attack_through_puch_suspends_only_abusers() {
    for (seed, attack) in ATTACKS.into_iter().enumerate() {
        assert_holds(&run(scenario(Networks::Unknown, Some(attack), 10 + seed as u64)).await);
    }
}

/// Accounts that chat with each other for a day have a history, and are then as good as those of
/// honest users. An attack with them must fail for lack of numbers.
#[tokio::test]
async fn attack_by_aged_accounts_needs_a_crowd_per_victim() {
    for (attackers, most_suspended) in [(2, 0), (5, 3), (20, VICTIMS / 2), (ATTACKERS, VICTIMS)] {
        let scenario = Scenario {
            aged: true,
            attackers,
            ..scenario(Networks::Unknown, Some(Attack::Chatting), 20)
        };
        let figures = run(scenario).await;
        assert!(figures.abusers >= 9 && figures.honest <= most_suspended, "{figures}");
    }
}
