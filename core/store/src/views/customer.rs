//! Customers: lists, search, and where they are.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::Value;
use waymark_domain::customer::Customer;
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, Columns, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// Most words of a search that count. Nobody types more to find a shop.
const WORDS: usize = 6;

/// Whose customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Everybody's.
    Any,
    /// Those that nobody owns.
    Nobody,
    /// One user's.
    User(UserId),
}

/// [`View`] of [`Customer`].
pub(crate) struct Customers;

queries! {
    PUT = "
        INSERT INTO view_customer (id, rev, pending, deleted, name, owner, lat, lon, datum, external, search, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted, name = excluded.name,
          owner = excluded.owner, lat = excluded.lat, lon = excluded.lon, datum = excluded.datum, external = excluded.external,
          search = excluded.search, body = excluded.body";
    PAGE_ANY = "
        SELECT id, rev, pending, deleted, body FROM view_customer WHERE deleted = 0
        ORDER BY name, id LIMIT ?1 OFFSET ?2";
    PAGE_OWNED = "
        SELECT id, rev, pending, deleted, body FROM view_customer WHERE owner IS ?3 AND deleted = 0
        ORDER BY name, id LIMIT ?1 OFFSET ?2";
    // instr of an empty word is 1: words that were not given match everything
    SEARCH_ANY = "
        SELECT id, rev, pending, deleted, body FROM view_customer
        WHERE deleted = 0 AND instr(search, ?2) AND instr(search, ?3) AND instr(search, ?4) AND instr(search, ?5)
          AND instr(search, ?6) AND instr(search, ?7)
        ORDER BY name, id LIMIT ?1";
    SEARCH_OWNED = "
        SELECT id, rev, pending, deleted, body FROM view_customer
        WHERE owner IS ?8 AND deleted = 0 AND instr(search, ?2) AND instr(search, ?3) AND instr(search, ?4) AND instr(search, ?5)
          AND instr(search, ?6) AND instr(search, ?7)
        ORDER BY name, id LIMIT ?1";
    NAMED = "SELECT id FROM view_customer WHERE name = ?1 AND deleted = 0 ORDER BY id LIMIT 2";
    EXTERNALS = "SELECT external FROM view_customer WHERE external IS NOT NULL";
    BY_EXTERNAL = "SELECT id FROM view_customer WHERE external = ?1 AND deleted = 0 ORDER BY id";
}

impl View for Customers {
    fn kind(&self) -> Kind {
        Customer::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("customer.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_customer") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Customer>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(customer) = typed::<Customer>(row.body) else {
            return Ok(false);
        };
        let position = customer.position;
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            &customer.name,
            customer.owner.map(|owner| sql::blob(owner.as_uuid())),
            position.map(|position| position.lat()),
            position.map(|position| position.lon()),
            position.map(|position| position.datum().name()),
            &customer.external,
            search_text(&customer),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

/// What a search looks into. A line break separates the fields, so that no word spans two.
fn search_text(customer: &Customer) -> String {
    let lines = [&customer.address, &customer.external, &customer.category];
    let mut text = customer.name.to_lowercase();
    let rest = lines.into_iter().flatten().chain(&customer.tags);
    for line in rest {
        text.push('\n');
        text.push_str(&line.to_lowercase());
    }
    text
}

impl Reader<'_> {
    /// Customers by name: `limit` of them after the first `offset`.
    ///
    /// # Errors
    /// As every read.
    pub fn customers(
        &self,
        owner: Owner,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Row<Customer>>, StoreError> {
        match owner {
            Owner::Any => self.rows(PAGE_ANY, (limit, offset)),
            Owner::Nobody => self.rows(PAGE_OWNED, (limit, offset, Value::Null)),
            Owner::User(user) => self.rows(PAGE_OWNED, (limit, offset, sql::blob(user.as_uuid()))),
        }
    }

    /// Customers in which every word of `text` occurs, whatever its letters' case: in the name, address, external identity, category or a
    /// tag. An empty text finds everything.
    ///
    /// # Errors
    /// As every read.
    pub fn search_customers(
        &self,
        text: &str,
        owner: Owner,
        limit: u32,
    ) -> Result<Vec<Row<Customer>>, StoreError> {
        let folded = text.to_lowercase();
        let mut words = folded.split_whitespace();
        let words: [&str; WORDS] = std::array::from_fn(|_| words.next().unwrap_or_default());
        let [a, b, c, d, e, f] = words;
        match owner {
            Owner::Any => self.rows(SEARCH_ANY, (limit, a, b, c, d, e, f)),
            Owner::Nobody => self.rows(SEARCH_OWNED, (limit, a, b, c, d, e, f, Value::Null)),
            Owner::User(user) => {
                let user = sql::blob(user.as_uuid());
                self.rows(SEARCH_OWNED, (limit, a, b, c, d, e, f, user))
            }
        }
    }

    /// One customer.
    ///
    /// # Errors
    /// As every read.
    pub fn customer(&self, id: CustomerId) -> Result<Option<Row<Customer>>, StoreError> {
        self.row(id)
    }

    /// The customers that carry this identity of the system they were imported from.
    ///
    /// # Errors
    /// As every read.
    pub fn customers_by_external(&self, external: &str) -> Result<Vec<CustomerId>, StoreError> {
        let mut statement = self.conn.prepare_cached(BY_EXTERNAL)?;
        let ids = statement.query_map([external], |row| row.rec(0).map(CustomerId::from))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The customers of exactly this name; two at most.
    ///
    /// # Errors
    /// As every read.
    pub fn customers_named(&self, name: &str) -> Result<Vec<CustomerId>, StoreError> {
        let mut statement = self.conn.prepare_cached(NAMED)?;
        let ids = statement.query_map([name], |row| row.rec(0).map(CustomerId::from))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Every external identity that a customer here carries.
    ///
    /// # Errors
    /// As every read.
    pub fn customer_externals(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.conn.prepare_cached(EXTERNALS)?;
        let externals = statement.query_map([], |row| row.get(0))?;
        Ok(externals.collect::<Result<_, _>>()?)
    }
}
