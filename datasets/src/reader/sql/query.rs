//! Queries, from names alone.
//!
//! G1 of the rival's post-mortem: no text from outside ever becomes SQL. What a query is made of are the
//! names of tables and columns of a mapping, each checked against a strict pattern and quoted here. The one value, a
//! patient's id, is always bound.

use std::fmt::Write as _;

use toml::Spanned;

use super::super::record::Column;
use super::mapping::{Join, Name, Refusal};

/// What the databases write differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
}

impl Dialect {
    /// A quoted name. Names hold no quotes: [`is_name`] saw to that.
    fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{name}\""),
            Self::MySql => format!("`{name}`"),
        }
    }

    /// A column as text. SQLite's values carry their types, and reading those keeps every digit.
    fn as_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => format!("CAST({column} AS TEXT)"),
            Self::MySql => format!("CAST({column} AS CHAR)"),
        }
    }
}

/// How the column that holds patients' ids is compared, so that its index is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKind {
    /// A column of whole numbers.
    Integer,
    /// A column of texts.
    Text,
    /// Any other: compared as text, which no index helps.
    Other,
}

/// A name of a table, column or alias: a letter or underscore, then letters, digits, underscores; 63 at most.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 63
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A checked name of a table: `table` or `schema.table`.
fn table_name(name: &Name) -> Result<Vec<String>, Refusal> {
    let parts: Vec<String> = name.get_ref().split('.').map(str::to_owned).collect();
    if parts.len() > 2 || !parts.iter().all(|part| is_name(part)) {
        return Err(Refusal::new(name, format!("table {:?} is not a name", name.get_ref())));
    }
    Ok(parts)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    alias: String,
    column: String,
}

impl Reference {
    fn quoted(&self, dialect: Dialect) -> String {
        format!("{}.{}", dialect.quoted(&self.alias), dialect.quoted(&self.column))
    }
}

#[derive(Debug, Clone)]
struct Joined {
    table: Vec<String>,
    alias: String,
    on: Vec<(Reference, Reference)>,
}

/// A query over a table and those joined to it.
#[derive(Debug, Clone)]
pub(super) struct Query {
    table: Vec<String>,
    alias: String,
    joins: Vec<Joined>,
    select: Vec<Reference>,
    /// The column of `select` that holds patients' ids.
    person: Option<usize>,
}

impl Query {
    pub(super) fn new(table: &Name, joins: &[Join]) -> Result<Self, Refusal> {
        let path = table_name(table)?;
        let alias = path.last().cloned().unwrap_or_default();
        let mut query = Self { table: path, alias, joins: Vec::new(), select: Vec::new(), person: None };
        for join in joins {
            query.join(join)?;
        }
        Ok(query)
    }

    fn join(&mut self, join: &Join) -> Result<(), Refusal> {
        let table = table_name(&join.table)?;
        let own = table.last().cloned().unwrap_or_default();
        let alias = join.alias.as_ref().map_or(own, |alias| alias.get_ref().clone());
        let place = join.alias.as_ref().unwrap_or(&join.table);
        if !is_name(&alias) {
            return Err(Refusal::new(place, format!("alias {alias:?} is not a name")));
        }
        if self.knows(&alias) {
            let hint = "is joined a second time: give it another name with `as`";
            return Err(Refusal::new(place, format!("{alias:?} {hint}")));
        }
        if join.on.is_empty() {
            return Err(Refusal::new(&join.table, format!("join of {alias:?} has no pair of columns")));
        }
        let mut on = Vec::with_capacity(join.on.len());
        for (before, here) in &join.on {
            if !is_name(here.get_ref()) {
                let problem = format!("{:?} is not the name of a column of {alias:?}", here.get_ref());
                return Err(Refusal::new(here, problem));
            }
            let here = Reference { alias: alias.clone(), column: here.get_ref().clone() };
            on.push((self.resolve(before)?, here));
        }
        self.joins.push(Joined { table, alias, on });
        Ok(())
    }

    fn knows(&self, alias: &str) -> bool {
        self.alias == alias || self.joins.iter().any(|join| join.alias == alias)
    }

    /// A column: `column` of the section's table, or `table.column` of any table in it.
    fn resolve(&self, name: &Name) -> Result<Reference, Refusal> {
        self.resolve_text(name.get_ref()).map_err(|problem| Refusal::new(name, problem))
    }

    fn resolve_text(&self, text: &str) -> Result<Reference, String> {
        let (alias, column) = text.split_once('.').unwrap_or((&self.alias, text));
        if !is_name(column) {
            return Err(format!("column {text:?} is not a name"));
        }
        if !self.knows(alias) {
            return Err(format!("column {text:?} is of {alias:?}, which is not joined here"));
        }
        Ok(Reference { alias: alias.to_owned(), column: column.to_owned() })
    }

    /// Asks for a column, and says where it will stand in each row.
    pub(super) fn column(&mut self, name: &Name) -> Result<Column, Refusal> {
        self.column_at(name, name.get_ref())
    }

    /// As [`Self::column`], for a name that stands inside of something.
    pub(super) fn column_at<T>(&mut self, place: &Spanned<T>, name: &str) -> Result<Column, Refusal> {
        let reference = self.resolve_text(name).map_err(|problem| Refusal::new(place, problem))?;
        let found = self.select.iter().position(|own| *own == reference);
        let index = found.unwrap_or(self.select.len());
        if found.is_none() {
            self.select.push(reference);
        }
        Ok(Column::at(index, name))
    }

