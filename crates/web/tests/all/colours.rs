//! The colour tokens, read from the stylesheet and measured as WCAG 2.2 does.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../../assets/kept.css");

#[test]
fn text_has_a_contrast_of_seven_to_one_in_both_themes() {
    for (theme, tokens) in themes() {
        for ground in ["paper", "wash"] {
            for text in ["ink", "quiet", "accent", "good", "bad"] {
                let contrast = contrast(&tokens[text], &tokens[ground]);
                assert!(contrast >= 7.0, "{theme}: {text} on {ground} has {contrast:.2}");
            }
        }
        let button = contrast(&tokens["on-accent"], &tokens["accent"]);
        assert!(button >= 7.0, "{theme}: on-accent on accent has {button:.2}");
    }
}

#[test]
fn the_bounds_of_fields_have_a_contrast_of_three_to_one() {
    for (theme, tokens) in themes() {
        let contrast = contrast(&tokens["edge"], &tokens["paper"]);
        assert!(contrast >= 3.0, "{theme}: edge on paper has {contrast:.2}");
    }
}

#[test]
fn both_themes_have_the_same_colours_and_rules_use_only_tokens() {
    let [light, dark] = themes().map(|(_, tokens)| tokens.into_keys().collect::<Vec<_>>());
    assert_eq!(light, dark);
    let rules = CSS.split_once("/* ── the page").unwrap().1.split_once("@media print").unwrap().0;
    assert!(
        !rules.lines().any(|line| line.contains(": #") || line.contains("rgb(")),
        "a colour outside the tokens"
    );
}

#[test]
fn the_measure_of_contrast_is_right() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.001);
    assert!((contrast("#777777", "#ffffff") - 4.48).abs() < 0.01);
}

fn themes() -> [(&'static str, BTreeMap<String, String>); 2] {
    let (light, rest) = CSS.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split_once("\n}").unwrap().0;
    [("light", colours(light)), ("dark", colours(dark))]
}

fn colours(block: &str) -> BTreeMap<String, String> {
    block
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"))
        .map(|(name, value)| (name.to_owned(), format!("#{}", &value[..6])))
        .collect()
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
