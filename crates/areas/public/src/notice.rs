//! The notice for people to read: one screen, then every sentence with how it stands (`ntc-1`).

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::civil::Date;
use kept_notice::words::list;
use kept_web::{Frame, Problem, Visit, page};

use crate::{
    Public, glance, problem,
    sentences::{self, Limit, Section},
    tally::Tally,
    words,
};

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    frame: Frame,
    rows: Vec<glance::Row>,
    limits: Vec<Limit>,
    rights: Vec<&'a str>,
    sections: Vec<Section>,
    tally: Tally,
    effective: Date,
    laws: String,
    contact: &'a str,
    version: &'a str,
    short: String,
}

pub(crate) async fn show(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let policy = public.keeper.policy();
    let board = public.keeper.board().await.map_err(problem)?;
    let rights = policy.sentences.iter().filter(|sentence| sentence.section == "right");
    page(&NoticePage {
        frame: visit.frame("Privacy notice"),
        rows: glance::rows(&policy),
        limits: sentences::limits(&policy).collect(),
        rights: rights.map(|sentence| sentence.text.as_str()).collect(),
        sections: sentences::sections(&policy, &board),
        tally: Tally::of(&board),
        effective: policy.notice.effective,
        laws: list(&policy.notice.laws),
        contact: &policy.notice.contact,
        version: policy.version(),
        short: words::short(policy.version()),
    })
}
