//! What a killed server had told: which acts it had answered, which it had only begun, and what the time was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kept_vault::SubjectId;

/// Everything told since the first start.
pub(crate) struct Model {
    pub(crate) moment: Timestamp,
    pub(crate) people: BTreeMap<String, Person>,
    /// Who had something begun since they were last looked at.
    pub(crate) touched: BTreeSet<String>,
    /// What each writer has begun and not yet answered.
    begun: BTreeMap<String, Act>,
    /// What must not happen, in the server's own words.
    pub(crate) bad: Vec<String>,
    /// Acts that were answered with an error.
    pub(crate) refused: Vec<String>,
    pub(crate) answered: usize,
}

/// One invented person, as far as anything about them was told.
#[derive(Default)]
pub(crate) struct Person {
    /// Known once the sign-up was answered, or found afterwards.
    pub(crate) subject: Option<SubjectId>,
    pub(crate) steps: Count,
    pub(crate) letters: Count,
    pub(crate) cards: Count,
    pub(crate) reads: Count,
    pub(crate) left: Option<Timestamp>,
    /// It was answered that they could not join.
    pub(crate) never: bool,
    /// Whether it was answered that they left, or only begun.
    pub(crate) surely_left: bool,
}

/// How often something was done: as often as it was answered, and perhaps as often more as it was begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) answered: usize,
    pub(crate) open: usize,
}

#[derive(Clone)]
struct Act {
    name: String,
    what: String,
}

impl Count {
    fn settle(&mut self) {
        self.open -= 1;
        self.answered += 1;
    }

    /// Holds what was found against what was told; from now on what was found is what is so.
    pub(crate) fn look(&mut self, found: usize, what: &str) -> Result<(), String> {
        let told = *self;
        *self = Count { answered: found, open: 0 };
        let may_be = told.answered..=told.answered + told.open;
        may_be.contains(&found).then_some(()).ok_or_else(|| format!("{what}: found {found}, told {told:?}"))
    }
}

impl Model {
    pub(crate) fn new(moment: Timestamp) -> Model {
        Model {
            moment,
            people: BTreeMap::new(),
            touched: BTreeSet::new(),
            begun: BTreeMap::new(),
            bad: Vec::new(),
            refused: Vec::new(),
            answered: 0,
        }
    }

    /// A server was killed: what it had begun may be kept or not.
    pub(crate) fn crashed(&mut self) {
        self.begun.clear();
    }

    /// Takes in a line of a server. Other lines than its own are skipped.
    pub(crate) fn hear(&mut self, line: &str) {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            ["tick", at] => self.moment = moment(at),
            ["will", writer, what, name, at] => {
                self.begins(what, name, at);
                self.begun.insert((*writer).into(), Act { name: (*name).into(), what: (*what).into() });
            }
            ["did", writer, subject] => self.did(writer, subject),
            ["not", writer, why] => self.did_not(writer, why),
            ["may", writer, why] => {
                self.begun.remove(*writer);
                self.refused.push((*why).into());
            }
            ["read", name] => self.touch(name).reads.open += 1,
            ["noted", name] => {
                self.answered += 1;
                self.touch(name).reads.settle();
            }
            ["bad", why] => self.bad.push((*why).into()),
            _ => {}
        }
    }

    fn begins(&mut self, what: &str, name: &str, at: &str) {
        let person = self.touch(name);
        match what {
            "leave" => person.left = Some(moment(at)),
            _ => person.count(what).into_iter().for_each(|count| count.open += 1),
        }
    }

    fn did(&mut self, writer: &str, subject: &str) {
        let Some(act) = self.begun.remove(writer) else { return };
        self.answered += 1;
        let person = self.touch(&act.name);
        match act.what.as_str() {
            "join" => person.subject = Some(subject.parse().unwrap()),
            "leave" => person.surely_left = true,
            what => person.count(what).into_iter().for_each(Count::settle),
        }
    }

    /// An answer that says that nothing was kept.
    fn did_not(&mut self, writer: &str, why: &str) {
        self.refused.push(why.into());
        let Some(act) = self.begun.remove(writer) else { return };
        let person = self.touch(&act.name);
        match act.what.as_str() {
            "join" => person.never = true,
            "leave" => person.left = None,
            what => person.count(what).into_iter().for_each(|count| count.open -= 1),
        }
    }

    fn touch(&mut self, name: &str) -> &mut Person {
        self.touched.insert(name.into());
        self.people.entry(name.into()).or_default()
    }
}

impl Person {
    fn count(&mut self, what: &str) -> Option<&mut Count> {
        match what {
            "step" => Some(&mut self.steps),
            "letter" => Some(&mut self.letters),
            "card" => Some(&mut self.cards),
            _ => None,
        }
    }
}

fn moment(millis: &str) -> Timestamp {
    Timestamp::from_millisecond(millis.parse().unwrap()).unwrap()
}
