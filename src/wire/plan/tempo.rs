//! Tempo notation: eccentric, pause stretched, concentric, pause shortened; seconds.
//!
//! `31X0`, `3-1-X-0`, `3/1/X/0`, each also with a leading `@`; a place is seconds (0-30, one decimal),
//! `X` (as fast as possible with control) or `*` (not prescribed). Which values make sense in which
//! place is `rules::lint`.

use crate::model::plan::{Beat, Tempo};

/// What is wrong with a tempo, and what to do.
pub(super) struct BadTempo {
    pub message: String,
    pub hint: String,
}

/// Reads a tempo.
pub(super) fn tempo(text: &str) -> Result<Tempo, BadTempo> {
    let body = text.trim();
    let body = body.strip_prefix('@').unwrap_or(body);
    let places: Vec<String> = if body.contains(['-', '/']) {
        let separator = if body.contains('-') { '-' } else { '/' };
        body.split(separator).map(|p| p.trim().to_owned()).collect()
    } else {
        body.chars().map(String::from).collect()
    };
    let Ok(places) = <[String; 4]>::try_from(places) else {
        return Err(wrong_count(text, body));
    };
    let mut beats = [Beat::Free; 4];
    for (beat, place) in beats.iter_mut().zip(&places) {
        *beat = read_beat(place).ok_or_else(|| BadTempo {
            message: format!("tempo {text:?} has {place:?} in a place; expected seconds from 0 to 30 with at most one decimal, X or *"),
            hint: "write for example \"3-1-2-0\": 3 s lowering, 1 s pause, 2 s lifting, no pause".to_owned(),
        })?;
    }
    Ok(Tempo(beats))
}

fn wrong_count(text: &str, body: &str) -> BadTempo {
    let places: Vec<&str> = body.split(['-', '/']).collect();
    let three = places.len() == 3 || (places.len() == 1 && body.chars().count() == 3);
    if three {
        return BadTempo {
            message: format!("tempo {text:?} has three numbers; expected four places"),
            hint: "three-number forms differ in meaning and are not guessed: write eccentric-pause-concentric-pause, with * for a place that is not prescribed".to_owned(),
        };
    }
    BadTempo {
        message: format!("tempo {text:?} does not have four places"),
        hint: "write eccentric-pause-concentric-pause with the same separator throughout, such as \"3-1-2-0\"; numbers of two digits or with a decimal need the separators".to_owned(),
    }
}

fn read_beat(place: &str) -> Option<Beat> {
    match place {
        "X" | "x" => return Some(Beat::Explosive),
        "*" => return Some(Beat::Free),
        _ => {}
    }
    let (whole, decimal) = place.split_once('.').unwrap_or((place, "0"));
    let digits = |s: &str, most: usize| {
        (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(whole, 2) || !digits(decimal, 1) {
        return None;
    }
    let seconds: f64 = place.parse().ok()?;
    (seconds <= 30.0).then_some(Beat::Seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Beat::{Explosive as X, Free, Seconds as S};

    fn beats(text: &str) -> Option<[Beat; 4]> {
        tempo(text).ok().map(|t| t.0)
    }

    #[test]
    fn the_written_forms_mean_the_same() {
        for form in [
            "31X0",
            "3-1-X-0",
            "3/1/X/0",
            "@31X0",
            "@3-1-x-0",
            " 3 - 1 - X - 0 ",
        ] {
            assert_eq!(beats(form), Some([S(3.0), S(1.0), X, S(0.0)]), "{form}");
        }
        assert_eq!(beats("3-0-*-1"), Some([S(3.0), S(0.0), Free, S(1.0)]));
        assert_eq!(
            beats("2.5-0-10-0.5"),
            Some([S(2.5), S(0.0), S(10.0), S(0.5)])
        );
        assert_eq!(beats("30-0-1-0").map(|b| b[0]), Some(S(30.0)));
    }

    #[test]
    fn nonsense_is_refused() {
        for form in [
            "",
            "3",
            "31",
            "31-0",
            "31X",
            "3-1-2",
            "3/1/2",
            "3-1/2-0",
            "31-0-1-0",
            "3-1-2-0-1",
            "31X00",
            "-3-1-2-0",
            "3.25-1-2-0",
            "3,5-1-2-0",
            "1e1-1-2-0",
            "31Y0",
            "3.5120",
            "3--2-0",
            "inf-0-1-0",
            "３120",
        ] {
            assert!(beats(form).is_none(), "{form:?} must be refused");
        }
    }

    #[test]
    fn three_numbers_are_explained() {
        for form in ["3-1-2", "312", "@3/1/2"] {
            let bad = tempo(form).err().unwrap();
            assert!(bad.message.contains("three numbers"), "{}", bad.message);
            assert!(bad.hint.contains("not guessed"));
        }
    }
}
