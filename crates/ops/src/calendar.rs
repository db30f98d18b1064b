//! A calendar (RFC 5545) with one event for each secret that must be rotated.

use jiff::{Timestamp, civil};

/// Longest line without its end (RFC 5545, 3.1).
const LINE_BYTES_MAX: usize = 75;

pub(crate) struct Due<'a> {
    pub(crate) name: &'a str,
    pub(crate) date: civil::Date,
}

/// An event of a secret always has the same id, so that importing the calendar again moves it.
pub(crate) fn calendar(due: &[Due<'_>], now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |content: &str| fold(&mut text, content);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//InvestIQ//investiq secrets report//EN");
    for Due { name, date } in due {
        line("BEGIN:VEVENT");
        line(&format!("UID:rotate-{name}@investiq"));
        line(&format!("DTSTAMP:{}", now.strftime("%Y%m%dT%H%M%SZ")));
        line(&format!("DTSTART;VALUE=DATE:{}", date.strftime("%Y%m%d")));
        line(&format!("SUMMARY:Rotate {name}"));
        line(&format!("DESCRIPTION:See docs/secrets-rotation.md\\, then: investiq secrets rotate {name}"));
        line("TRANSP:TRANSPARENT");
        line("BEGIN:VALARM");
        line("ACTION:DISPLAY");
        line("TRIGGER:-P7D");
        line(&format!("DESCRIPTION:{name} is due in a week"));
        line("END:VALARM");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

/// Appends a line, folded if it is too long. All text here is ASCII.
fn fold(text: &mut String, content: &str) {
    let (mut length_max, mut length) = (LINE_BYTES_MAX, 0);
    for char in content.chars() {
        if length == length_max {
            text.push_str("\r\n ");
            (length_max, length) = (LINE_BYTES_MAX - 1, 0);
        }
        text.push(char);
        length += 1;
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_date_and_no_line_is_too_long() {
        let name = "a_name_that_is_long_enough_to_make_its_description_fold_over";
        let due = [Due { name, date: civil::date(2026, 2, 1) }];
        let text = calendar(&due, "2026-01-02T03:04:05Z".parse().unwrap());
        assert!(text.contains("\r\nDTSTART;VALUE=DATE:20260201\r\n"), "{text}");
        assert!(text.contains("\r\nDTSTAMP:20260102T030405Z\r\n"), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX), "{text}");
        assert!(text.contains("\r\n "), "a line folds");
        assert!(text.replace("\r\n ", "").contains(&format!("secrets rotate {name}\r\n")));
    }
}
