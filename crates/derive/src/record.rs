//! `#[derive(Record)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr};

use crate::{fields, kind};

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let (mut name, mut own_key) = (None, false);
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("record")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                name = Some(meta.value()?.parse::<LitStr>()?);
            } else if meta.path.is_ident("own_key") {
                own_key = true;
            } else {
                return Err(meta.error("expected `name = \"…\"` or `own_key`"));
            }
            Ok(())
        })?;
    }
    let name = name.ok_or_else(|| {
        Error::new_spanned(&input.ident, "a record has a name in the vault: #[record(name = \"…\")]")
    })?;
    let mut listed = Vec::new();
    for field in fields(input)? {
        let Some(attr) = kind::of(field)? else { continue };
        let (ident, kind) = (field.ident.as_ref().map(ToString::to_string), attr.kind);
        listed.push(quote!(::kept_keeper::Field { name: #ident, kind: #kind }));
    }
    let ident = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::kept_keeper::Record for #ident {
            const NAME: &'static str = #name;
            const FIELDS: &'static [::kept_keeper::Field] = &[#(#listed),*];
            const OWN_KEY: bool = #own_key;
        }
    })
}
