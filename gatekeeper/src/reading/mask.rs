//! Which cells of a table a right shows. Pure: knows no rows but the code of one.

use medrec_domain::schema::{ColumnSpec, Field, Table};
use medrec_domain::scope::ValueSets;
use medrec_domain::{ConditionScope, Scope};

use crate::policy::Right;

/// A right upon one table.
pub(super) struct Mask {
    table: Table,
    right: Right,
    has_codes: bool,
}

/// The code of a row: vocabulary and code.
pub(super) type Code<'a> = Option<(&'a str, &'a str)>;

impl Mask {
    pub(super) fn new(table: Table, right: Right) -> Self {
        let has_codes = table.column("code").is_some();
        Self { table, right, has_codes }
    }

    /// Whether a column can be shown in any row at all.
    pub(super) fn may_show(&self, column: &ColumnSpec) -> bool {
        match &self.right {
            Right::Everything => true,
            Right::Scopes(scopes) => scopes.iter().any(|scope| covers(scope, self.table, column)),
        }
    }

    /// Whether the decision about a row takes its code.
    pub(super) fn needs_codes(&self) -> bool {
        let conditional = |scope: &Scope| scope.conditions != ConditionScope::All;
        match &self.right {
            Right::Everything => false,
            Right::Scopes(scopes) => self.has_codes && scopes.iter().any(conditional),
        }
    }

    /// What covers a row with this code. A row of a coded table that has no code cannot be told to be covered by a scope
    /// about conditions; tables without codes have no conditions.
    pub(super) fn covering(&self, value_sets: &ValueSets, code: Code<'_>) -> Covering<'_> {
        let scopes = match &self.right {
            Right::Everything => None,
            Right::Scopes(scopes) => Some(
                scopes
                    .iter()
                    .filter(|scope| match (&scope.conditions, code) {
                        (ConditionScope::All, _) => true,
                        _ if !self.has_codes => true,
                        (_, Some((system, code))) => scope.covers_code(value_sets, system, code),
                        (_, None) => false,
                    })
                    .collect(),
            ),
        };
        Covering { table: self.table, scopes }
    }
}

/// What covers one row.
pub(super) struct Covering<'a> {
    table: Table,
    /// `None` for everything.
    scopes: Option<Vec<&'a Scope>>,
}

impl Covering<'_> {
    /// Whether this row's cell of a column is shown.
    pub(super) fn show(&self, column: &ColumnSpec) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        scopes.iter().any(|scope| covers(scope, self.table, column))
    }
}

fn covers(scope: &Scope, table: Table, column: &ColumnSpec) -> bool {
    table.column(column.name).is_some_and(|column| scope.covers_field(Field { table, column }))
}

#[cfg(test)]
mod tests {
    use medrec_domain::{FieldScope, Purpose, ValueSet};

    use super::*;

    fn scope(fields: &[&str], conditions: ConditionScope) -> Scope {
        let fields = fields.iter().map(|field| field.parse().unwrap()).collect();
        Scope { purpose: Purpose::Treatment, fields: FieldScope::Only(fields), conditions }
    }

    fn sets() -> ValueSets {
        let set = |code: &str| ValueSet {
            title: String::new(),
            codes: [("snomed".to_owned(), [code.to_owned()].into())].into(),
        };
        [("sugar".to_owned(), set("1")), ("mind".to_owned(), set("2"))].into()
    }

    #[test]
    fn a_cell_needs_one_document_for_its_field_and_its_rows_code() {
        let only = |id: &str| ConditionScope::Only([id.to_owned()].into());
        let mask = Mask::new(
            Table::Condition,
            Right::Scopes(vec![
                scope(&["condition.code", "condition.start_date"], only("sugar")),
                scope(&["condition.end_date"], only("mind")),
            ]),
        );
        let column = |name| Table::Condition.column(name).unwrap();
        assert!(mask.needs_codes() && mask.may_show(column("code")) && mask.may_show(column("end_date")));
        assert!(!mask.may_show(column("organisation_id")));
        let sets = sets();
        let sugar = mask.covering(&sets, Some(("snomed", "1")));
        assert!(sugar.show(column("code")) && !sugar.show(column("end_date")));
        let mind = mask.covering(&sets, Some(("snomed", "2")));
        assert!(!mind.show(column("code")) && mind.show(column("end_date")));
        for code in [None, Some(("snomed", "3")), Some(("icd10cm", "1"))] {
            let other = mask.covering(&sets, code);
            assert!(!other.show(column("code")) && !other.show(column("end_date")));
        }
    }

    #[test]
    fn an_exclusion_hides_rows_without_a_code_and_leaves_tables_without_codes_alone() {
        let except = ConditionScope::Except(["mind".to_owned()].into());
        let sets = sets();
        let mask =
            |table, fields: &[&str]| Mask::new(table, Right::Scopes(vec![scope(fields, except.clone())]));
        let encounters = mask(Table::Encounter, &["encounter.class"]);
        let class = Table::Encounter.column("class").unwrap();
        assert!(encounters.covering(&sets, Some(("snomed", "1"))).show(class));
        assert!(!encounters.covering(&sets, Some(("snomed", "2"))).show(class));
        assert!(!encounters.covering(&sets, None).show(class));
        let persons = mask(Table::Person, &["person.sex"]);
        assert!(!persons.needs_codes());
        assert!(persons.covering(&sets, None).show(Table::Person.column("sex").unwrap()));
    }
}
