//! The smallest reader of JSON that an adapter needs. Numbers keep their text, so that nothing is rounded.

const DEEPEST: usize = 64;

pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value of a whole line; None if it is not JSON.
    pub fn read(line: &[u8]) -> Option<Json> {
        let mut reader = Reader { rest: std::str::from_utf8(line).ok()? };
        let value = reader.value(0)?;
        reader.space();
        if reader.rest.is_empty() { Some(value) } else { None }
    }

    /// The value of a field of an object.
    pub fn field(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches(&[' ', '\t', '\r', '\n'][..]);
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    /// Takes a token with the space before it, if it is there.
    fn sees(&mut self, token: &str) -> bool {
        self.space();
        self.take(token).is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.space();
        match self.rest.chars().next()? {
            '{' | '[' if depth == DEEPEST => None,
            '{' => self.object(depth),
            '[' => self.list(depth),
            '"' => self.text().map(Json::Text),
            't' => self.take("true").map(|()| Json::Bool(true)),
            'f' => self.take("false").map(|()| Json::Bool(false)),
            'n' => self.take("null").map(|()| Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut fields = Vec::new();
        if self.sees("}") {
            return Some(Json::Object(fields));
        }
        loop {
            self.space();
            let name = self.text()?;
            self.space();
            self.take(":")?;
            fields.push((name, self.value(depth + 1)?));
            if self.sees("}") {
                return Some(Json::Object(fields));
            }
            self.take(",")?;
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut items = Vec::new();
        if self.sees("]") {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.sees("]") {
                return Some(Json::List(items));
            }
            self.take(",")?;
        }
    }

    fn digits(&mut self) -> Option<()> {
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let some = after.len() < self.rest.len();
        self.rest = after;
        if some { Some(()) } else { None }
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.rest;
        let _ = self.take("-");
        if self.take("0").is_none() {
            self.digits()?;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if self.take("e").or_else(|| self.take("E")).is_some() {
            let _ = self.take("-").or_else(|| self.take("+"));
            self.digits()?;
        }
        Some(Json::Number(start[..start.len() - self.rest.len()].to_string()))
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut units: Vec<u16> = Vec::new(); // of \u, which may come in pairs
        let mut out = String::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            if c == '\\' && self.rest.starts_with('u') {
                let digits = self.rest.get(1..5).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()))?;
                units.push(u16::from_str_radix(digits, 16).ok()?);
                self.rest = &self.rest[5..];
                continue;
            }
            out.extend(char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or('\u{fffd}')));
            match c {
                '"' => return Some(out),
                '\\' => {
                    let at = "\"\\/bfnrt".find(self.rest.chars().next()?)?;
                    out.push(['"', '\\', '/', '\u{8}', '\u{c}', '\n', '\r', '\t'][at]);
                    self.rest = &self.rest[1..];
                }
                '\0'..='\u{1f}' => return None,
                _ => out.push(c),
            }
        }
    }
}
