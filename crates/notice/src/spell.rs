//! "Did you mean …?", for words of a file that people write by hand.

/// The candidate that a misspelt word was probably meant to be: the nearest by edit distance, if a third of the word or
/// less is wrong, or else the shortest that contains it.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> Option<&'c str> {
    let lower = word.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    let near = candidates
        .clone()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min();
    let containing = || {
        candidates
            .filter(|candidate| lower.len() > 3 && candidate.to_lowercase().contains(&lower))
            .min_by_key(|candidate| candidate.len())
    };
    near.map(|(_, candidate)| candidate).or_else(containing)
}

/// The help for a word that is not in a list.
pub fn help<'c>(word: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean \"{candidate}\"?"),
        None => match candidates.collect::<Vec<_>>().as_slice() {
            [] => "there is none to choose from".to_owned(),
            [one] => format!("the only one is \"{one}\""),
            many => format!("choose one of: {}", many.join(", ")),
        },
    }
}
