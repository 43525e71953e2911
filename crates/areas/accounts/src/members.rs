//! Members: what standing somebody has, and what changes it. Functions of a transaction; pages and clocks call them.

use jiff::{Span, Timestamp};
use kept_keeper::{
    Act, Claim, Deed, Duty, Index, KeeperError,
    time::{from_millis, long_date, to_millis},
};
use kept_notice::due;
use kept_store::{Read, params};
use kept_vault::{Kind, SourceName, SubjectId};
use rand_core::Rng;

use crate::{
    email::Email,
    messages,
    records::{Credential, MemberId, Profile},
    sessions, staff,
};

/// The confirmed sign-in address; it belongs to one person.
pub const BY_EMAIL: Index = Index { name: "email", kind: Kind::EMAIL_ADDRESS, unique: true };
/// An address that waits for its confirmation; several sign-ups may name it.
pub const BY_PENDING_EMAIL: Index = Index { name: "pending-email", kind: Kind::EMAIL_ADDRESS, unique: false };
/// The member id, kept for a return (`acc-12`).
pub const BY_MEMBER_ID: Index = Index { name: "member-id", kind: Kind::IDENTIFIER, unique: true };

/// The event of a sign-up that waits for its confirmation.
pub(crate) const SIGN_UP: &str = "sign-up.started";

/// The job that ends a membership on its date.
pub const EXPIRE: &str = "accounts.expire";

/// The event of that end.
pub(crate) const EXPIRED: &str = "membership.expired";

/// Letters and digits that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Signed up, and the address not yet confirmed.
    Pending,
    /// In use.
    Open,
    /// Switched off, because the membership has ended or staff did it: it opens what is held about its owner, to see, take
    /// along and erase it, and nothing else.
    Disabled,
    /// Rests because its owner wants it to (`acc-15`); signing in opens it again.
    Deactivated,
    /// Closed at once by its owner: nobody signs in, and the next sweep erases what no hold keeps.
    Closed,
}

/// The event of a return to an account that rested.
pub(crate) const REACTIVATED: &str = "account.reactivated";

impl Standing {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Pending => "pending",
            Standing::Open => "open",
            Standing::Disabled => "disabled",
            Standing::Deactivated => "deactivated",
            Standing::Closed => "closed",
        }
    }

    fn parse(word: &str) -> Option<Standing> {
        use Standing::{Closed, Deactivated, Disabled, Open, Pending};
        [Pending, Open, Disabled, Deactivated, Closed].into_iter().find(|standing| standing.word() == word)
    }
}

/// An account's row: what is known without opening anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub subject: SubjectId,
    /// Where it stands.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// When the membership ends or ended.
    pub expires: Option<Timestamp>,
}

/// A credit that a member has earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// When.
    pub earned: Timestamp,
    /// Tenths of a credit.
    pub tenths: i64,
    /// For what.
    pub course: String,
}

/// What a person gives when signing up, checked.
#[derive(Clone)]
pub struct NewMember {
    /// Name and address.
    pub profile: Profile,
    /// The sign-in address, parsed.
    pub email: Email,
    /// The password, hashed.
    pub hash: String,
}

/// Begins a sign-up: a pending account under the person's own keys, whose clock runs until it is confirmed.
///
/// # Errors
/// The database failed.
pub fn sign_up(act: &mut Act<'_, '_>, new: &NewMember) -> Result<SubjectId, KeeperError> {
    let subject = act.new_subject();
    act.put(subject, &new.profile)?;
    act.put(subject, &Credential { hash: Some(new.hash.clone()) })?;
    act.claim(BY_PENDING_EMAIL, &new.email.folded(), subject)?;
    act.tx().execute(
        "INSERT INTO accounts (subject, standing, since) VALUES ($1, $2, $3)",
        &params![subject.as_bytes(), Standing::Pending.word(), to_millis(act.ctx.now)],
    )?;
    act.emit(subject, SIGN_UP)?;
    Ok(subject)
}

/// What came of confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The account is open.
    Opened,
    /// Another account has the address already.
    AddressTaken,
}

