//! The three kinds of file that are taken, told by what is in them and not by what they are called.

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pdf,
    Png,
    Jpeg,
}

impl Format {
    const ALL: [Format; 3] = [Format::Pdf, Format::Png, Format::Jpeg];

    /// The kind of file that begins with these bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Format> {
        Format::ALL.into_iter().find(|format| bytes.starts_with(format.signature()))
    }

    /// How such files begin: ISO 32000-1 §7.5.2, PNG §5.2, ITU T.81 B.1.1 (start of image, and the next marker).
    fn signature(self) -> &'static [u8] {
        match self {
            Format::Pdf => b"%PDF-",
            Format::Png => b"\x89PNG\r\n\x1a\n",
            Format::Jpeg => b"\xff\xd8\xff",
        }
    }

    /// The word that is stored, and the ending of a file's name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Format::Pdf => "pdf",
            Format::Png => "png",
            Format::Jpeg => "jpeg",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }

    pub(super) fn media(self) -> &'static str {
        match self {
            Format::Pdf => "application/pdf",
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn content_tells_and_nothing_else_passes() {
        assert_eq!(Format::of(b"%PDF-1.7\n"), Some(Format::Pdf));
        assert_eq!(Format::of(b"\x89PNG\r\n\x1a\nrest"), Some(Format::Png));
        assert_eq!(Format::of(b"\xff\xd8\xff\xe0rest"), Some(Format::Jpeg));
        for other in [&b"<svg xmlns"[..], b"GIF89a", b"PK\x03\x04", b"<html>%PDF-", b"%PDF", b"\xff\xd8", b""]
        {
            assert_eq!(Format::of(other), None);
        }
    }
}
