//! Signing up. The answer is the same whether or not the address has an account: "check your mail".

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use jiff::Span;
use kept_keeper::{Act, Actor, Deed, KeeperError, Letter, Policy, time::to_millis};
use kept_notice::due;
use kept_store::params;
use kept_vault::Kind;
use kept_web::{
    Client, Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page, page_with,
};
use tokio::time::Instant;

use crate::{
    Accounts, at_pace,
    email::Email,
    links,
    members::{self, BY_EMAIL, NewMember},
    messages, password, problem,
    records::Profile,
    reminders,
    throttle::{self, Limit, QUARTER_HOUR},
};

/// How often one address, and one place on the network, may ask.
const PER_ADDRESS: Limit = Limit { what: "sign-up", most: 5, within: QUARTER_HOUR };
const PER_PLACE: Limit = Limit { what: "sign-up from", most: 50, within: QUARTER_HOUR };

/// A field that the notice declares for this form, or does not.
pub(crate) struct Row {
    pub(crate) asked: bool,
    pub(crate) required: bool,
    /// What one loses without it, in the notice's words.
    pub(crate) hint: String,
}

impl Row {
    /// What the notice says of a kind on the sign-up form (`acc-1`).
    pub(crate) fn of(policy: &Policy, kind: Kind) -> Row {
        let notice = &policy.notice;
        let holds = |label: &str| notice.kinds_of(label).any(|term| term == kind.term());
        let absent = Row { asked: false, required: false, hint: String::new() };
        let Some(form) = notice.form("sign-up") else { return absent };
        if form.required.iter().any(|label| holds(label)) {
            return Row { asked: true, required: true, hint: String::new() };
        }
        match form.voluntary.iter().find(|(label, _)| holds(label)) {
            Some((_, loses)) => Row { asked: true, required: false, hint: format!("Without it, {loses}.") },
            None => absent,
        }
    }

    pub(crate) fn need(&self) -> Need {
        if self.required { Need::Required } else { Need::Voluntary }
    }
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    address: Row,
    phone: Row,
}

#[derive(Template)]
#[template(path = "check_mail.html")]
struct CheckMailPage {
    frame: Frame,
}

/// The form, with the fields that the notice declares.
pub(crate) async fn show(State(accounts): State<Accounts>, visit: Visit) -> Result<Response, Problem> {
    page(&form(&accounts, &visit, &Fields::default()))
}

/// Takes a sign-up.
pub(crate) async fn post(
    State(accounts): State<Accounts>,
    visit: Visit,
    client: Client,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let Some(asked) = read(&accounts.keeper.policy(), &mut fields) else {
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &form(&accounts, &visit, &fields));
    };
    let folded = asked.email.folded();
    let tries = [PER_ADDRESS.of(&accounts, &folded), PER_PLACE.of(&accounts, &client.place())];
    throttle::count(&accounts, tries, visit.now).await?;
    let mut ctx = accounts.keeper.ctx(Actor::Visitor);
    let hash = accounts.passwords.hash(asked.password, &mut ctx.rng).await.map_err(Problem::internal)?;
    let new = NewMember { profile: asked.profile, email: asked.email, hash };
    let (browser, base) = (visit.session().digest(), accounts.face.base.origin().to_owned());
    accounts.keeper.act(ctx, move |act| begin(act, &new, browser, &base)).await.map_err(problem)?;
    at_pace(started, accounts.pace).await;
    page(&CheckMailPage { frame: visit.frame("Check your mail") })
}

