//! `#[derive(View)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Expr, LitStr, Path};

use crate::{fields, kind};

#[derive(Default)]
struct ViewAttr {
    name: Option<LitStr>,
    says: Option<LitStr>,
    by: Option<Expr>,
    purpose: Option<LitStr>,
    of: Option<Path>,
    rows: Vec<TokenStream>,
    needed: bool,
}

pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let said = read(input)?;
    let missing =
        |what: &str| Error::new_spanned(&input.ident, format!("a view says {what}: #[view({what} = …)]"));
    let name = said.name.ok_or_else(|| missing("name"))?;
    let says = said.says.ok_or_else(|| missing("says"))?;
    let by = said.by.ok_or_else(|| missing("by"))?;
    let purpose = said.purpose.ok_or_else(|| missing("purpose"))?;
    let (rows, needed) = (&said.rows, said.needed);
    let mut listed = Vec::new();
    for field in fields(input)? {
        let Some(attr) = kind::of(field)? else { continue };
        let of = attr.of.as_ref().or(said.of.as_ref());
        let of = of.ok_or_else(|| {
            Error::new_spanned(
                field,
                "this field comes from no record: say #[view(of = …)] or #[kind(…, of = …)]",
            )
        })?;
        let (ident, kind, mask) = (field.ident.as_ref().map(ToString::to_string), attr.kind, attr.mask);
        listed.push(quote!(::kept_keeper::ViewField {
            record: <#of as ::kept_keeper::Record>::NAME,
            name: #ident,
            kind: #kind,
            mask: #mask,
        }));
    }
    let ident = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::kept_keeper::View for #ident {
            const SPEC: ::kept_keeper::ViewSpec = ::kept_keeper::ViewSpec {
                name: #name,
                says: #says,
                by: ::kept_keeper::By::#by,
                purpose: #purpose,
                fields: &[#(#listed),*],
                rows: &[#(#rows),*],
                needed: #needed,
            };
        }
    })
}

fn read(input: &DeriveInput) -> syn::Result<ViewAttr> {
    let mut said = ViewAttr::default();
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("view")) {
        attr.parse_nested_meta(|meta| {
            let path = &meta.path;
            if path.is_ident("needed") {
                said.needed = true;
            } else if path.is_ident("name") {
                said.name = Some(meta.value()?.parse()?);
            } else if path.is_ident("says") {
                said.says = Some(meta.value()?.parse()?);
            } else if path.is_ident("by") {
                said.by = Some(meta.value()?.parse()?);
            } else if path.is_ident("purpose") {
                said.purpose = Some(meta.value()?.parse()?);
            } else if path.is_ident("of") {
                said.of = Some(meta.value()?.parse()?);
            } else if path.is_ident("rows") {
                meta.parse_nested_meta(|kind| {
                    said.rows.push(kind::constant(&kind.path)?);
                    Ok(())
                })?;
            } else {
                return Err(meta.error("expected name, says, by, purpose, of, rows or needed"));
            }
            Ok(())
        })?;
    }
    Ok(said)
}
