//! What the pages remind people of (`sec-5`): they do so under every notice; one that promises it has it checked.

use std::sync::Arc;

use kept_keeper::Policy;
use kept_notice::Reminder;
use kept_web::{BaseUrl, Frame, Site};

use crate::{sign_in, sign_up};

/// On the page where one signs in.
pub(crate) const SHARED: &str = "On a computer that others use, too: let the browser remember nothing, and";
/// After that.
pub(crate) const SIGN_OUT: &str = "sign out when you are done.";
/// Where one chooses a password.
pub(crate) const PASSWORDS: &str =
    "At least 12 characters. Four random words are easy to remember and hard to guess.";

/// What the notice says that the pages remind people of, and they do not. The pages are rendered and read.
pub(crate) fn forgotten(policy: &Policy) -> Vec<&'static str> {
    let pages = specimen_frame(policy).and_then(|frame| {
        Some((sign_in::specimen(frame.clone()).ok()?, sign_up::specimen(frame, policy).ok()?))
    });
    let (sign_in, sign_up) = pages.unwrap_or_default();
    let promised = policy.notice.session.reminds.iter();
    promised
        .filter(|reminder| !says(**reminder, &sign_in, &sign_up))
        .map(|reminder| reminder.words())
        .collect()
}

fn says(reminder: Reminder, sign_in: &str, sign_up: &str) -> bool {
    match reminder {
        Reminder::SignOut => sign_in.contains(SIGN_OUT),
        Reminder::SharedComputers => sign_in.contains(SHARED),
        Reminder::GoodPasswords => sign_up.contains(PASSWORDS),
    }
}

/// A frame that nobody is shown.
pub(crate) fn specimen_frame(policy: &Policy) -> Option<Frame> {
    let base: BaseUrl = "https://specimen.invalid".parse().ok()?;
    let site = Site {
        name: policy.notice.of.clone(),
        base,
        contact: policy.notice.contact.clone(),
        language: "en".into(),
        notice_revised: policy.notice.effective,
    };
    Some(Arc::new(site).frame("", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_silent_is_found() {
        let (sign_in, sign_up) = (format!("<p>{SHARED} {SIGN_OUT}</p>"), format!("<p>{PASSWORDS}</p>"));
        for reminder in Reminder::ALL {
            assert!(says(reminder, &sign_in, &sign_up), "{reminder:?}");
            assert!(!says(reminder, "", ""), "{reminder:?}");
        }
        assert!(!says(Reminder::SharedComputers, SIGN_OUT, PASSWORDS));
    }
}
