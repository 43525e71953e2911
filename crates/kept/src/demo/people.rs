//! The example's people, all invented. They sign up, earn credits, renew or let their membership end, and some dispute
//! how their data is handled: day by day, through the same functions as on a real site.

use std::{collections::BTreeMap, fs, io, path::Path};

use kept_accounts::{
    Email, Passwords, Profile, enrol, give_role,
    members::{self, NewMember},
};
use kept_keeper::{Act, Actor, Keeper, KeeperError};
use kept_vault::SubjectId;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{DemoClock, DemoError};

/// Everybody's password in the example.
pub const PASSWORD: &str = "violet kettle march orbit";
/// Who works there, with the secrets of their second factors: in the example's folder only.
pub(super) const STAFF: &str = "demo-staff.json";

/// For how many days one person a day signs up; after that, one every other day.
const BUSY_DAYS: i64 = 300;
/// How many days before its end members renew, if they do.
const RENEWS_BEFORE: i64 = 10;
const YEAR: i64 = 365;
/// The day on which the member whose sign-in is printed joins: a year of membership reaches beyond the present.
const MEMBER_JOINS: i64 = 500;

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
/// The courses for which credits are earned.
pub(crate) const COURSES: [&str; 6] = [
    "Strength for beginners",
    "Teaching older adults",
    "First aid refresher",
    "Programme design",
    "Anatomy of the shoulder",
    "Running a small studio",
];

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
pub(super) async fn live(keeper: &Keeper, clock: &DemoClock, folder: &Path) -> Result<Vec<Staff>, DemoError> {
    let mut dice = ChaCha20Rng::from_seed([7; 32]);
    let hash = Passwords::standard()?.hash(Zeroizing::new(PASSWORD.into()), &mut dice).await?;
    let mut staff = Vec::new();
    for (role, given, family) in [("owner", "Olive", "Oakhurst"), ("support", "Sam", "Stonecroft")] {
        staff.push(hire(keeper, &hash, role, given, family).await?);
    }
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
        if day == MEMBER_JOINS {
            staff.push(hire(keeper, &hash, "member", "Mia", "Mossbank").await?);
        }
        for plan in today {
            for (on, next) in carry_out(keeper, &mut dice, &hash, day, plan).await? {
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
    Dispute(SubjectId),
    Settle(SubjectId),
}

async fn carry_out(
    keeper: &Keeper,
    dice: &mut ChaCha20Rng,
    hash: &str,
    day: i64,
    plan: Plan,
) -> Result<Vec<(i64, Plan)>, KeeperError> {
    let ctx = keeper.ctx(Actor::System);
    match plan {
        Plan::Join(number) => {
            let new = invent(number, hash);
            let confirms = number % 23 != 0;
            let subject = keeper
                .act(keeper.ctx(Actor::Visitor), move |act| {
                    let subject = members::sign_up(act, &new)?;
                    if confirms {
                        members::confirm(act, subject, &new.email)?;
                    }
                    Ok::<_, KeeperError>(subject)
                })
                .await?;
            let mut next = Vec::new();
            if confirms {
                next.push((day + YEAR - RENEWS_BEFORE, Plan::Decide(subject)));
                for _ in 0..=dice.next_u32() % 3 {
                    next.push((day + 1 + i64::from(dice.next_u32() % 300), Plan::Learn(subject)));
                }
            }
            Ok(next)
        }
        Plan::Learn(subject) => {
            let (which, tenths) =
                (dice.next_u32() as usize % COURSES.len(), 5 + i64::from(dice.next_u32() % 4) * 5);
            let course = COURSES.get(which).copied().unwrap_or_default();
            keeper.act(ctx, move |act| members::credit(act, subject, tenths, course)).await?;
            Ok(Vec::new())
        }
        Plan::Decide(subject) => {
            if dice.next_u32() % 10 < 6 {
                keeper.act(ctx, move |act| members::renew(act, subject)).await?;
                return Ok(vec![(day + YEAR, Plan::Decide(subject))]);
            }
            // One in eight of those who go disputes something before the half year is over.
            let disputes = dice.next_u32().is_multiple_of(8);
            Ok(if disputes { vec![(day + RENEWS_BEFORE + 150, Plan::Dispute(subject))] } else { Vec::new() })
        }
        Plan::Dispute(subject) => {
            keeper.act(ctx, move |act| act.emit(subject, "dispute.opened")).await?;
            let settles = dice.next_u32().is_multiple_of(3);
            Ok(if settles { vec![(day + 60, Plan::Settle(subject))] } else { Vec::new() })
        }
        Plan::Settle(subject) => {
            keeper.act(ctx, move |act| act.emit(subject, "dispute.settled")).await?;
            Ok(Vec::new())
        }
    }
}

/// An invented person, the same for the same number.
pub(crate) fn invent(number: u32, hash: &str) -> NewMember {
    let n = number as usize;
    let given = GIVEN.get(n % GIVEN.len()).copied().unwrap_or_default();
    let family = FAMILY.get((n / GIVEN.len() + n * 7) % FAMILY.len()).copied().unwrap_or_default();
    let email = format!("{}.{}{number}@example.test", given.to_lowercase(), family.to_lowercase());
    person(given, family, &email, hash, n)
}

fn person(given: &str, family: &str, email: &str, hash: &str, n: usize) -> NewMember {
    let profile = Profile {
        given_name: given.into(),
        family_name: family.into(),
        email: email.into(),
        address: n.is_multiple_of(3).then(|| format!("{} Example Lane\nSampletown", n % 90 + 1)),
        phone: n.is_multiple_of(4).then(|| format!("+1 555 01{:02}", n % 100)),
    };
    #[expect(clippy::expect_used, reason = "every invented address is a literal of this file")]
    let email = email.parse::<Email>().expect("an invented address is an address");
    NewMember { profile, email, hash: hash.into() }
}

/// One of those whose sign-in is printed.
async fn hire(
    keeper: &Keeper,
    hash: &str,
    role: &'static str,
    given: &str,
    family: &str,
) -> Result<Staff, KeeperError> {
    let email = format!("{}@example.test", given.to_lowercase());
    let new = person(given, family, &email, hash, 12);
    let secret = keeper.act(keeper.ctx(Actor::Visitor), move |act| open(act, &new, role)).await?;
    Ok(Staff { role: role.into(), email, secret })
}

fn open(act: &mut Act<'_, '_>, new: &NewMember, role: &str) -> Result<String, KeeperError> {
    let subject = members::sign_up(act, new)?;
    members::confirm(act, subject, &new.email)?;
    if role == "member" {
        members::credit(act, subject, 15, "Programme design")?;
        return Ok(String::new());
    }
    give_role(act, subject, role)?;
    enrol(act, subject)
}
