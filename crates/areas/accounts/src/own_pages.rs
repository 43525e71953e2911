//! Pages of one's own (`acc-16`, `acc-19`): My account is for who is signed in as themselves, and only there are forms
//! filled in with what is already held.

use kept_keeper::{By, Inspect, KeeperError, View};
use kept_notice::Verdict;
use kept_store::params;

use crate::{account, members::Standing, records::MyProfile, recovery, reminders, sign_in, sign_up};

/// In what way what the notice says of such pages is not so, if it is not.
pub(crate) fn broken(inspect: &Inspect<'_, '_>) -> Result<Option<String>, KeeperError> {
    let session = &inspect.policy.notice.session;
    if session.opens_own_page || session.fills_forms {
        let allowed = matches!(inspect.policy.verdict(&MyProfile::SPEC), Verdict::Allowed { .. });
        if !allowed || MyProfile::SPEC.by != By::Person {
            return Ok(Some("the page My account is not for its owner".into()));
        }
    }
    if session.opens_own_page {
        let strangers = inspect.count(
            "SELECT COUNT(*) FROM sessions WHERE NOT EXISTS (SELECT 1 FROM accounts \
             WHERE accounts.subject = sessions.subject AND accounts.standing IN ($1, $2, $3))",
            &params![Standing::Open.word(), Standing::Disabled.word(), Standing::Deactivated.word()],
        )?;
        if strangers > 0 {
            return Ok(Some(format!("sessions that belong to nobody who may sign in: {strangers}")));
        }
    }
    if session.fills_forms {
        let filled = public_forms(inspect).map(|page| filled_in(&page)).unwrap_or(1);
        if filled > 0 {
            return Ok(Some(format!("fields that are filled in before anybody has signed in: {filled}")));
        }
        if !account::fills_in() {
            return Ok(Some("My account does not show what is held in its form".into()));
        }
    }
    Ok(None)
}

/// The forms that anybody is shown, one after another, as they are before anybody has typed anything.
fn public_forms(inspect: &Inspect<'_, '_>) -> Option<String> {
    let frame = reminders::specimen_frame(inspect.policy)?;
    let sign_up = sign_up::specimen(frame.clone(), inspect.policy).ok()?;
    let sign_in = sign_in::specimen(frame.clone()).ok()?;
    Some(sign_up + &sign_in + &recovery::specimen(frame).ok()?)
}

/// How many fields that people fill in hold something already.
fn filled_in(page: &str) -> usize {
    let typed = |tag: &&str| {
        !["hidden", "checkbox", "radio"].iter().any(|kind| tag.contains(&format!("type=\"{kind}\"")))
    };
    let filled = |tag: &&str| tag.split_once(" value=\"").is_some_and(|(_, value)| !value.starts_with('"'));
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let areas = page.split("<textarea").skip(1).filter_map(|rest| rest.split("</textarea>").next());
    let areas = areas.filter(|area| area.split_once('>').is_some_and(|(_, text)| !text.trim().is_empty()));
    inputs.filter(typed).filter(filled).count() + areas.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_filled_in_is_found() {
        for empty in [
            "<input name=\"email\">",
            "<input name=\"email\" value=\"\">",
            "<input type=\"hidden\" value=\"a token\">",
            "<input type=\"checkbox\" value=\"yes\">",
            "<textarea name=\"address\">\n</textarea>",
        ] {
            assert_eq!(filled_in(empty), 0, "{empty}");
        }
        for filled in [
            "<input name=\"email\" value=\"ada@example.test\">",
            "<textarea name=\"address\">\n1 Quill Lane</textarea>",
        ] {
            assert_eq!(filled_in(&format!("<p>{filled}</p>")), 1, "{filled}");
        }
    }
}
