//! Calls a Rust body once: the request is on descriptor 4, the answer goes to descriptor 3.
//!
//! Each argument is decoded into the type of the parameter in its place. A parameter that is a
//! reference is given one that lives as long as the process. `Err` is a failure, `None` is null.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::io::FromRawFd;
use std::sync::Mutex;

/// Any JSON value. An integer that is too large for i128 stays the text that it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i128),
    Big(String),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        *self.text.as_bytes().get(self.at).unwrap_or(&0)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    // The host wrote the text, so it is JSON; only its shape is looked at.
    fn value(&mut self) -> Json {
        self.blank();
        match self.peek() {
            b'{' => Json::Object(self.entries(|reader| {
                reader.blank();
                let key = reader.string();
                reader.blank();
                reader.at += 1;
                (key, reader.value())
            })),
            b'[' => Json::List(self.entries(|reader| reader.value())),
            b'"' => Json::Text(self.string()),
            b't' => self.word(4, Json::Bool(true)),
            b'f' => self.word(5, Json::Bool(false)),
            b'n' => self.word(4, Json::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, length: usize, value: Json) -> Json {
        self.at += length;
        value
    }

    fn entries<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        self.at += 1;
        loop {
            self.blank();
            match self.peek() {
                b'}' | b']' => {
                    self.at += 1;
                    return all;
                }
                b',' => self.at += 1,
                _ => all.push(one(self)),
            }
        }
    }

    fn string(&mut self) -> String {
        let mut found = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c| c == '"' || c == '\\').unwrap_or(rest.len());
            found.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest.as_bytes().get(plain) != Some(&b'\\') {
                return found;
            }
            let escaped = self.peek();
            self.at += 1;
            match escaped {
                b'n' => found.push('\n'),
                b't' => found.push('\t'),
                b'r' => found.push('\r'),
                b'b' => found.push('\u{8}'),
                b'f' => found.push('\u{c}'),
                b'u' => found.push(self.code_point()),
                other => found.push(other as char),
            }
        }
    }

    fn unit(&mut self) -> u32 {
        let unit = u32::from_str_radix(&self.text[self.at..self.at + 4], 16).unwrap_or(0xFFFD);
        self.at += 4;
        unit
    }

    fn code_point(&mut self) -> char {
        let first = self.unit();
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).unwrap_or('\u{FFFD}');
        }
        self.at += 2;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (self.unit() - 0xDC00)).unwrap_or('\u{FFFD}')
    }

    fn number(&mut self) -> Json {
        let start = self.at;
        while matches!(self.peek(), b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if text.contains(|c| matches!(c, '.' | 'e' | 'E')) {
            return Json::Float(text.parse().unwrap_or(f64::NAN));
        }
        text.parse().map(Json::Int).unwrap_or_else(|_| Json::Big(text.to_string()))
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => write!(out, "\\u{:04x}", c as u32).unwrap(),
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Json {
    /// Read a JSON text. It panics when that is no JSON.
    pub fn parse(text: &str) -> Json {
        Reader { text, at: 0 }.value()
    }

    /// The value of a key of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(entries) => entries.iter().find(|entry| entry.0 == key).map(|entry| &entry.1),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Int(_) | Json::Big(_) => "an integer",
            Json::Float(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    fn write(&self, out: &mut String, depth: usize) -> Result<(), String> {
        if depth > 200 {
            return Err("the result is nested more than 200 levels deep".into());
        }
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(truth) => write!(out, "{truth}").unwrap(),
            Json::Int(number) => write!(out, "{number}").unwrap(),
            Json::Big(digits) => out.push_str(digits),
            Json::Float(number) if number.is_finite() => write!(out, "{number:?}").unwrap(),
            Json::Float(number) => return Err(format!("the result holds {number}, which JSON cannot hold")),
            Json::Text(text) => write_text(out, text),
            Json::List(all) => {
                out.push('[');
                for (at, each) in all.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    each.write(out, depth + 1)?;
                }
                out.push(']');
            }
            Json::Object(entries) => {
                out.push('{');
                for (at, (key, each)) in entries.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    write_text(out, key);
                    out.push(':');
                    each.write(out, depth + 1)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

fn unfit<T>(wanted: &str, found: &Json) -> Result<T, String> {
    Err(format!("wanted {wanted}, found {}", found.kind()))
}

/// A type that a parameter can have.
pub trait FromJson: Sized {
    fn from_json(value: &Json) -> Result<Self, String>;
}

/// A type that a body can return.
pub trait ToJson {
    fn to_json(&self) -> Json;
}

/// What a function returns: a value, or a failure.
pub trait Returned {
    fn returned(self) -> Result<Json, String>;
}

impl<T: ToJson> Returned for T {
    fn returned(self) -> Result<Json, String> {
        Ok(self.to_json())
    }
}

impl<T: ToJson, E: Display> Returned for Result<T, E> {
    fn returned(self) -> Result<Json, String> {
        self.map(|value| value.to_json()).map_err(|error| error.to_string())
    }
}

impl FromJson for Json {
    fn from_json(value: &Json) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl ToJson for Json {
    fn to_json(&self) -> Json {
        self.clone()
    }
}

macro_rules! integers {
    ($($kind:ty)*) => {$(
        impl FromJson for $kind {
            fn from_json(value: &Json) -> Result<Self, String> {
                match value {
                    Json::Int(number) => {
                        <$kind>::try_from(*number).map_err(|_| format!("{number} does not fit {}", stringify!($kind)))
                    }
                    Json::Big(_) => Err(format!("the integer does not fit {}", stringify!($kind))),
                    other => unfit("an integer", other),
                }
            }
        }
        impl ToJson for $kind {
            fn to_json(&self) -> Json {
                i128::try_from(*self).map(Json::Int).unwrap_or_else(|_| Json::Big(self.to_string()))
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

macro_rules! floats {
    ($($kind:ty)*) => {$(
        impl FromJson for $kind {
            fn from_json(value: &Json) -> Result<Self, String> {
                match value {
                    Json::Int(number) => Ok(*number as $kind),
                    Json::Float(number) => Ok(*number as $kind),
                    other => unfit("a number", other),
                }
            }
        }
        impl ToJson for $kind {
            fn to_json(&self) -> Json {
                Json::Float(*self as f64)
            }
        }
    )*};
}
floats!(f32 f64);

impl FromJson for bool {
    fn from_json(value: &Json) -> Result<Self, String> {
        if let Json::Bool(truth) = value { Ok(*truth) } else { unfit("a boolean", value) }
    }
}

impl ToJson for bool {
    fn to_json(&self) -> Json {
        Json::Bool(*self)
    }
}

impl FromJson for String {
    fn from_json(value: &Json) -> Result<Self, String> {
        if let Json::Text(text) = value { Ok(text.clone()) } else { unfit("a text", value) }
    }
}

impl ToJson for String {
    fn to_json(&self) -> Json {
        Json::Text(self.clone())
    }
}

impl ToJson for str {
    fn to_json(&self) -> Json {
        Json::Text(self.to_string())
    }
}

impl FromJson for char {
    fn from_json(value: &Json) -> Result<Self, String> {
        match value {
            Json::Text(text) if text.chars().count() == 1 => Ok(text.chars().next().unwrap()),
            other => unfit("a text of one character", other),
        }
    }
}

impl ToJson for char {
    fn to_json(&self) -> Json {
        Json::Text(self.to_string())
    }
}

impl ToJson for () {
    fn to_json(&self) -> Json {
        Json::Null
    }
}

impl FromJson for &'static str {
    fn from_json(value: &Json) -> Result<Self, String> {
        Ok(Box::leak(String::from_json(value)?.into_boxed_str()))
    }
}

impl<T: FromJson> FromJson for &'static T {
    fn from_json(value: &Json) -> Result<Self, String> {
        Ok(Box::leak(Box::new(T::from_json(value)?)))
    }
}

impl<T: FromJson> FromJson for &'static [T] {
    fn from_json(value: &Json) -> Result<Self, String> {
        Ok(Box::leak(Vec::from_json(value)?.into_boxed_slice()))
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self) -> Json {
        (**self).to_json()
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Json) -> Result<Self, String> {
        match value {
            Json::List(all) => all.iter().map(T::from_json).collect(),
            other => unfit("a list", other),
        }
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Json {
        self[..].to_json()
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self) -> Json {
        Json::List(self.iter().map(ToJson::to_json).collect())
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: &Json) -> Result<Self, String> {
        if *value == Json::Null { Ok(None) } else { T::from_json(value).map(Some) }
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, ToJson::to_json)
    }
}

macro_rules! maps {
    ($($kind:ident)*) => {$(
        impl<T: FromJson> FromJson for $kind<String, T> {
            fn from_json(value: &Json) -> Result<Self, String> {
                match value {
                    Json::Object(entries) => {
                        entries.iter().map(|(key, each)| Ok((key.clone(), T::from_json(each)?))).collect()
                    }
                    other => unfit("an object", other),
                }
            }
        }
        impl<T: ToJson> ToJson for $kind<String, T> {
            fn to_json(&self) -> Json {
                Json::Object(self.iter().map(|(key, each)| (key.clone(), each.to_json())).collect())
            }
        }
    )*};
}
maps!(HashMap BTreeMap);

macro_rules! tuples {
    ($($name:ident $at:tt),+; $count:expr) => {
        impl<$($name: FromJson),+> FromJson for ($($name,)+) {
            fn from_json(value: &Json) -> Result<Self, String> {
                match value {
                    Json::List(all) if all.len() == $count => Ok(($($name::from_json(&all[$at])?,)+)),
                    other => unfit(concat!("a list of ", $count), other),
                }
            }
        }
        impl<$($name: ToJson),+> ToJson for ($($name,)+) {
            fn to_json(&self) -> Json {
                Json::List(vec![$(self.$at.to_json()),+])
            }
        }
    };
}
tuples!(A 0; 1);
tuples!(A 0, B 1; 2);
tuples!(A 0, B 1, C 2; 3);
tuples!(A 0, B 1, C 2, D 3; 4);

/// A function that can be called with a list of JSON values.
pub trait Callable<Parameters> {
    const COUNT: usize;
    fn call(self, names: &[String], values: &[Json]) -> Result<Result<Json, String>, String>;
}

fn argument<T: FromJson>(names: &[String], values: &[Json], at: usize) -> Result<T, String> {
    T::from_json(&values[at]).map_err(|why| format!("the argument {}: {why}", names[at]))
}

macro_rules! callables {
    ($($name:ident $at:tt),*; $count:expr) => {
        impl<Function, Value, $($name),*> Callable<($($name,)*)> for Function
        where
            Function: FnOnce($($name),*) -> Value,
            Value: Returned,
            $($name: FromJson),*
        {
            const COUNT: usize = $count;
            #[allow(unused_variables)]
            fn call(self, names: &[String], values: &[Json]) -> Result<Result<Json, String>, String> {
                Ok(self($(argument::<$name>(names, values, $at)?),*).returned())
            }
        }
    };
}
callables!(; 0);
callables!(A 0; 1);
callables!(A 0, B 1; 2);
callables!(A 0, B 1, C 2; 3);
callables!(A 0, B 1, C 2, D 3; 4);
callables!(A 0, B 1, C 2, D 3, E 4; 5);
callables!(A 0, B 1, C 2, D 3, E 4, F 5; 6);
callables!(A 0, B 1, C 2, D 3, E 4, F 5, G 6; 7);
callables!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7; 8);

static PANIC: Mutex<String> = Mutex::new(String::new());

fn cut(text: &str) -> String {
    text.chars().take(2000).collect()
}

fn problem(category: &str, message: &str, trace: &str) -> Json {
    let texts = [category, &cut(message), &cut(trace)];
    Json::Object(vec![("problem".into(), Json::List(texts.iter().map(|text| text.to_json()).collect()))])
}

fn leave(identity: &Json, message: Json) -> ! {
    let mut entries = vec![("id".to_string(), identity.clone())];
    if let Json::Object(more) = message {
        entries.extend(more);
    }
    let mut text = String::new();
    if let Err(why) = Json::Object(entries).write(&mut text, 0) {
        leave(identity, problem("protocol", &why, ""));
    }
    let mut answer = unsafe { File::from_raw_fd(3) };
    let _ = std::io::stdout().flush();
    std::process::exit(if answer.write_all(text.as_bytes()).is_ok() { 0 } else { 97 });
}

/// Call the function with the request that waits, and end the process.
pub fn run<Parameters, Function: Callable<Parameters>>(function: Function) -> ! {
    let mut text = String::new();
    unsafe { File::from_raw_fd(4) }.read_to_string(&mut text).expect("the request is text");
    let asked = Json::parse(&text);
    let identity = asked.get("id").cloned().unwrap_or(Json::Null);
    let names: Vec<String> = asked.get("names").and_then(|all| FromJson::from_json(all).ok()).unwrap_or_default();
    let values: Vec<Json> = asked.get("values").and_then(|all| FromJson::from_json(all).ok()).unwrap_or_default();
    if values.len() != Function::COUNT {
        let count = format!("the function takes {} arguments and is given {}", Function::COUNT, values.len());
        leave(&identity, problem("runtime", &count, ""));
    }
    std::panic::set_hook(Box::new(|what| {
        if let Ok(mut told) = PANIC.lock() {
            *told = what.to_string();
        }
    }));
    let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| function.call(&names, &values)));
    leave(&identity, match called {
        Ok(Ok(Ok(value))) => {
            Json::Object(vec![("value".into(), value), ("arguments".into(), Json::Object(vec![]))])
        }
        Ok(Ok(Err(failure))) => problem("runtime", &format!("Err: {failure}"), ""),
        Ok(Err(unfit)) => problem("runtime", &unfit, ""),
        Err(_) => {
            let told = PANIC.lock().map(|text| text.clone()).unwrap_or_default();
            problem("runtime", &told, &told)
        }
    })
}
