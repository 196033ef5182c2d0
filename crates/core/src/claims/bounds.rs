//! What an expression may cost, found before it ever runs.
//!
//! Every value has a bound on its size, in units of some 64 bytes: what there is to see is small, literals are as
//! long as they are written, and what follows is counted from there. A comprehension costs its step times what it
//! goes over, so several inside another grow out of bounds by themselves. Functions that are not known here are
//! refused.

use cel::{
    IdedExpr,
    common::ast::{EntryExpr, Expr, LiteralValue},
};

/// What an expression may cost.
pub(super) const MOST: u64 = 1_000_000;
/// How deep an expression may go.
const DEEPEST: usize = 32;
/// The longest list that there is to see.
pub(super) const LIST: u64 = 128;
/// The longest text that there is to see.
const TEXT: Size = Size { total: 4, element: 4, length: 1 };
/// Letters in a unit.
const UNIT: usize = 64;

/// Operators and functions, and what size comes of them.
const SMALL: &[&str] = &[
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "@in",
    "_&&_",
    "_||_",
    "!_",
    "-_",
    "_-_",
    "_*_",
    "_/_",
    "_%_",
    "@not_strictly_false",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "bool",
    "indexOf",
    "lastIndexOf",
];
const SAME: &[&str] = &["_?_:_", "string", "lowerAscii", "upperAscii", "trim", "substring", "charAt"];

/// How much there is of a value, of the largest thing in it, and how many things are in it.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    total: u64,
    element: u64,
    length: u64,
}

impl Size {
    const ONE: Self = Self { total: 1, element: 1, length: 1 };

    const fn list(element: u64) -> Self {
        Self { total: LIST * element, element, length: LIST }
    }

    /// So much of which nothing else is known.
    const fn any(total: u64) -> Self {
        Self { total, element: total, length: total }
    }

    fn or(self, other: Self) -> Self {
        Self {
            total: self.total.max(other.total),
            element: self.element.max(other.element),
            length: self.length.max(other.length),
        }
    }
}

/// What is wrong with an expression, and the number of the part that is.
pub(super) type Flaw = (u64, String);

struct Walk<'e> {
    /// The names that comprehensions have bound.
    bound: Vec<(&'e str, Size)>,
    cost: u64,
    /// How often what is being looked at runs.
    times: u64,
}

/// What the expression costs at the most.
///
/// # Errors
/// The part that is too deep, too costly, or that there is not.
pub(super) fn cost(expr: &IdedExpr) -> Result<u64, Flaw> {
    let mut walk = Walk { bound: Vec::new(), cost: 0, times: 1 };
    walk.size(expr, 0)?;
    Ok(walk.cost)
}

impl<'e> Walk<'e> {
    fn pay(&mut self, expr: &IdedExpr, units: u64) -> Result<(), Flaw> {
        self.cost = self.cost.saturating_add(units.max(1).saturating_mul(self.times));
        if self.cost > MOST {
            return Err((expr.id, "It costs too much: go over less, or fewer times".to_owned()));
        }
        Ok(())
    }

