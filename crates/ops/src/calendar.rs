//! A calendar (RFC 5545) with one day for each secret that falls due.

use jiff::{Timestamp, civil};

/// Longest line, in bytes without its end (RFC 5545, 3.1).
const LINE_BYTES_MAX: usize = 75;

/// A secret that falls due.
pub(crate) struct Due<'a> {
    pub(crate) name: &'a str,
    pub(crate) on: civil::Date,
}

/// The calendar's text. Events keep their identifier, so that importing it again moves them.
pub(crate) fn calendar(due: &[Due<'_>], now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |content: &str| fold(&mut text, content);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//InvestIQ//investiq secrets report//EN");
    for Due { name, on } in due {
        line("BEGIN:VEVENT");
        line(&format!("UID:rotate-{name}@investiq"));
        line(&format!("DTSTAMP:{}", now.strftime("%Y%m%dT%H%M%SZ")));
        line(&format!("DTSTART;VALUE=DATE:{}", on.strftime("%Y%m%d")));
        line(&format!("SUMMARY:Rotate {name}"));
        line(&format!("DESCRIPTION:See docs/secrets-rotation.md\\, then: investiq secrets rotate {name}"));
        line("TRANSP:TRANSPARENT");
        line("BEGIN:VALARM");
        line("ACTION:DISPLAY");
        line("TRIGGER:-P7D");
        line(&format!("DESCRIPTION:{name} falls due in a week"));
        line("END:VALARM");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

/// Appends a line; one that is too long goes on in the next, after a blank. All that is written here is ASCII.
fn fold(text: &mut String, content: &str) {
    let (mut room, mut at) = (LINE_BYTES_MAX, 0);
    for char in content.chars() {
        if at == room {
            text.push_str("\r\n ");
            (room, at) = (LINE_BYTES_MAX - 1, 0);
        }
        text.push(char);
        at += 1;
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_falls_on_its_day_and_no_line_is_too_long() {
        let name = "a_name_that_is_long_enough_to_make_its_description_fold_over";
        let due = [Due { name, on: civil::date(2026, 2, 1) }];
        let text = calendar(&due, "2026-01-02T03:04:05Z".parse().unwrap());
        assert!(text.contains("\r\nDTSTART;VALUE=DATE:20260201\r\n"), "{text}");
        assert!(text.contains("\r\nDTSTAMP:20260102T030405Z\r\n"), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX), "{text}");
        assert!(text.contains("\r\n "), "a line folds");
        assert!(text.replace("\r\n ", "").contains(&format!("secrets rotate {name}\r\n")));
    }
}
