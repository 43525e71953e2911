//! May a declared read happen, and who may see what.

use crate::choice::{Right, Shown};
use crate::notice::{Notice, Purpose, Role};

/// A declared read: who wants to see what, and why.
#[derive(Clone, Copy, Debug)]
pub struct ViewClaim<'a> {
    /// Who reads.
    pub by: Reader<'a>,
    /// Why: a DPV purpose, such as `dpv:ServiceProvision`.
    pub purpose: &'a str,
    /// What: a data term and the form it is shown in (see [`Shown::words`]).
    pub kinds: &'a [(&'a str, &'a str)],
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader<'a> {
    /// The person whose data it is.
    Person,
    /// The code itself, with nobody looking.
    System,
    /// Someone of the organisation in this role.
    Role(&'a str),
}

/// The notice's answer to a [`ViewClaim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may happen, by these rules.
    Allowed {
        /// Ids of the rules that allow it, such as `purpose.membership` and `role.support`.
        rules: Vec<String>,
    },
    /// It may not.
    Refused {
        /// What is missing, as a plain sentence.
        reason: String,
    },
}

/// Someone who may see a kind of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight<'n> {
    /// The role's name.
    pub role: &'n str,
    /// How much of it.
    pub shown: Shown,
    /// The names of the purposes, each of which uses the kind.
    pub purposes: Vec<&'n str>,
}

impl Notice {
    /// May this declared read happen? What no rule allows is refused.
    ///
    /// A person may always see their own data. The code needs a purpose that uses every kind. A role needs, besides, to
    /// be for that purpose and to see every kind in that form or a wider one. A kind that no label names is not held,
    /// so there is nothing of it to see; a view of nothing else is refused.
    pub fn judge(&self, view: &ViewClaim<'_>) -> Verdict {
        match self.rules_for(view) {
            Ok(rules) => Verdict::Allowed { rules },
            Err(reason) => Verdict::Refused { reason },
        }
    }

    /// Every role that may see data of this kind, in the order written.
    pub fn who_sees(&self, term: &str) -> Vec<Sight<'_>> {
        self.label_of(term).map(|data| self.sights(&data.label)).unwrap_or_default()
    }

    /// Every role that may see what this label holds.
    pub(crate) fn sights(&self, label: &str) -> Vec<Sight<'_>> {
        let mut sights = Vec::new();
        for role in &self.roles {
            for (_, shown) in role.sees.iter().filter(|(seen, _)| seen == label) {
                let purposes = self.purposes_of(role).filter(|purpose| purpose.uses(label));
                let purposes = purposes.map(|purpose| purpose.name.as_str()).collect();
                sights.push(Sight { role: &role.name, shown: *shown, purposes });
            }
        }
        sights
    }

    /// The rules that allow a read, or the sentence that says what is missing.
    fn rules_for(&self, view: &ViewClaim<'_>) -> Result<Vec<String>, String> {
        let role = match view.by {
            Reader::Person => {
                let access = self.rights.iter().filter(|right| right.right == Right::Access);
                return Ok(access.map(|right| right.rule.id.clone()).collect());
            }
            Reader::System => None,
            Reader::Role(name) => Some(self.role(name).ok_or_else(|| format!("There is no [role.{name}]."))?),
        };
        let purposes = self.purposes_with(view.purpose, role)?;
        let mut rules: Vec<String> = role.map(|role| role.rule.id.clone()).into_iter().collect();
        let named = view.kinds.iter().filter_map(|(term, form)| Some((self.label_of(term)?, *term, *form)));
        let held: Vec<_> = named.collect();
        if held.is_empty() {
            return Err("No label of [data] names anything that it shows.".to_owned());
        }
        for (data, term, form) in held {
            let purpose = purposes.iter().find(|purpose| purpose.uses(&data.label)).ok_or_else(|| {
                format!("{} does not use {}, which holds {term}.", ids(&purposes), data.label)
            })?;
            if let Some(role) = role {
                may_see(role, &data.label, form)?;
            }
            if !rules.contains(&purpose.rule.id) {
                rules.push(purpose.rule.id.clone());
            }
        }
        Ok(rules)
    }

    /// The purposes that are this DPV purpose, and which the role is for.
    fn purposes_with(&self, term: &str, role: Option<&Role>) -> Result<Vec<&Purpose>, String> {
        let mut purposes: Vec<&Purpose> =
            self.purposes.iter().filter(|purpose| purpose.is.id == term).collect();
        if purposes.is_empty() {
            return Err(format!("No [purpose] is {term}."));
        }
        if let Some(role) = role {
            let all = ids(&purposes);
            purposes.retain(|purpose| role.for_.contains(&purpose.name));
            if purposes.is_empty() {
                return Err(format!("{} is not for {all}, which is {term}.", role.rule.id));
            }
        }
        Ok(purposes)
    }

    fn purposes_of<'n>(&'n self, role: &'n Role) -> impl Iterator<Item = &'n Purpose> {
        role.for_.iter().filter_map(|name| self.purpose(name))
    }
}

fn may_see(role: &Role, label: &str, form: &str) -> Result<(), String> {
    let wanted =
        Shown::find(form).ok_or_else(|| format!("There is no form \"{form}\" to show {label} in."))?;
    let id = &role.rule.id;
    match role.sees.iter().find(|(seen, _)| seen == label) {
        None => Err(format!("{id} does not see {label}.")),
        Some((_, shown)) if shown.covers(wanted) => Ok(()),
        Some((_, shown)) => Err(format!("{id} sees {label} as \"{shown}\", not as \"{wanted}\".")),
    }
}

fn ids(purposes: &[&Purpose]) -> String {
    let ids: Vec<&str> = purposes.iter().map(|purpose| purpose.rule.id.as_str()).collect();
    ids.join(" or ")
}
