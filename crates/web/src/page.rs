//! Rendering a template into a response.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

use crate::{Problem, headers::Scripted};

/// A page with status 200.
///
/// # Errors
/// An internal [`Problem`] when the template cannot be rendered.
pub fn page(template: &impl Template) -> Result<Response, Problem> {
    page_with(StatusCode::OK, template)
}

/// A page with one of the site's own scripts; no other page may run any.
///
/// # Errors
/// As [`page`].
pub fn page_with_script(template: &impl Template) -> Result<Response, Problem> {
    let mut answer = page(template)?;
    answer.extensions_mut().insert(Scripted);
    Ok(answer)
}

/// A page with a status of its own: 422 for a form shown again with its errors.
///
/// # Errors
/// An internal [`Problem`] when the template cannot be rendered.
pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(Problem::internal)?;
    Ok((status, Html(html)).into_response())
}