    /// As [`Self::column`], for the column that holds patients' ids.
    pub(super) fn person(&mut self, name: &Name) -> Result<Column, Refusal> {
        let column = self.column(name)?;
        let reference = self.resolve(name)?;
        self.person = self.select.iter().position(|own| *own == reference);
        Ok(column)
    }

    /// Name of the table, for messages.
    pub(super) fn name(&self) -> String {
        self.table.join(".")
    }

    /// Which joins a row of one patient cannot do without: those that lead to the column of ids. To say so lets
    /// a database begin with her and follow its indexes, where it would otherwise scan.
    fn leads_to_person(&self) -> Vec<bool> {
        let person = self.person.and_then(|person| self.select.get(person));
        let mut needed: Vec<&str> = person.map(|person| person.alias.as_str()).into_iter().collect();
        let mut leads = vec![false; self.joins.len()];
        for (join, leads) in self.joins.iter().zip(&mut leads).rev() {
            if needed.contains(&join.alias.as_str()) {
                *leads = true;
                needed.extend(join.on.iter().map(|(left, _)| left.alias.as_str()));
            }
        }
        leads
    }

    fn from(&self, dialect: Dialect, one: bool, sql: &mut String) {
        let path =
            |parts: &[String]| parts.iter().map(|part| dialect.quoted(part)).collect::<Vec<_>>().join(".");
        // Writing to memory cannot fail.
        _ = write!(sql, " FROM {} AS {}", path(&self.table), dialect.quoted(&self.alias));
        for (join, leads) in self.joins.iter().zip(self.leads_to_person()) {
            let kind = if one && leads { "JOIN" } else { "LEFT JOIN" };
            let equal = |(left, right): &(Reference, Reference)| {
                format!("{} = {}", left.quoted(dialect), right.quoted(dialect))
            };
            let on: Vec<String> = join.on.iter().map(equal).collect();
            let (table, alias) = (path(&join.table), dialect.quoted(&join.alias));
            _ = write!(sql, " {kind} {table} AS {alias} ON {}", on.join(" AND "));
        }
    }

    /// The column of patients' ids with its own type, and no rows: what its type is read from.
    pub(super) fn probe(&self, dialect: Dialect) -> Option<String> {
        let person = self.select.get(self.person?)?;
        let mut sql = format!("SELECT {}", person.quoted(dialect));
        self.from(dialect, false, &mut sql);
        sql.push_str(" LIMIT 0");
        Some(sql)
    }

    /// The query for all rows, or for those of one patient. Rows are in one order whatever the database's
    /// mood: patients' ids first, then every other column.
    pub(super) fn sql(&self, dialect: Dialect, one: Option<IdKind>) -> String {
        let columns: Vec<String> =
            self.select.iter().map(|reference| dialect.as_text(&reference.quoted(dialect))).collect();
        let mut sql = format!("SELECT {}", columns.join(", "));
        self.from(dialect, one.is_some(), &mut sql);
        let person = self.person.and_then(|person| self.select.get(person));
        if let (Some(kind), Some(person)) = (one, person) {
            let column = person.quoted(dialect);
            let placeholder = if dialect == Dialect::Postgres { "$1" } else { "?" };
            let column = if kind == IdKind::Other { dialect.as_text(&column) } else { column };
            _ = write!(sql, " WHERE {column} = {placeholder}");
        }
        let first = self.person.into_iter();
        let rest = (0..self.select.len()).filter(|index| Some(*index) != self.person);
        let order: Vec<String> = first.chain(rest).map(|index| (index + 1).to_string()).collect();
        _ = write!(sql, " ORDER BY {}", order.join(", "));
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_names() {
        for name in ["patients", "_x", "Visit2", "a_b"] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(64);
        for text in ["", "2x", "a b", "a\"", "a`", "a;b", "a.b", "a-b", "é", "a'", "a--", "a)", &long] {
            assert!(!is_name(text), "{text:?}");
        }
    }

    #[test]
    fn queries_hold_quoted_names_and_one_placeholder() {
        let name = |text: &str| Spanned::new(0..0, text.to_owned());
        let join = Join {
            table: name("clinic.visits"),
            alias: Some(name("v")),
            on: [(name("visit"), name("id"))].into(),
        };
        let mut query = Query::new(&name("diagnoses"), &[join]).unwrap();
        query.column(&name("code")).unwrap();
        query.person(&name("v.patient")).unwrap();
        assert_eq!(
            query.sql(Dialect::Postgres, Some(IdKind::Text)),
            "SELECT CAST(\"diagnoses\".\"code\" AS TEXT), CAST(\"v\".\"patient\" AS TEXT) FROM \"diagnoses\" AS \
             \"diagnoses\" JOIN \"clinic\".\"visits\" AS \"v\" ON \"diagnoses\".\"visit\" = \"v\".\"id\" WHERE \
             \"v\".\"patient\" = $1 ORDER BY 2, 1"
        );
        assert!(
            query.sql(Dialect::MySql, Some(IdKind::Other)).contains("WHERE CAST(`v`.`patient` AS CHAR) = ?")
        );
        let all = query.sql(Dialect::Sqlite, None);
        assert!(!all.contains("WHERE") && all.contains(" LEFT JOIN "), "{all}");
        assert!(query.column(&name("w.code")).is_err() && query.column(&name("code; DROP")).is_err());
    }
}