/// Opens a pending account: the address becomes the sign-in address. Where the notice knows memberships, a year of one
/// begins, and where it knows member ids, the person gets one.
///
/// # Errors
/// The database failed.
pub fn confirm(act: &mut Act<'_, '_>, subject: SubjectId, email: &Email) -> Result<Confirmed, KeeperError> {
    if let Claim::Taken(_) = act.claim(BY_EMAIL, &email.folded(), subject)? {
        return Ok(Confirmed::AddressTaken);
    }
    act.release(BY_PENDING_EMAIL, subject)?;
    if act.may_hold(Kind::IDENTIFIER).is_ok() {
        give_id(act, subject)?;
    }
    act.emit(subject, "sign-up.confirmed")?;
    if act.may_hold(Kind::MEMBERSHIP).is_ok() {
        let now = act.ctx.now;
        begin_year(act, subject, now)?;
    } else {
        stand(act, subject, Standing::Open)?;
    }
    Ok(Confirmed::Opened)
}

/// Gives a member an id of our own.
pub(crate) fn give_id(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    let member_id = new_member_id(act, subject)?;
    act.put(subject, &MemberId { member_id: Some(member_id) })
}

/// The id that a member brings along from elsewhere, which nobody has here.
pub(crate) fn bring_id(
    act: &mut Act<'_, '_>,
    source: SourceName,
    subject: SubjectId,
    id: &str,
) -> Result<(), KeeperError> {
    if let Claim::Taken(_) = act.claim(BY_MEMBER_ID, id, subject)? {
        return Err(KeeperError::Malformed("a member id that was free a moment ago"));
    }
    act.put_from(source, subject, &MemberId { member_id: Some(id.to_owned()) })
}

