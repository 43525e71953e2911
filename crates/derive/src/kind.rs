//! `#[kind(EmailAddress, of = Profile, mask = Domain)]` on a field.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Field, Ident, Path, spanned::Spanned};

/// What a field's attribute says.
pub(crate) struct KindAttr {
    pub(crate) kind: TokenStream,
    pub(crate) of: Option<Path>,
    pub(crate) mask: TokenStream,
}

/// Reads the attribute of a field; every field has exactly one, unless serde skips the field.
pub(crate) fn of(field: &Field) -> syn::Result<Option<KindAttr>> {
    let mut attributes = field.attrs.iter().filter(|attr| attr.path().is_ident("kind"));
    let Some(attr) = attributes.next() else {
        if skipped(field)? {
            return Ok(None);
        }
        return Err(Error::new(
            field.span(),
            "this field names no kind of personal data: write #[kind(…)] with a constant of Kind, such as EmailAddress",
        ));
    };
    if let Some(second) = attributes.next() {
        return Err(Error::new_spanned(second, "a field has one kind"));
    }
    let (mut kind, mut of, mut mask) = (None, None, quote!(::kept_vault::Mask::Whole));
    attr.parse_nested_meta(|meta| {
        if meta.path.is_ident("of") {
            of = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("mask") {
            let form: Ident = meta.value()?.parse()?;
            mask = quote!(::kept_vault::Mask::#form);
        } else if kind.is_none() {
            kind = Some(constant(&meta.path)?);
        } else {
            return Err(meta.error("expected `of = Record` or `mask = Form`"));
        }
        Ok(())
    })?;
    let kind = kind.ok_or_else(|| Error::new_spanned(attr, "name the kind first, such as EmailAddress"))?;
    Ok(Some(KindAttr { kind, of, mask }))
}

/// The constant of `Kind` that a word names.
pub(crate) fn constant(path: &Path) -> syn::Result<TokenStream> {
    let name = path.require_ident()?;
    let constant = Ident::new(&screaming(&name.to_string()), name.span());
    Ok(quote!(::kept_vault::Kind::#constant))
}

/// Whether serde never writes the field, so that it holds nothing.
fn skipped(field: &Field) -> syn::Result<bool> {
    let mut skipped = false;
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        attr.parse_nested_meta(|meta| {
            skipped |= meta.path.is_ident("skip");
            if meta.input.peek(syn::Token![=]) {
                let _: syn::Expr = meta.value()?.parse()?;
            }
            Ok(())
        })?;
    }
    Ok(skipped)
}

/// `EmailAddress` as a constant is called: `EMAIL_ADDRESS`; `IPAddress` is `IP_ADDRESS`.
fn screaming(camel: &str) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let mut constant = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && letters.get(at - 1).is_some_and(|before| before.is_lowercase());
        let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if at > 0 && letter.is_uppercase() && (after_lower || before_lower) {
            constant.push('_');
        }
        constant.extend(letter.to_uppercase());
    }
    constant
}

#[cfg(test)]
mod tests {
    use super::screaming;

    #[test]
    fn kinds_are_called_as_their_constants() {
        for (camel, constant) in [
            ("Name", "NAME"),
            ("EmailAddress", "EMAIL_ADDRESS"),
            ("IPAddress", "IP_ADDRESS"),
            ("Trail", "TRAIL"),
        ] {
            assert_eq!(screaming(camel), constant);
        }
    }
}
