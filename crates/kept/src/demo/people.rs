//! The people of an example, all invented. They sign up, earn credits, renew or let their membership end, leave or come
//! back, and some dispute how their data is handled, as far as the notice has rules for it: day by day, through the same
//! functions as on a real site.

use std::{collections::BTreeMap, fs, io, path::Path};

use kept_accounts::{
    Email, Passwords, Profile, ROLES, enrol, give_role,
    import::{self, Batch},
    members::{self, NewMember},
};
use kept_keeper::{Act, Actor, Keeper, KeeperError};
use kept_notice::Notice;
use kept_vault::{Kind, SubjectId};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{DemoClock, DemoError, Example};

/// Everybody's password in the example.
pub const PASSWORD: &str = "violet kettle march orbit";
/// Who works there, with the secrets of their second factors: in the example's folder only.
pub(super) const STAFF: &str = "demo-staff.json";

/// For how many days one person a day signs up; after that, one every other day.
const BUSY_DAYS: i64 = 300;
/// How many days before its end members renew, if they do.
const RENEWS_BEFORE: i64 = 10;
const YEAR: i64 = 365;
/// How many days before the present the person whose sign-in is printed joins: a year of membership reaches beyond it.
const JOINED: i64 = 160;
/// How many days before the present people come over from elsewhere, where the notice names a source: the letters that
/// invite them are still there.
const TAKEN_OVER: i64 = 3;

/// Who comes over: given name, family name and address.
const NEWCOMERS: [[&str; 3]; 3] = [
    ["Iris", "Inkwell", NEWCOMER],
    ["Ivo", "Ironbridge", "ivo@example.test"],
    ["Ines", "Islay", "ines@example.test"],
];
/// The first of them.
pub(super) const NEWCOMER: &str = "iris@example.test";

const GIVEN: [&str; 30] = [
    "Ada", "Bram", "Celia", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Imani", "Jonas", "Kaia", "Lorenzo",
    "Mei", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sami", "Tova", "Umar", "Vera", "Wanda", "Xavi",
    "Yara", "Zeno", "Anouk", "Basil", "Corin", "Delia",
];
const FAMILY: [&str; 30] = [
    "Ashgrove",
    "Birchwater",
    "Coldbrook",
    "Dunmere",
    "Elmfield",
    "Fernhollow",
    "Greystone",
    "Hawthorne-Lake",
    "Ironbridge",
    "Juniper",
    "Kingsmoor",
    "Larkspur",
    "Mossbank",
    "Nightingale-Row",
    "Oakhurst",
    "Pinewood",
    "Quillfeather",
    "Rivermead",
    "Stonecroft",
    "Thistledown",
    "Underhill",
    "Violetfield",
    "Willowby",
    "Yarrow",
    "Zephyrine",
    "Amberly",
    "Brackenridge",
    "Cloudsley",
    "Driftwood",
    "Eastvale",
];
/// The trainers' courses.
pub(crate) const TRAINING: [&str; 6] = [
    "Strength for beginners",
    "Teaching older adults",
    "First aid refresher",
    "Programme design",
    "Anatomy of the shoulder",
    "Running a small studio",
];

/// The courses of the education provider.
pub(super) const ACCOUNTING: [&str; 4] =
    ["Ethics for accountants", "Reading a cash-flow statement", "Payroll basics", "Small-firm audits"];

/// Somebody whose sign-in is printed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Staff {
    /// What they are: `member`, `support`, `owner`.
    pub role: String,
    /// Their address.
    pub email: String,
    /// The secret of their second factor in base32; empty if they have none.
    pub secret: String,
}

/// The people whose sign-in is known, as the folder has them.
///
/// # Errors
/// The file cannot be read.
pub(super) fn staff_of(folder: &Path) -> io::Result<Vec<Staff>> {
    serde_json::from_slice(&fs::read(folder.join(STAFF))?).map_err(io::Error::other)
}

