//! Who a page is for. A handler names one of these, and nobody else gets in.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::Actor;
use kept_web::{Problem, paths};

use crate::{
    ROLES,
    onward::Onward,
    second_factor,
    sessions::{Factor, Signed},
    switched_off,
};

impl<S: Send + Sync> OptionalFromRequestParts<S> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Signed>, Problem> {
        Ok(parts.extensions.get::<Signed>().cloned())
    }
}

/// Whoever is here to see, take along or erase what is held about them: that does not end when an account is switched off
/// (`rgt-1`, `rgt-3`). Anybody else is asked to sign in first.
#[derive(Clone, Debug)]
pub struct RightsHolder(pub Signed);

impl<S: Send + Sync> FromRequestParts<S> for RightsHolder {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<RightsHolder, Redirect> {
        match parts.extensions.get::<Signed>() {
            None => Err(Redirect::to(&Onward::of(parts).through(paths::SIGN_IN))),
            Some(signed) if signed.factor == Factor::Awaited => {
                Err(Redirect::to(&Onward::of(parts).through(second_factor::ASK)))
            }
            Some(signed) => Ok(RightsHolder(signed.clone())),
        }
    }
}

/// A signed-in person whose account is in use. Whose is switched off is told what it still opens; anybody else is asked to
/// sign in first.
#[derive(Clone, Debug)]
pub struct Person(pub Signed);

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Person, Redirect> {
        let RightsHolder(signed) = RightsHolder::from_request_parts(parts, state).await?;
        if signed.restricted { Err(Redirect::to(switched_off::HERE)) } else { Ok(Person(signed)) }
    }
}

/// A member of staff who has given a second factor. Who has no role does not learn that the page exists.
#[derive(Clone, Debug)]
pub struct Staff(pub Signed);

impl Staff {
    /// The actor in one of their roles.
    ///
    /// # Errors
    /// They do not have it: the page does not exist for them.
    pub fn acting(&self, role: &'static str) -> Result<Actor, Problem> {
        if ROLES.contains(&role) && self.0.roles.contains(&role) {
            Ok(Actor::Staff { subject: self.0.subject, role })
        } else {
            Err(Problem::not_found())
        }
    }

    /// The actor in one of their roles, whichever: for what everybody who works here may do.
    ///
    /// # Errors
    /// They have none.
    pub(crate) fn in_any_role(&self) -> Result<Actor, Problem> {
        let role = self.0.roles.first().ok_or_else(Problem::not_found)?;
        self.acting(role)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Staff, Response> {
        let RightsHolder(signed) =
            RightsHolder::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        match signed.factor {
            _ if signed.roles.is_empty() => Err(Problem::not_found().into_response()),
            Factor::Given => Ok(Staff(signed)),
            Factor::None | Factor::Awaited => Err(Redirect::to("/account/second-factor").into_response()),
        }
    }
}
