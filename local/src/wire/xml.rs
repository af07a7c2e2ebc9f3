//! Writes XML: elements in EC2's style, without attributes, with every text escaped.

use std::borrow::Cow;
use std::fmt::Display;

use chrono::SecondsFormat;
use prism_functions::domain::Timestamp;
use prism_functions::ports::{StateReason, Tags};
use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// The namespace of every response that is not an error.
pub(super) const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    pub(super) fn new() -> Self {
        Self {
            writer: Writer::new(Vec::new()),
        }
    }

    pub(super) fn document(
        root: &str,
        namespace: Option<&str>,
        fill: impl FnOnce(&mut Self),
    ) -> Vec<u8> {
        let mut xml = Self::new();
        xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        let mut start = BytesStart::new(root);
        if let Some(namespace) = namespace {
            start.push_attribute(("xmlns", namespace));
        }
        xml.write(Event::Start(start));
        fill(&mut xml);
        xml.write(Event::End(BytesEnd::new(root)));
        xml.writer.into_inner()
    }

    pub(super) fn splice(&mut self, other: Xml) {
        self.writer.get_mut().extend(other.writer.into_inner());
    }

    pub(super) fn text(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        self.write(Event::Start(BytesStart::new(name)));
        self.write(Event::Text(BytesText::from_escaped(escaped(&value))));
        self.write(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A time, to the millisecond.
    pub(super) fn time(&mut self, name: &str, at: Timestamp) {
        self.text(name, at.to_rfc3339_opts(SecondsFormat::Millis, true));
    }

    pub(super) fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.write(Event::Start(BytesStart::new(name)));
        fill(self);
        self.write(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn list<T>(
        &mut self,
        name: &str,
        things: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.within(name, |xml| {
            for thing in things {
                xml.within("item", |xml| each(xml, thing));
            }
        });
    }

    pub(super) fn texts<T: Display>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        self.within(name, |xml| {
            for value in values {
                xml.text("item", value);
            }
        });
    }

    pub(super) fn value(&mut self, name: &str, value: impl Display) {
        self.within(name, |xml| xml.text("value", value));
    }

    pub(super) fn tags(&mut self, tags: &Tags) {
        if tags.is_empty() {
            return;
        }
        self.list("tagSet", tags, |xml, (key, value)| {
            xml.text("key", key);
            xml.text("value", value);
        });
    }

    pub(super) fn state_reason(&mut self, reason: Option<&StateReason>) {
        let Some(reason) = reason else {
            return;
        };
        self.within("stateReason", |xml| {
            xml.text("code", &reason.code);
            xml.text("message", &reason.message);
        });
    }

    fn write(&mut self, event: Event<'_>) {
        let written = self.writer.write_event(event);
        written.expect("memory takes every write");
    }
}

/// Escapes a text for XML. A character that XML 1.0 cannot represent becomes U+FFFD, and a carriage return is written
/// as a character reference, because parsers convert a bare one to a line feed.
fn escaped(text: &str) -> String {
    let allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || c >= '\u{10000}'
    };
    let text: Cow<'_, str> = if text.chars().all(allowed) {
        Cow::Borrowed(text)
    } else {
        let replaced = text
            .chars()
            .map(|c| if allowed(c) { c } else { '\u{fffd}' });
        Cow::Owned(replaced.collect())
    };
    escape(text).replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_a_parser() {
        let nasty = "<a b=\"c\">&amp; ' ]]> \r\n\té 😀 \u{0}\u{1b}";
        let mut xml = Xml::new();
        xml.text("x", nasty);
        let written = String::from_utf8(xml.writer.into_inner()).unwrap();
        assert!(!written.contains('\r') && !written.contains('\u{1b}'));
        let mut reader = quick_xml::Reader::from_str(&written);
        let mut read = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(text) => read.push_str(&text),
                Event::GeneralRef(entity) => {
                    let entity = format!("&{};", &*entity);
                    read.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let expected = nasty.replace(['\u{0}', '\u{1b}'], "\u{fffd}");
        assert_eq!(read, expected);
    }

    #[test]
    fn a_document_has_its_declaration_and_namespace() {
        let document = Xml::document("R", Some("urn:x"), |xml| {
            xml.list("set", ["1", "2"], |xml, n| xml.text("n", n));
        });
        assert_eq!(
            String::from_utf8(document).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><R xmlns=\"urn:x\"><set><item><n>1</n></item>\
             <item><n>2</n></item></set></R>"
        );
    }
}