/// Lives through the example's history.
pub(super) async fn live(
    example: &Example,
    keeper: &Keeper,
    clock: &DemoClock,
    folder: &Path,
    base: &str,
) -> Result<Vec<Staff>, DemoError> {
    let mut dice = ChaCha20Rng::from_seed([7; 32]);
    let hash = Passwords::standard()?.hash(Zeroizing::new(PASSWORD.into()), &mut dice).await?;
    let mut staff = Vec::new();
    for (role, given, family) in [("owner", "Olive", "Oakhurst"), ("support", "Sam", "Stonecroft")] {
        staff.push(hire(example, keeper, &hash, (role, given, family)).await?);
    }
    let mut story = Story { keeper, courses: example.courses, hash: &hash, dice };
    let mut plans: BTreeMap<i64, Vec<Plan>> = BTreeMap::new();
    let (mut day, mut number) = (0, 0);
    while clock.behind() {
        clock.pass_day()?;
        day += 1;
        let mut today = plans.remove(&day).unwrap_or_default();
        if day <= BUSY_DAYS || day % 2 == 0 {
            number += 1;
            today.push(Plan::Join(number));
        }
        if day == example.history - JOINED {
            staff.push(hire(example, keeper, &hash, (example.person, "Mia", "Mossbank")).await?);
        }
        if day == example.history - TAKEN_OVER {
            take_over(keeper, base).await?;
        }
        for plan in today {
            for (on, next) in story.go_on(day, plan).await? {
                plans.entry(on).or_default().push(next);
            }
        }
        keeper.sweep().await?;
    }
    fs::write(folder.join(STAFF), serde_json::to_vec_pretty(&staff).map_err(io::Error::other)?)?;
    Ok(staff)
}

/// Something that will happen to somebody on a day.
enum Plan {
    Join(u32),
    Learn(SubjectId),
    Decide(SubjectId),
    Leave(SubjectId),
    Return(SubjectId),
    Close(SubjectId),
    TakeBack(SubjectId),
    Dispute(SubjectId),
    Settle(SubjectId),
}

/// What happens to whom, thrown with dice that fall the same each time.
struct Story<'a> {
    keeper: &'a Keeper,
    courses: &'static [&'static str],
    hash: &'a str,
    dice: ChaCha20Rng,
}

impl Story<'_> {
    /// Carries out a plan; what follows from it, and on which day.
    async fn go_on(&mut self, day: i64, plan: Plan) -> Result<Vec<(i64, Plan)>, KeeperError> {
        match plan {
            Plan::Join(number) => self.join(day, number).await,
            Plan::Learn(subject) => {
                let tenths = 5 + i64::from(self.dice.next_u32() % 4) * 5;
                let which = self.dice.next_u32() as usize % self.courses.len().max(1);
                let course = self.courses.get(which).copied().unwrap_or_default();
                self.act(move |act| members::credit(act, subject, tenths, course)).await?;
                Ok(Vec::new())
            }
            Plan::Decide(subject) => {
                if self.one_in(10, 6) {
                    self.act(move |act| members::renew(act, subject)).await?;
                    return Ok(vec![(day + YEAR, Plan::Decide(subject))]);
                }
                // One in eight of those who go disputes something before the half year is over.
                let disputes = self.one_in(8, 1);
                Ok(if disputes {
                    vec![(day + RENEWS_BEFORE + 150, Plan::Dispute(subject))]
                } else {
                    Vec::new()
                })
            }
            Plan::Leave(subject) => {
                self.act(move |act| {
                    act.emit(subject, "account.deactivated")?;
                    members::deactivate(act, subject)
                })
                .await?;
                Ok(if self.one_in(3, 1) { vec![(day + 40, Plan::Return(subject))] } else { Vec::new() })
            }
            Plan::Return(subject) => {
                self.act(move |act| members::reactivate(act, subject)).await?;
                Ok(Vec::new())
            }
            Plan::Close(subject) => {
                self.act(move |act| act.emit(subject, "account.closing")).await?;
                Ok(match self.dice.next_u32() % 6 {
                    0 => vec![(day + 5, Plan::TakeBack(subject))],
                    1 => vec![(day + 2, Plan::Dispute(subject))],
                    _ => Vec::new(),
                })
            }
            Plan::TakeBack(subject) => {
                self.act(move |act| act.emit(subject, "account.kept")).await?;
                Ok(Vec::new())
            }
            Plan::Dispute(subject) => {
                self.act(move |act| act.emit(subject, "dispute.opened")).await?;
                Ok(if self.one_in(3, 1) { vec![(day + 60, Plan::Settle(subject))] } else { Vec::new() })
            }
            Plan::Settle(subject) => {
                self.act(move |act| act.emit(subject, "dispute.settled")).await?;
                Ok(Vec::new())
            }
        }
    }

    async fn join(&mut self, day: i64, number: u32) -> Result<Vec<(i64, Plan)>, KeeperError> {
        let policy = self.keeper.policy();
        let new = invent(&policy.notice, number, self.hash);
        let confirms = !number.is_multiple_of(23);
        let subject = self
            .keeper
            .act(self.keeper.ctx(Actor::Visitor), move |act| {
                let subject = members::sign_up(act, &new)?;
                if confirms {
                    members::confirm(act, subject, &new.email)?;
                }
                Ok::<_, KeeperError>(subject)
            })
            .await?;
        let mut next = Vec::new();
        if !confirms {
            return Ok(next);
        }
        let ends = |event: &str| policy.notice.retains.iter().any(|rule| rule.when == event);
        // Members go by letting their membership end; others say that they go.
        let member = ends("membership.expired");
        let learns = if member { 300 } else { 60 };
        if !self.courses.is_empty() {
            for _ in 0..=self.dice.next_u32() % 3 {
                next.push((self.within(day, learns), Plan::Learn(subject)));
            }
        }
        if member {
            next.push((day + YEAR - RENEWS_BEFORE, Plan::Decide(subject)));
        } else if self.one_in(3, 1) {
            let leaves = ends("account.deactivated") && self.one_in(2, 1);
            let plan = if leaves { Plan::Leave(subject) } else { Plan::Close(subject) };
            next.push((self.within(day + i64::from(learns), 200), plan));
        }
        Ok(next)
    }

    async fn act(
        &self,
        work: impl FnMut(&mut Act<'_, '_>) -> Result<(), KeeperError> + Send + 'static,
    ) -> Result<(), KeeperError> {
        self.keeper.act(self.keeper.ctx(Actor::System), work).await
    }

    fn one_in(&mut self, all: u32, of: u32) -> bool {
        self.dice.next_u32() % all < of
    }

    /// One of so many days after a day.
    fn within(&mut self, day: i64, days: u32) -> i64 {
        day + 1 + i64::from(self.dice.next_u32() % days)
    }
}