    fn size(&mut self, expr: &'e IdedExpr, depth: usize) -> Result<Size, Flaw> {
        if depth > DEEPEST {
            return Err((expr.id, format!("It goes deeper than {DEEPEST} levels")));
        }
        let size = match &expr.expr {
            Expr::Literal(LiteralValue::String(text)) => {
                let total = 1 + text.inner().len() as u64 / UNIT as u64;
                Size { total, element: total, length: 1 }
            }
            Expr::Literal(_) => Size::ONE,
            Expr::Ident(name) => self.named(name).ok_or_else(|| unknown(expr, name))?,
            Expr::Select(select) => match path_of(expr) {
                Some(size) if self.named_root(expr).is_none() => size?,
                _ => Size::any(self.size(&select.operand, depth + 1)?.total),
            },
            Expr::List(list) => self.several(list.elements.iter(), depth)?,
            Expr::Map(map) => {
                let parts = map.entries.iter().flat_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => [&entry.key, &entry.value],
                    EntryExpr::StructField(field) => [&field.value, &field.value],
                });
                self.several(parts, depth)?
            }
            Expr::Call(_) => self.call(expr, depth)?,
            Expr::Comprehension(_) => self.comprehension(expr, depth)?,
            Expr::Struct(_) | Expr::Unspecified => {
                return Err((expr.id, "There are no types to make something of".to_owned()));
            }
        };
        self.pay(expr, 1)?;
        Ok(size)
    }

    /// What a list or an object of these is.
    fn several(&mut self, parts: impl Iterator<Item = &'e IdedExpr>, depth: usize) -> Result<Size, Flaw> {
        let mut all = Size { total: 1, element: 1, length: 0 };
        for part in parts {
            let size = self.size(part, depth + 1)?;
            all.total = all.total.saturating_add(size.total);
            all.element = all.element.max(size.total);
            all.length += 1;
        }
        Ok(all)
    }

    fn named(&self, name: &str) -> Option<Size> {
        let bound = self.bound.iter().rev().find(|(one, _)| *one == name);
        bound.map(|(_, size)| *size).or_else(|| root(name))
    }

    /// What a comprehension has called the name at the beginning of a path.
    fn named_root(&self, expr: &'e IdedExpr) -> Option<Size> {
        let mut expr = &expr.expr;
        while let Expr::Select(select) = expr {
            expr = &select.operand.expr;
        }
        let Expr::Ident(name) = expr else { return None };
        self.bound.iter().rev().find(|(one, _)| one == name).map(|(_, size)| *size)
    }

    fn call(&mut self, expr: &'e IdedExpr, depth: usize) -> Result<Size, Flaw> {
        let Expr::Call(call) = &expr.expr else { return Ok(Size::ONE) };
        let mut sizes = Vec::new();
        for arg in call.target.as_deref().into_iter().chain(&call.args) {
            sizes.push(self.size(arg, depth + 1)?);
        }
        let sum = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(size.total));
        let most = sizes.iter().fold(Size::ONE, |most, size| most.or(*size));
        let first = sizes.first().copied().unwrap_or(Size::ONE);
        let length = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(size.length));
        let size = match call.func_name.as_str() {
            "_+_" => Size { total: sum, element: most.element, length },
            "_[_]" => Size::any(first.element),
            // A text can be as many as it has letters.
            "split" => {
                let letters = first.total.saturating_mul(UNIT as u64);
                Size { total: letters, element: first.total, length: letters }
            }
            "join" => {
                let total = first.total.saturating_mul(sizes.get(1).map_or(1, |size| size.total.max(1)));
                Size { total, element: total, length: 1 }
            }
            name if SMALL.contains(&name) => Size::ONE,
            name if SAME.contains(&name) => most,
            name => return Err((expr.id, format!("There is no function {name}"))),
        };
        self.pay(expr, sum.saturating_add(size.total))?;
        Ok(size)
    }

    fn comprehension(&mut self, expr: &'e IdedExpr, depth: usize) -> Result<Size, Flaw> {
        let Expr::Comprehension(of) = &expr.expr else { return Ok(Size::ONE) };
        let range = self.size(&of.iter_range, depth + 1)?;
        let before = self.times;
        let rounds = range.length.max(1);
        self.size(&of.accu_init, depth + 1)?;
        self.times = before.saturating_mul(rounds);
        let names = [Some(of.iter_var.as_str()), of.iter_var2.as_deref()];
        let depth_of_names = self.bound.len();
        let element = Size::any(range.element.max(1));
        self.bound.extend(names.into_iter().flatten().map(|name| (name, element)));
        self.bound.push((&of.accu_var, Size::default()));
        self.size(&of.loop_cond, depth + 1)?;
        let step = self.size(&of.loop_step, depth + 1)?;
        let total = rounds.saturating_mul(step.total.max(1));
        let length = rounds.saturating_mul(step.length.max(1));
        let size = Size { total, element: step.total.max(1), length };
        // What is gathered is copied as it grows.
        self.pay(expr, total / 4)?;
        self.times = before;
        self.bound.truncate(depth_of_names);
        self.bound.push((&of.accu_var, size));
        let result = self.size(&of.result, depth + 1);
        self.bound.truncate(depth_of_names);
        result
    }
}

/// The names at the beginning of every path.
fn root(name: &str) -> Option<Size> {
    match name {
        "user" | "org" | "client" => Some(Size { total: 8 * LIST, element: 4 * LIST, length: 16 }),
        // As many answers as may stand in tokens, and room for what a file has brought.
        "tenant_profile" => Some(Size { total: 64, element: 4, length: 16 }),
        "scopes" => Some(Size::list(1)),
        _ => None,
    }
}

/// What a path that begins with one of those names leads to; nothing for any other.
fn path_of(expr: &IdedExpr) -> Option<Result<Size, Flaw>> {
    let Expr::Select(select) = &expr.expr else { return None };
    let Expr::Ident(name) = &select.operand.expr else { return None };
    let field = select.field.as_str();
    let size = match (name.as_str(), field) {
        ("user", "roles") | ("org", "permissions") => Size::list(1),
        ("org", "workspaces") => Size::list(4),
        ("user", "email_verified") => Size::ONE,
        (
            "user",
            "sub" | "email" | "name" | "given_name" | "family_name" | "nickname" | "locale" | "zone",
        )
        | ("org", "id" | "slug" | "name" | "role")
        | ("client", "id" | "name")
        | ("tenant_profile", _) => TEXT,
        ("user" | "org" | "client", _) => {
            return Some(Err((expr.id, format!("There is no {name}.{field}"))));
        }
        _ => return None,
    };
    Some(Ok(size))
}

fn unknown(expr: &IdedExpr, name: &str) -> Flaw {
    (expr.id, format!("There is no {name}; there are user, org, tenant_profile, client and scopes"))
}
