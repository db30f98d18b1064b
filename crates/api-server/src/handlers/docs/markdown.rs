//! The little Markdown that our own pages use: headings, paragraphs, code, bold text and links.

/// HTML of a page in which every `##` heading begins a section that can be linked by its text.
pub(super) fn html(markdown: &str) -> String {
    let blocks = markdown.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    blocks.map(block).collect()
}

fn block(text: &str) -> String {
    if let Some(heading) = text.strip_prefix("## ") {
        let id = heading.trim();
        return format!("<h2 id=\"{}\">{}</h2>\n", escape(id), inline(heading));
    }
    if let Some(heading) = text.strip_prefix("# ") {
        return format!("<h1>{}</h1>\n", inline(heading));
    }
    format!("<p>{}</p>\n", inline(text))
}

fn inline(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => out.push_str(&bold(part)),
            _ => out.push_str(&format!("<code>{}</code>", escape(part))),
        }
    }
    out
}

fn bold(text: &str) -> String {
    let parts = text.split("**").enumerate();
    parts
        .map(|(at, part)| match at % 2 {
            0 => escape(part),
            _ => format!("<strong>{}</strong>", escape(part)),
        })
        .collect()
}

/// Text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
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