/// An invented person, the same for the same number.
pub(crate) fn invent(notice: &Notice, number: u32, hash: &str) -> NewMember {
    let n = number as usize;
    let given = GIVEN.get(n % GIVEN.len()).copied().unwrap_or_default();
    let family = FAMILY.get((n / GIVEN.len() + n * 7) % FAMILY.len()).copied().unwrap_or_default();
    let email = format!("{}.{}{number}@example.test", given.to_lowercase(), family.to_lowercase());
    person(notice, given, family, &email, hash, n)
}

/// What nobody asks for, nobody gives.
fn person(notice: &Notice, given: &str, family: &str, email: &str, hash: &str, n: usize) -> NewMember {
    let asked = |kind: Kind| notice.label_of(kind.term()).is_some();
    let profile = Profile {
        given_name: given.into(),
        family_name: family.into(),
        email: email.into(),
        address: (asked(Kind::PHYSICAL_ADDRESS) && n.is_multiple_of(3))
            .then(|| format!("{} Example Lane\nSampletown", n % 90 + 1)),
        phone: (asked(Kind::TELEPHONE_NUMBER) && n.is_multiple_of(4))
            .then(|| format!("+1 555 01{:02}", n % 100)),
    };
    #[expect(clippy::expect_used, reason = "every invented address is a literal of this file")]
    let email = email.parse::<Email>().expect("an invented address is an address");
    NewMember { profile, email, hash: hash.into() }
}

/// One of those whose sign-in is printed.
async fn hire(
    example: &Example,
    keeper: &Keeper,
    hash: &str,
    (role, given, family): (&'static str, &str, &str),
) -> Result<Staff, KeeperError> {
    let email = format!("{}@example.test", given.to_lowercase());
    let new = person(&keeper.policy().notice, given, family, &email, hash, 12);
    let course = example.courses.last().copied();
    let signs_up = move |act: &mut Act<'_, '_>| {
        let subject = members::sign_up(act, &new)?;
        members::confirm(act, subject, &new.email)?;
        Ok::<_, KeeperError>(subject)
    };
    let subject = keeper.act(keeper.ctx(Actor::Visitor), signs_up).await?;
    let secret = keeper.act(keeper.ctx(Actor::System), move |act| equip(act, subject, role, course)).await?;
    Ok(Staff { role: role.into(), email, secret })
}

/// Takes people over from the first source that the notice names, if it names any, and invites them.
async fn take_over(keeper: &Keeper, base: &str) -> Result<(), import::Refused> {
    let Some(source) = keeper.policy().notice.sources.first().map(|source| source.name.clone()) else {
        return Ok(());
    };
    let texts = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let batch = Batch {
        source: Some(source),
        columns: texts(["given_name", "family_name", "email"]),
        lines: NEWCOMERS.map(texts).to_vec(),
        dry_run: false,
        invite: Some(base.to_owned()),
        as_of: Some(keeper.now()),
    };
    import::take_in(keeper, batch).await.map(drop)
}

/// Gives somebody the role in which they work here and the secret of a second factor, or else credits for a course.
fn equip(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    role: &str,
    course: Option<&'static str>,
) -> Result<String, KeeperError> {
    if ROLES.contains(&role) {
        give_role(act, subject, role)?;
        return enrol(act, subject);
    }
    if let Some(course) = course {
        members::credit(act, subject, 15, course)?;
    }
    Ok(String::new())
}
