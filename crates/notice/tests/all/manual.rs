//! `docs/NOTICE.md`: its examples are one complete notice, its sentences are what that notice says, and its problems
//! are what is found.

use kept_notice::parse;

use crate::fixtures::{few_words, transcript};

const MANUAL: &str = include_str!("../../../../docs/NOTICE.md");

/// The text of every fenced block with this info string.
fn blocks(info: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<(bool, String)> = None;
    for line in MANUAL.lines() {
        block = match (block, line.strip_prefix("```")) {
            (None, Some(found)) => Some((found == info, String::new())),
            (Some((wanted, text)), Some(_)) => {
                blocks.extend(wanted.then_some(text));
                None
            }
            (Some((wanted, text)), None) => Some((wanted, text + line + "\n")),
            (None, None) => None,
        };
    }
    blocks
}

fn words() -> kept_notice::Vocabulary {
    let mut words = few_words();
    words.holdings.push("pd:ProfessionalTraining");
    words
}

#[test]
fn the_examples_are_one_notice_and_say_what_the_manual_quotes() {
    let notice = parse(&blocks("toml").join("\n"), &words())
        .unwrap_or_else(|problems| panic!("{}", transcript(&problems)));
    let said: Vec<String> = notice.sentences().into_iter().map(|sentence| sentence.text).collect();
    let quoted: Vec<String> = MANUAL
        .split("\n\n")
        .filter(|paragraph| paragraph.starts_with("> "))
        .map(|paragraph| {
            paragraph.lines().map(|line| line.trim_start_matches("> ")).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert!(quoted.len() > 7);
    for sentence in quoted {
        assert!(
            said.contains(&sentence),
            "the manual quotes a sentence that the notice does not say:\n{sentence}\n{said:#?}"
        );
    }
}

#[test]
fn the_wrong_example_is_refused_as_the_manual_says() {
    let notice = blocks("toml").join("\n");
    let offset = notice.lines().count();
    let [wrong] = blocks("toml wrong").try_into().unwrap();
    let mut problems = parse(&(notice + &wrong), &words()).unwrap_err();
    problems.iter_mut().for_each(|problem| problem.line -= offset);
    assert_eq!(vec![transcript(&problems)], blocks("text"));
}
