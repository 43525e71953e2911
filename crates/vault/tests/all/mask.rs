//! What masks show, and what they never do.

use kept_vault::Mask;
use proptest::prelude::*;

#[test]
fn show_what_they_say() {
    let shown = [
        (Mask::Whole, " Ada Example ", " Ada Example "),
        (Mask::Initial, "Ada Example", "A."),
        (Mask::Initial, " Žofie", "Ž."),
        (Mask::Initial, "李小例", "李."),
        (Mask::Initial, "  ", ""),
        (Mask::Last4, "4000 0000 0000 0002", "•••• 0002"),
        (Mask::Last4, "+1 555 01-99", "•••• 0199"),
        (Mask::Last4, "Ж-12345Ω", "•••• 345Ω"),
        (Mask::Last4, "1234", "••••"),
        (Mask::Last4, "12", "••••"),
        (Mask::Last4, "--", "••••"),
        (Mask::Last4, "", ""),
        (Mask::Domain, "ada@example.test", "••••@example.test"),
        (Mask::Domain, "\"a@b\"@example.test", "••••@example.test"),
        (Mask::Domain, "ada@bücher.test", "••••@bücher.test"),
        (Mask::Domain, "ada", "••••"),
        (Mask::Domain, "ada@", "••••"),
        (Mask::Domain, "write to @ada, 1 Sample Street", "••••"),
        (Mask::Domain, "", ""),
        (Mask::Present, "Ada", "given"),
        (Mask::Present, " ", "not given"),
    ];
    for (mask, value, expected) in shown {
        assert_eq!(mask.apply(value), expected, "{mask} of {value:?}");
    }
}

#[test]
fn the_notices_words_read_back() {
    for mask in Mask::ALL {
        assert_eq!(Mask::parse(&mask.to_string()), Some(mask));
    }
    assert_eq!(Mask::Last4.to_string(), "last 4");
    assert_eq!(Mask::parse("Whole"), None);
}

proptest! {
    /// Whatever else the values hold, they look the same.
    #[test]
    fn what_is_not_shown_makes_no_difference(one in "\\PC{0,20}", two in "\\PC{0,20}") {
        let same = |mask: Mask, one: &str, two: &str| assert_eq!(mask.apply(one), mask.apply(two), "{mask}");
        same(Mask::Initial, &format!("A{one}"), &format!("A{two}"));
        same(Mask::Last4, &format!("x{one}7 7-7.7"), &format!("x{two}7 7-7.7"));
        same(Mask::Domain, &format!("{one}@example.test"), &format!("{two}@example.test"));
        same(Mask::Present, &format!("x{one}"), &format!("x{two}"));
    }

    #[test]
    fn never_more_than_is_said(value in "\\PC{0,40}") {
        prop_assert!(Mask::Initial.apply(&value).chars().count() <= 2);
        let last4 = Mask::Last4.apply(&value);
        prop_assert!(last4.chars().filter(|c| c.is_alphanumeric()).count() <= 4);
        prop_assert!(last4.chars().count() <= 9);
        if let Some((local, _)) = value.rsplit_once('@').filter(|(local, _)| local.chars().count() > 4) {
            prop_assert!(!Mask::Domain.apply(&value).contains(local));
        }
    }
}
