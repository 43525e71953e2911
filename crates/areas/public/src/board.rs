//! The public board: every sentence with what was found when it was last checked.

use askama::Template;
use axum::{extract::State, response::Response};
use kept_web::{Frame, Problem, Visit, page, parts::Mark};

use crate::{
    Public, problem,
    sentences::{self, Line, Section},
    tally::Tally,
    words,
};

#[derive(Template)]
#[template(path = "board.html")]
struct Board {
    frame: Frame,
    tally: Tally,
    /// Why erasing waits for an owner, if it does.
    paused: Option<String>,
    sections: Vec<Section>,
    version: String,
    size: u64,
    root: String,
    verifier: String,
}

pub(crate) async fn show(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let policy = public.keeper.policy();
    let board = public.keeper.board().await.map_err(problem)?;
    let paused = public.keeper.paused().await.map_err(problem)?;
    page(&Board {
        frame: visit.frame("How the notice is kept"),
        tally: Tally::of(&board),
        paused,
        sections: sentences::sections(&policy, &board),
        version: words::short(&board.notice.version),
        size: board.ledger.size,
        root: board.ledger.root,
        verifier: public.keeper.verifier_key(),
    })
}

impl Board {
    fn broken(&self) -> Vec<&Line> {
        let lines = self.sections.iter().flat_map(|section| &section.sentences);
        lines.filter(|line| line.mark == Mark::Broken).collect()
    }
}
