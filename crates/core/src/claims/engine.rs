//! CEL (cel.dev): reading expressions, remembering what was read, and running it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
    thread,
};

use cel::{Env, ExecutionError, Program, extensions};
use serde_json::Value as Json;

use super::{Reason, bounds, context::Context};
use crate::{
    cache::Cache,
    outcome::{Code, Error, Refusal, Result},
};

/// The longest expression, in bytes.
const LONGEST: usize = 1024;
/// How many brackets may be open at once: the parser goes down with each.
const BRACKETS: usize = 24;
/// The parser goes down with every operator, too; what the caller has left of its stack is not known.
const STACK: usize = 16 * 1024 * 1024;
/// Expressions remembered at the most.
const REMEMBERED: usize = 20_000;
/// How long the text of one claim may be, as JSON.
const LARGEST: usize = 2 * 1024;
/// A program does not depend on the database.
const ALWAYS: i64 = 0;

/// What programs are written in: the standard functions, and those on texts.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    // Refused only where one of the names is there already, which `tests` would tell.
    let _ = env.add_extension(extensions::strings);
    Arc::new(env)
});

/// An expression that may run.
#[derive(Debug)]
pub(super) struct Compiled {
    program: Program,
    /// What it costs at the most.
    pub(super) cost: u64,
}

/// Programs by their text.
pub(crate) struct Engine {
    compiled: Cache<String, Option<Arc<Compiled>>>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { compiled: Cache::new(REMEMBERED) }
    }
}

impl Engine {
    /// The program of a text that was checked when it was saved; `None` for one that would be refused now.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Compiled>> {
        if let Some(known) = self.compiled.get(text, ALWAYS) {
            return known;
        }
        let compiled = compile(text).ok().map(Arc::new);
        self.compiled.insert(text.to_owned(), ALWAYS, compiled.clone());
        compiled
    }
}

/// Reads an expression and bounds what it costs.
///
/// # Errors
/// `RequestInvalid`, saying where in the text.
pub(super) fn compile(text: &str) -> Result<Compiled> {
    let refused = |what: String| Refusal::new(Code::RequestInvalid).field("expression").hint(what);
    let is_text = |letter: char| !letter.is_control() || letter == '\n' || letter == '\t';
    if !(1..=LONGEST).contains(&text.len()) || !text.chars().all(is_text) {
        return Err(refused(format!("An expression has 1 to {LONGEST} bytes of text")).into());
    }
    let mut open = 0_usize;
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' | '?' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > BRACKETS {
            return Err(refused(format!("It goes deeper than {BRACKETS} brackets and conditions")).into());
        }
    }
    let text = text.to_owned();
    let reader = thread::Builder::new().name("claims".to_owned()).stack_size(STACK);
    let reader = reader.spawn(move || read(&text)).map_err(|error| Error::fault(error.to_string()))?;
    match reader.join() {
        Ok(read) => read.map_err(|what| refused(what).into()),
        Err(_) => Err(refused("It cannot be read".to_owned()).into()),
    }
}

fn read(text: &str) -> std::result::Result<Compiled, String> {
    let program = LANGUAGE.compile(text).map_err(|errors| {
        let Some(error) = errors.errors.first() else { return "It cannot be read".to_owned() };
        let (line, column) = error.pos;
        let is_deep = error.msg.contains("Recursion limit");
        let what = if is_deep { "It goes too deep" } else { error.msg.as_str() };
        format!("Line {}, column {}: {what}", line.max(1), column.max(1))
    })?;
    match bounds::cost(program.expression()) {
        Ok(cost) => Ok(Compiled { program, cost }),
        Err((id, what)) => Err(match program.source_info().offset_for(id) {
            Some((from, _)) => format!("Letter {}: {what}", from + 1),
            None => what,
        }),
    }
}

/// What expressions see, as they see it.
pub(super) struct Scope(cel::Context<'static, 'static>);

impl Scope {
    pub(super) fn new(context: &Context) -> Self {
        let mut scope = cel::Context::with_env(Arc::clone(&LANGUAGE));
        for (name, value) in context.parts() {
            // JSON has nothing that CEL has not.
            if let Ok(value) = cel::to_value(value) {
                scope.add_variable_from_value(name, value);
            }
        }
        Self(scope)
    }
}

impl Compiled {
    /// What it comes to; `None` where it says that there is nothing to say.
    pub(super) fn run(&self, scope: &Scope) -> std::result::Result<Option<Json>, Reason> {
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let failed = |_: ExecutionError| Reason::Evaluation;
            let value = self.program.execute(&scope.0).map_err(failed)?;
            value.json().map_err(|_| Reason::Evaluation)
        }));
        match ran.unwrap_or(Err(Reason::Evaluation))? {
            Json::Null => Ok(None),
            value if value.to_string().len() > LARGEST => Err(Reason::TooLarge),
            value => Ok(Some(value)),
        }
    }
}
