//! What an act reads of a subject, and who may.

use kept_notice::Verdict;
use kept_vault::{Kind, SubjectId};

use super::{Act, Index};
use crate::{
    ctx::Actor,
    error::KeeperError,
    release,
    sealed::Keys,
    time::to_millis,
    trail::Deed,
    view::{By, View},
};

impl Act<'_, '_> {
    /// Reads a person through a view. A read by staff commits its event before the data is released, with the reason
    /// that they stated.
    ///
    /// # Errors
    /// The notice does not allow the view, it is not for this actor, or the role must state a reason and did not;
    /// then nothing is released.
    pub fn view<V: View>(&mut self, subject: SubjectId, because: Option<&str>) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, because, |act| release::view::<V>(act.house, act.tx, subject, None))
    }

    /// Reads a person through a view, with one of many records of a type: `document/…`.
    ///
    /// # Errors
    /// As [`view`](Act::view).
    pub fn view_of<V: View>(
        &mut self,
        subject: SubjectId,
        record: &str,
        because: Option<&str>,
    ) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, because, |act| {
            release::view::<V>(act.house, act.tx, subject, Some(record))
        })
    }

    /// Reads the bytes that lie with a record, through a view that shows it; nothing if they have been erased.
    ///
    /// # Errors
    /// As [`view`](Act::view).
    pub fn blob_of<V: View>(
        &mut self,
        subject: SubjectId,
        record: &str,
        because: Option<&str>,
    ) -> Result<Option<Vec<u8>>, KeeperError> {
        self.released::<V, _>(subject, because, |act| {
            release::blob::<V>(act.house, act.tx, subject, record).map(|blob| (blob, None))
        })
    }

    /// Releases something through a view: asked of the notice before, and for staff on the trail with it.
    fn released<V: View, T>(
        &mut self,
        subject: SubjectId,
        because: Option<&str>,
        data: impl FnOnce(&Self) -> Result<(T, Option<Keys>), KeeperError>,
    ) -> Result<T, KeeperError> {
        release::may::<V>(self.house, self.ctx, subject)?;
        release::asked::<V>(self.ctx, because, self.permitted.contains(&subject))?;
        let (data, keys) = data(self)?;
        if let By::Role(_) = V::SPEC.by {
            let policy = self.ctx.policy.clone();
            let kinds = policy.kinds_shown(&V::SPEC);
            let purpose = Some(V::SPEC.purpose);
            match keys {
                Some(keys) => self.note_among(&keys, Deed::Read, V::SPEC.name, kinds, because, purpose)?,
                None => self.note_for(subject, Deed::Read, V::SPEC.name, kinds, because, purpose)?,
            };
        }
        Ok(data)
    }

    /// Puts on record that a person allows staff to look at their data, and how it was made sure that it was them. For this
    /// act: another look needs another permission. In a role of which the notice asks none, there is nothing to record.
    ///
    /// # Errors
    /// The database failed.
    pub fn permit(&mut self, subject: SubjectId, how: &str) -> Result<(), KeeperError> {
        let Actor::Staff { role, .. } = self.ctx.actor else { return Ok(()) };
        if self.ctx.policy.notice.role(role).is_some_and(|rule| rule.asks_permission) {
            self.note(subject, Deed::Permitted, how, &[], None)?;
            self.permitted.push(subject);
        }
        Ok(())
    }

    /// The subject to whom a value belongs in a unique index.
    ///
    /// # Errors
    /// The database failed.
    pub fn find(&self, index: Index, value: &str) -> Result<Option<SubjectId>, KeeperError> {
        release::find(self.house, self.tx, index, value)
    }

    /// The ids of the rules that hold some of a subject's data now.
    ///
    /// # Errors
    /// The database failed.
    pub fn holds(&self, subject: SubjectId) -> Result<Vec<String>, KeeperError> {
        Ok(crate::erase::active_holds(self.tx, subject, to_millis(self.ctx.now))?)
    }

    /// Whether the day has come on which a kind of a subject's data is erased, although a hold still keeps something of
    /// them: nobody gives it anew.
    ///
    /// # Errors
    /// The database failed.
    pub fn is_over(&self, subject: SubjectId, kind: Kind) -> Result<bool, KeeperError> {
        crate::erase::is_over(self.tx, &self.ctx.policy, subject, kind)
    }

    /// Whether the notice in force allows a view.
    pub fn allows<V: View>(&self) -> bool {
        matches!(self.ctx.policy.verdict(&V::SPEC), Verdict::Allowed { .. })
    }
}
