//! What the three notices promise: each `ref` is a promise that this organisation makes, or one that Kept adds for
//! everybody. A list by hand, from the operators' own clause numbers.

use std::collections::BTreeSet;

use kept::{
    demo::{CPE, PROCESS, TRAINERS},
    site::AREAS,
};
use kept_keeper::{Policy, Registry};

/// Every promise with who makes it: C the education provider, T the trainers' network, P the process service. A small
/// letter is one for whom Kept adds it as the operator's own rule.
const PROMISES: &[&str] = &[
    "acc-1:CTP acc-2:T acc-3:CP acc-4:C acc-5:C acc-6:P acc-7:T acc-8:P acc-9:C acc-10:CP acc-11:T acc-12:T acc-13:T acc-14:C acc-15:P acc-16:T acc-17:P acc-18:P acc-19:T",
    "rgt-1:CTP rgt-2:CTP rgt-3:CTP rgt-4:CT rgt-5:CTP rgt-6:CP rgt-7:P rgt-8:CTP rgt-9:T rgt-10:ctp rgt-11:CP",
    "use-1:C use-2:CP use-3:CP use-4:C use-5:CP use-6:CP use-7:C use-8:C use-9:P use-10:CP use-11:P use-12:P use-13:CP use-14:CP use-15:C use-16:C",
    "hold-1:CP",
    "ntc-1:Ctp ntc-2:P ntc-3:C ntc-4:CP ntc-5:C ntc-6:Tcp ntc-7:P ntc-8:C ntc-9:CP",
    "mail-1:CTP mail-2:P mail-3:TP mail-4:Tcp mail-5:T mail-6:T mail-7:P mail-8:P mail-9:P",
    "pay-1:Ctp pay-2:CTP pay-3:CT pay-4:T pay-5:C pay-6:C pay-7:P pay-8:C pay-9:C pay-10:P",
    "lrn-1:C lrn-2:C lrn-3:CT lrn-4:C lrn-5:C lrn-6:C lrn-7:T lrn-8:T lrn-9:T",
    "dir-1:T dir-2:T dir-3:T dir-4:T dir-5:T",
    "cht-1:T cht-2:T cht-3:T cht-4:T cht-5:T cht-6:T cht-7:C",
    "ses-1:P ses-2:P ses-3:P ses-4:P",
    "ana-1:P ana-2:C ana-3:T ana-4:TP ana-5:P ana-6:P",
    "srv-1:CP srv-2:CP",
    "ref-1:P",
    "sec-1:CTP sec-2:T sec-3:T sec-4:T sec-5:C sec-6:Pct sec-7:T sec-8:CP",
];

#[test]
fn each_ref_is_a_promise_that_this_organisation_makes() {
    let known: Vec<(&str, &str)> = PROMISES
        .iter()
        .flat_map(|family| family.split(' '))
        .map(|promise| promise.split_once(':').unwrap())
        .collect();
    assert_eq!(known.len(), 117);
    for (letter, notice) in [('c', CPE), ('t', TRAINERS), ('p', PROCESS)] {
        for id in refs(notice) {
            let (_, who) = known.iter().find(|(known, _)| *known == id).expect(&id);
            assert!(who.to_lowercase().contains(letter), "{letter} does not promise {id}");
        }
    }
}

#[test]
fn what_each_notice_covers_so_far() {
    let covered = |notice| refs(notice).into_iter().collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(covered(CPE), @"acc-1 acc-10 acc-14 acc-3 acc-4 acc-5 acc-9 hold-1 ntc-1 ntc-4 rgt-1 rgt-2 rgt-3 sec-1 sec-5 sec-6 use-1 use-15 use-2");
    insta::assert_snapshot!(covered(TRAINERS), @"acc-1 acc-11 acc-12 acc-13 acc-16 acc-19 acc-2 acc-7 ana-3 ntc-1 rgt-1 rgt-2 rgt-3 sec-1 sec-6");
    insta::assert_snapshot!(covered(PROCESS), @"acc-1 acc-10 acc-15 acc-17 acc-18 acc-3 acc-6 acc-8 hold-1 ntc-1 ntc-4 rgt-1 rgt-2 rgt-3 sec-1 sec-6 use-2");
}

fn refs(notice: &str) -> BTreeSet<String> {
    let policy = Policy::compile(notice, &Registry::new(AREAS)).unwrap();
    policy.sentences.into_iter().flat_map(|sentence| sentence.refs).collect()
}