/// A new address begins a pending account; one that has an account is told so, at that address and nowhere else.
pub(crate) fn begin(
    act: &mut Act<'_, '_>,
    new: &NewMember,
    browser: [u8; 32],
    base: &str,
) -> Result<(), KeeperError> {
    if let Some(subject) = act.find(BY_EMAIL, &new.email.folded())? {
        let text = format!(
            "Somebody, perhaps you, asked to sign up with this address. You already have an account: sign in at \
             {base}/sign-in. If it was not you, there is nothing to do."
        );
        // Beginning an account writes three events more than this letter does, and the ledger's size is public.
        for _ in 0..3 {
            act.note_site(Deed::Site, "sign-up with an address that has an account")?;
        }
        return messages::write(act, subject, "already-signed-up", "You already have an account", &text);
    }
    let subject = members::sign_up(act, new)?;
    let (token, digest) = links::token(&mut act.ctx.rng);
    let ends = due(act.ctx.now, &Span::new().days(1)).map_err(|_| KeeperError::Calendar)?;
    act.tx().execute(
        "INSERT INTO confirmations (digest, subject, browser, ends) VALUES ($1, $2, $3, $4)",
        &params![digest, subject.as_bytes(), browser, to_millis(ends)],
    )?;
    // No name: whoever typed in another's address must not choose what we write to them.
    let text = format!(
        "Hello,\n\nplease confirm your address within one day:\n\n{base}/confirm/{token}\n\nIf you did not sign up, there \
         is nothing to do: what was typed in is erased by itself.\n\n{}",
        act.ctx.policy.notice.of
    );
    let to = new.email.as_str().to_owned();
    act.mail(subject, &Letter { about: "confirm", to, subject: "Please confirm your address".into(), text })
}

struct Asked {
    profile: Profile,
    email: Email,
    password: zeroize::Zeroizing<String>,
}

fn read(policy: &Policy, fields: &mut Fields) -> Option<Asked> {
    let details = details(policy, fields);
    let password = fields.secret("password", "Password", password::LONGEST);
    if let Some(password) = &password {
        let about: Vec<&str> =
            ["given_name", "family_name", "email"].into_iter().filter_map(|name| fields.get(name)).collect();
        if let Err(weak) = password::judge(password, &about) {
            fields.refuse("password", weak.to_string());
        }
    }
    if !fields.errors().is_empty() {
        return None;
    }
    let (profile, email) = details?;
    Some(Asked { profile, email, password: password? })
}

/// Who somebody is, by the rules of the form: what the notice does not ask for is not read.
pub(crate) fn details(policy: &Policy, fields: &mut Fields) -> Option<(Profile, Email)> {
    let (address, phone) = (Row::of(policy, Kind::PHYSICAL_ADDRESS), Row::of(policy, Kind::TELEPHONE_NUMBER));
    let given_name = fields.text("given_name", "Given name", 100, Need::Required);
    let family_name = fields.text("family_name", "Family name", 100, Need::Required);
    let email = email(fields);
    let address =
        address.asked.then(|| fields.prose("address", "Postal address", 500, address.need())).flatten();
    let phone = phone.asked.then(|| fields.text("phone", "Telephone number", 40, phone.need())).flatten();
    if !fields.errors().is_empty() {
        return None;
    }
    let email = email?;
    let profile = Profile {
        given_name: given_name?,
        family_name: family_name?,
        email: email.as_str().to_owned(),
        address,
        phone,
    };
    Some((profile, email))
}

/// The address of a form, parsed, with its error beside the field.
pub(crate) fn email(fields: &mut Fields) -> Option<Email> {
    let text = fields.text("email", "E-mail address", 254, Need::Required)?;
    match text.parse() {
        Ok(email) => Some(email),
        Err(_) => {
            fields.refuse("email", "Write an e-mail address, such as name@example.test.");
            None
        }
    }
}

/// The page as it is before anybody has typed anything.
pub(crate) fn specimen(frame: Frame, policy: &Policy) -> askama::Result<String> {
    let [address, phone] = [Kind::PHYSICAL_ADDRESS, Kind::TELEPHONE_NUMBER].map(|kind| Row::of(policy, kind));
    SignUpPage { frame, fields: &Fields::default(), address, phone }.render()
}

fn form<'a>(accounts: &Accounts, visit: &Visit, fields: &'a Fields) -> SignUpPage<'a> {
    let policy = accounts.keeper.policy();
    SignUpPage {
        frame: visit.form_frame("Sign up"),
        fields,
        address: Row::of(&policy, Kind::PHYSICAL_ADDRESS),
        phone: Row::of(&policy, Kind::TELEPHONE_NUMBER),
    }
}
