//! An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet.
//! Your loader goes where a comment says so; each function gets fields of the right form.

mod json;

use json::Json;
use std::io::{self, BufRead, Write};

/// Why a request gets an error instead of an outcome.
enum Refusal {
    UnsupportedCommand,
    BadRequest,
}
use Refusal::{BadRequest, UnsupportedCommand};

/// The fields of a reply after its id, as JSON.
type Reply = Result<String, Refusal>;

/// Says who you are. Name a feature only when its cases pass.
fn hello() -> Reply {
    Ok(r#""outcome": "ok", "name": "kit-rust", "version": "0", "protocol": 1, "features": []"#.to_string())
}

/// Maps a file, checks header and directory, and gives out a handle.
fn open(_path: &str) -> Reply {
    // Your loader: Ok(format!(r#""outcome": "ok", "image": {handle}"#)), or "outcome": "malformed" with a "rule".
    // If the operating system cannot open the path: Err(BadRequest).
    Err(UnsupportedCommand)
}

/// Makes a process of modules in their order; the host module has no image.
fn link(_modules: &[(&str, Option<u32>)]) -> Reply {
    // Your loader: "outcome": "ok", "process": 1, or "outcome": "unlinkable".
    Err(UnsupportedCommand)
}

struct Call<'a> {
    process: u32,
    module: &'a str,
    /// None for the entry function.
    function: Option<&'a str>,
    i: Vec<i64>,
    /// Bits: an f64 might lose some of a NaN.
    n: Vec<u64>,
    fuel: u64,
    depth: u64,
}

/// Calls a function.
fn call(call: &Call) -> Reply {
    let _ = (call.process, call.module, call.function, &call.i, &call.n, call.fuel, call.depth);
    // Your loader: "outcome": "ok", "i": ["1"], "n": ["3ff0000000000000"], "log": [], or
    // "outcome": "trap", "code": "divide-by-zero", "log": [].
    Err(UnsupportedCommand)
}

/// Forgets an image or a process.
fn close(_kind: &str, _handle: u32) -> Reply {
    // Your loader: "outcome": "ok".
    Err(UnsupportedCommand)
}

// Checks of forms: each gives the value as the loader wants it.

fn text(value: Option<&Json>) -> Result<&str, Refusal> {
    match value {
        Some(Json::Text(text)) => Ok(text),
        _ => Err(BadRequest),
    }
}

fn list(value: Option<&Json>) -> Result<&[Json], Refusal> {
    match value {
        Some(Json::List(items)) => Ok(items),
        _ => Err(BadRequest),
    }
}

fn handle(value: Option<&Json>) -> Result<u32, Refusal> {
    match value {
        Some(Json::Number(text)) => text.parse().ok().filter(|found| *found < 1 << 31).ok_or(BadRequest),
        _ => Err(BadRequest),
    }
}

fn is_true(value: Option<&Json>) -> bool {
    matches!(value, Some(Json::Bool(true)))
}

fn integer(value: Option<&Json>) -> Result<i64, Refusal> {
    let text = text(value)?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c));
    text.parse().ok().filter(|_| canonical).ok_or(BadRequest)
}

fn amount(value: Option<&Json>) -> Result<u64, Refusal> {
    let found = integer(value)?;
    u64::try_from(found).ok().filter(|found| *found < 1 << 53).ok_or(BadRequest)
}

fn bits(value: Option<&Json>) -> Result<u64, Refusal> {
    let text = text(value)?;
    let good = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    u64::from_str_radix(text, 16).ok().filter(|_| good).ok_or(BadRequest)
}

fn module(entry: &Json) -> Result<(&str, Option<u32>), Refusal> {
    let image = if is_true(entry.field("host")) { None } else { Some(handle(entry.field("image"))?) };
    Ok((text(entry.field("name"))?, image))
}

fn dispatch(q: &Json) -> Reply {
    match text(q.field("command"))? {
        "hello" => hello(),
        "open" => open(text(q.field("path"))?),
        "link" => link(&list(q.field("modules"))?.iter().map(module).collect::<Result<Vec<_>, _>>()?),
        "call" => call(&Call {
            process: handle(q.field("process"))?,
            module: text(q.field("module"))?,
            function: if is_true(q.field("entry")) { None } else { Some(text(q.field("function"))?) },
            i: list(q.field("i"))?.iter().map(|x| integer(Some(x))).collect::<Result<_, _>>()?,
            n: list(q.field("n"))?.iter().map(|x| bits(Some(x))).collect::<Result<_, _>>()?,
            fuel: amount(q.field("fuel"))?,
            depth: amount(q.field("depth"))?,
        }),
        "close" if q.field("image").is_some() => close("image", handle(q.field("image"))?),
        "close" => close("process", handle(q.field("process"))?),
        _ => Err(UnsupportedCommand),
    }
}

fn main() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let request = Json::read(&line).unwrap_or(Json::Null);
        let id = handle(request.field("id"));
        let reply = match id.as_ref().map_or(Err(BadRequest), |_| dispatch(&request)) {
            Ok(fields) => fields,
            Err(BadRequest) => r#""error": "bad-request""#.to_string(),
            Err(UnsupportedCommand) => r#""error": "unsupported-command""#.to_string(),
        };
        println!("{{\"id\": {}, {reply}}}", id.unwrap_or(0));
        io::stdout().flush()?;
        line.clear();
    }
    Ok(())
}
