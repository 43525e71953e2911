//! `#[derive(Record)]` and `#[derive(View)]`: the declarations that the kernel holds against the notice, read off the
//! fields. A field that does not name its kind does not compile, so no personal field can be forgotten.
//!
//! ```text
//! #[derive(Record, Serialize, Deserialize)]
//! #[record(name = "profile")]
//! struct Profile {
//!     #[kind(Name)]            given_name: String,
//!     #[kind(EmailAddress)]    email: String,
//! }
//!
//! #[derive(View, Default, Deserialize)]
//! #[serde(default)]
//! #[view(name = "shipping-label", says = "the label at the dispatch desk")]
//! #[view(by = Role("dispatch"), purpose = "dpv:RequestedServiceProvision", of = Profile)]
//! struct ShippingLabel {
//!     #[kind(Name)]                        given_name: Option<String>,
//!     #[kind(EmailAddress, mask = Domain)] email: Option<String>,
//! }
//! ```

mod kind;
mod record;
mod view;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Fields, parse_macro_input};

/// Implements `kept_keeper::Record`. `#[record(name = "…")]` gives its name in the vault, `own_key` keys of its own;
/// `#[kind(…)]` on every field names a constant of `kept_vault::Kind` in camel case.
#[proc_macro_derive(Record, attributes(record, kind))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Implements `kept_keeper::View`. `#[view(…)]` gives `name`, `says`, `by` (`Person`, `System`, `Role("…")`), `purpose`,
/// `of` (the record that fields come from), `rows` (kinds shown from the area's tables) and `needed`; `#[kind(…)]` on every field names its kind, and if it differs
/// its record (`of = …`) and its form (`mask = …`).
#[proc_macro_derive(View, attributes(view, kind))]
pub fn view(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    view::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// The named fields of a struct.
fn fields(input: &DeriveInput) -> syn::Result<impl Iterator<Item = &syn::Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter()),
            Fields::Unnamed(_) | Fields::Unit => {
                Err(Error::new_spanned(&input.ident, "personal data is kept in structs with named fields"))
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            Err(Error::new_spanned(&input.ident, "personal data is kept in structs with named fields"))
        }
    }
}
