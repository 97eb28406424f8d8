//! The lines of `text/event-stream`, as the HTML standard has them, cut into events.

/// Longest event, in bytes.
const MOST_EVENT_BYTES: usize = 1 << 20;

/// Takes bytes as they come and gives the data of whole events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    data: Option<String>,
}

impl Parser {
    /// The data of every event that ends within these bytes.
    ///
    /// # Errors
    /// A sentence when an event is longer than is taken, or no text.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, &'static str> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
                if held > MOST_EVENT_BYTES {
                    return Err("an event is too long");
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(&line).map_err(|_| "an event is no text")?;
            events.extend(self.line(line.strip_suffix('\r').unwrap_or(line)));
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            return self.data.take();
        }
        // Other fields, and comments that keep the connection open, say nothing here: the number is in the data too.
        let value = line.strip_prefix("data:")?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_the_bytes_are_cut() {
        let stream =
            b": hello\nid: 1\ndata: {\"a\":\ndata: 1}\n\nevent: x\r\ndata:two\r\n\r\n: ping\n\ndata: cut";
        let expected = ["{\"a\":\n1}", "two"];
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let events: Vec<_> = stream.chunks(size).flat_map(|piece| parser.take(piece).unwrap()).collect();
            assert_eq!(events, expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn an_endless_event_is_an_error_and_not_a_full_memory() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; MOST_EVENT_BYTES];
        assert!(parser.take(&piece).is_ok());
        assert!(parser.take(b"x").is_err());
        assert!(Parser::default().take(b"data: \xff\n").is_err());
    }
}
