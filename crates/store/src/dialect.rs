//! What differs between databases: the schema's text, transaction control, the catalogue, values and errors.

pub(crate) mod postgres;
pub(crate) mod sqlite;
