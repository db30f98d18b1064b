//! CommonMark as HTML. Every `##` heading can be linked by its text, and raw HTML is shown as text.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TextMergeStream, html::push_html};

pub(super) fn html(markdown: &str) -> String {
    let mut events: Vec<Event<'_>> =
        TextMergeStream::new(Parser::new(markdown).map(without_raw_html)).collect();
    for at in 1..events.len() {
        let (before, rest) = events.split_at_mut(at);
        if let (Event::Start(Tag::Heading { level: HeadingLevel::H2, id, .. }), Event::Text(text)) =
            (&mut before[at - 1], &rest[0])
        {
            *id = Some(text.clone());
        }
    }
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    html
}

fn without_raw_html(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_elements_and_text_is_escaped() {
        let page = html("# A <b>\n\n## not_found\n\nUse `a<b` and **c & d**.\nMore.");
        assert_eq!(
            page,
            "<h1>A &lt;b&gt;</h1>\n<h2 id=\"not_found\">not_found</h2>\n\
             <p>Use <code>a&lt;b</code> and <strong>c &amp; d</strong>.\nMore.</p>\n"
        );
    }
}
