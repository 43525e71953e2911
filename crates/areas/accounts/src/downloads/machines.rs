//! The machines on which a person has installed software: registered and removed by the person.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::{Act, Actor, KeeperError, Policy};
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with,
};

use super::{Machine, Machines, MyMachines};
use crate::{Accounts, problem, readers::Person};

/// The page's address.
const HERE: &str = "/account/machines";

/// How many machines a person registers at most.
const MOST: usize = 20;

#[derive(Template)]
#[template(path = "downloads/machines.html")]
struct MachinesPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    machines: Vec<Machine>,
}

fn declared(policy: &Policy) -> Result<(), Problem> {
    let label = policy.notice.label_of(Kind::DEVICE_BASED.term());
    label.map(drop).ok_or_else(Problem::not_found)
}

/// My machines.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    person: Person,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &person, &Fields::default(), StatusCode::OK).await
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    Person(signed): &Person,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    declared(&accounts.keeper.policy())?;
    let subject = signed.subject;
    let mine = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| look.view::<MyMachines>(subject))
        .await
        .map_err(problem)?;
    let frame = visit.form_frame("Your machines");
    page_with(status, &MachinesPage { frame, fields, machines: mine.machines })
}

/// Registers a machine, or removes one.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    person: Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    declared(&accounts.keeper.policy())?;
    let subject = person.0.subject;
    let removed = fields.get("remove").map(str::to_owned);
    let added = match removed {
        Some(_) => None,
        None => id(&mut fields),
    };
    if !fields.errors().is_empty() {
        return list(&accounts, &visit, &person, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let kept = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            save(act, subject, added.as_deref(), removed.as_deref())
        })
        .await
        .map_err(problem)?;
    if kept {
        return Ok(Redirect::to(HERE).into_response());
    }
    fields.refuse("id", "Twenty machines are registered already. Remove one first.");
    list(&accounts, &visit, &person, &fields, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// The id as the software shows it: letters, digits and hyphens.
fn id(fields: &mut Fields) -> Option<String> {
    let id = fields.text("id", "Machine id", 64, Need::Required)?;
    let plain = id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    if !plain {
        fields.refuse(
            "id",
            "A machine id has letters, digits and hyphens only. Copy it as the software shows it.",
        );
    }
    plain.then_some(id)
}

/// Writes the list anew. `false` if it is full. What is there already is there once.
fn save(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    added: Option<&str>,
    removed: Option<&str>,
) -> Result<bool, KeeperError> {
    let mut machines = act.view::<MyMachines>(subject, None)?.machines;
    machines.retain(|machine| Some(machine.id.as_str()) != removed);
    if let Some(id) = added.filter(|id| !machines.iter().any(|machine| machine.id == *id)) {
        if machines.len() >= MOST {
            return Ok(false);
        }
        machines.push(Machine { id: id.into(), since: act.ctx.now });
    }
    act.put(subject, &Machines { machines: (!machines.is_empty()).then_some(machines) })?;
    Ok(true)
}