fn new_member_id(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<String, KeeperError> {
    loop {
        let mut bytes = [0; 6];
        act.ctx.rng.fill_bytes(&mut bytes);
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        let id = format!("M-{}", letters.map(|letter| char::from(*letter)).collect::<String>());
        if act.claim(BY_MEMBER_ID, &id, subject)? == Claim::Granted {
            return Ok(id);
        }
    }
}

/// A year of membership, from a moment on.
fn begin_year(act: &mut Act<'_, '_>, subject: SubjectId, start: Timestamp) -> Result<Timestamp, KeeperError> {
    let ends = due(start, &Span::new().years(1)).map_err(|_| KeeperError::Calendar)?;
    run_until(act, subject, ends)?;
    Ok(ends)
}

/// A membership that runs until a moment, in an account that is open.
pub(crate) fn run_until(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    ends: Timestamp,
) -> Result<(), KeeperError> {
    act.may_hold(Kind::MEMBERSHIP)?;
    act.tx().execute(
        "UPDATE accounts SET standing = $1, since = $2, expires = $3 WHERE subject = $4",
        &params![Standing::Open.word(), to_millis(act.ctx.now), to_millis(ends), subject.as_bytes()],
    )?;
    act.schedule(subject, EXPIRE, ends)
}

/// Renews a membership: the account is open for a year more, counted from the end of a membership that still runs, and
/// the clocks that its end began are stopped.
///
/// # Errors
/// The database failed.
pub fn renew(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.emit(subject, "membership.renewed")?;
    reactivate(act, subject)?;
    let now = act.ctx.now;
    let runs_until = account(act.tx(), subject)?.and_then(|account| account.expires);
    let ends = begin_year(act, subject, runs_until.map_or(now, |end| end.max(now)))?;
    let text = format!("Your membership now runs until {}.", long_date(ends));
    messages::write(act, subject, "renewed", "Your membership is renewed", &text)
}

/// Ends a membership now, before its date.
///
/// # Errors
/// The database failed.
pub fn expire_now(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.unschedule(subject, EXPIRE)?;
    let now = act.ctx.now;
    act.tx().execute(
        "UPDATE accounts SET expires = $1 WHERE subject = $2",
        &params![to_millis(now), subject.as_bytes()],
    )?;
    act.emit_at(subject, EXPIRED, now)
}

/// The job of the membership's date: it ends, and the clocks of the notice begin. Who works here stays as long as the
/// role does. What outlasts the account, such as an accepted standing, has its dates from this event.
pub(crate) fn expire(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    if staff::roles(act.tx(), duty.subject, act.ctx.now)?.is_empty() {
        return act.emit_at(duty.subject, EXPIRED, duty.due);
    }
    begin_year(act, duty.subject, duty.due).map(drop)
}

/// `disable = "account"`: what a clock of the notice asks for (`acc-12`). A membership that was renewed before the sweep
/// came stays open, and an account that its owner has closed stays closed.
pub(crate) fn lapse(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<bool, KeeperError> {
    match account(act.tx(), subject)? {
        Some(Account { expires: Some(end), .. }) if end > act.ctx.now => Ok(false),
        Some(Account { standing: Standing::Closed, .. }) => Ok(true),
        _ => disable(act, subject).map(|()| true),
    }
}

/// Switches an account off: its sessions end, and signing in opens what is held about its owner and nothing else.
///
/// # Errors
/// The database failed.
pub fn disable(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    sessions::end_all(act, subject)?;
    stand(act, subject, Standing::Disabled)
}

/// Closes an account, which nobody opens again: its sessions end.
///
/// # Errors
/// The database failed.
pub fn close(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    sessions::end_all(act, subject)?;
    stand(act, subject, Standing::Closed)
}

/// Lets an account rest: its sessions end, and signing in opens it again.
///
/// # Errors
/// The database failed.
pub fn deactivate(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    sessions::end_all(act, subject)?;
    stand(act, subject, Standing::Deactivated)
}

/// Opens an account that rested; of any other nothing changes. The clocks that deactivating began are stopped.
///
/// # Errors
/// The database failed.
pub fn reactivate(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    if account(act.tx(), subject)?.is_none_or(|account| account.standing != Standing::Deactivated) {
        return Ok(());
    }
    act.emit(subject, REACTIVATED)?;
    stand(act, subject, Standing::Open)?;
    messages::write(
        act,
        subject,
        "reactivated",
        "Your account is in use again",
        "You have signed in, so your account is open again.",
    )
}

/// From now on the account stands so.
fn stand(act: &Act<'_, '_>, subject: SubjectId, standing: Standing) -> Result<(), KeeperError> {
    act.tx().execute(
        "UPDATE accounts SET standing = $1, since = $2 WHERE subject = $3",
        &params![standing.word(), to_millis(act.ctx.now), subject.as_bytes()],
    )?;
    Ok(())
}

/// Opens an account that staff had switched off.
///
/// # Errors
/// The database failed.
pub fn enable(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.tx().execute(
        "UPDATE accounts SET standing = $1, since = $2 WHERE subject = $3 AND standing = $4",
        &params![
            Standing::Open.word(),
            to_millis(act.ctx.now),
            subject.as_bytes(),
            Standing::Disabled.word()
        ],
    )?;
    Ok(())
}

/// Records credits that a member has earned.
///
/// # Errors
/// The database failed.
pub fn credit(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    tenths: i64,
    course: &str,
) -> Result<(), KeeperError> {
    act.may_hold(Kind::PROFESSIONAL_TRAINING)?;
    act.tx().execute(
        "INSERT INTO credits (subject, number, earned, tenths, course) \
         SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM credits WHERE subject = $1",
        &params![subject.as_bytes(), to_millis(act.ctx.now), tenths, course],
    )?;
    act.note(subject, Deed::Wrote, "credit", &[Kind::PROFESSIONAL_TRAINING], None).map(drop)
}

/// An account's row.
///
/// # Errors
/// The database failed.
pub fn account(read: &Read<'_>, subject: SubjectId) -> Result<Option<Account>, KeeperError> {
    let row = read.query_opt(
        "SELECT standing, since, expires FROM accounts WHERE subject = $1",
        &params![subject.as_bytes()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Account {
        subject,
        standing: Standing::parse(&row.get::<String>(0)?)
            .ok_or(KeeperError::Malformed("an unknown standing of an account"))?,
        since: from_millis(row.get(1)?)?,
        expires: row.get::<Option<i64>>(2)?.map(from_millis).transpose()?,
    }))
}

/// A member's credits, the newest first.
///
/// # Errors
/// The database failed.
pub fn credits(read: &Read<'_>, subject: SubjectId) -> Result<Vec<Credit>, KeeperError> {
    read.query(
        "SELECT earned, tenths, course FROM credits WHERE subject = $1 ORDER BY earned DESC, number DESC",
        &params![subject.as_bytes()],
    )?
    .iter()
    .map(|row| Ok(Credit { earned: from_millis(row.get(0)?)?, tenths: row.get(1)?, course: row.get(2)? }))
    .collect()
}
