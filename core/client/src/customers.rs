//! Customers.

use serde::Serialize;
use waymark_domain::customer::Customer;
use waymark_domain::geo::Position;
use waymark_domain::geo::fence::Fence;
use waymark_domain::geo::links::{Link, links};
use waymark_domain::ids::{CustomerId, RecordId, UserId};
use waymark_domain::op::Draft;
use waymark_domain::record::SyncRecord as _;
use waymark_store::{Owner, Row, Unit};

use crate::error::{ErrorCode, WaymarkError};
use crate::notes::NoteView;
use crate::visits::VisitRow;
use crate::waymark::Waymark;

/// Most visits and notes that a customer's view lists.
const HISTORY: u32 = 50;

/// The customers.
pub struct Customers(pub(crate) Waymark);

/// A customer, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerRow {
    /// The customer.
    pub id: CustomerId,
    /// The name.
    pub name: String,
    /// The address.
    pub address: Option<String>,
    /// What sort of place.
    pub category: Option<String>,
    /// Where it is.
    pub position: Option<Position>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// Whether the server has not spoken about the latest changes yet.
    pub pending: bool,
}

/// A customer, as its screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerView {
    /// As in a list.
    #[serde(flatten)]
    pub row: CustomerRow,
    /// Telephone number.
    pub phone: Option<String>,
    /// Opening hours as imported.
    pub hours: Option<String>,
    /// Identity in the system that it was imported from.
    pub external: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// The name of whose customer it is, where this user may see it.
    pub owner_name: Option<String>,
    /// The latest visits, newest first.
    pub visits: Vec<VisitRow>,
    /// The latest notes, newest first.
    pub notes: Vec<NoteView>,
}

/// A customer to be made.
#[derive(Debug, Clone)]
pub struct NewCustomerRequest {
    /// The name.
    pub name: String,
    /// Whose customer it is to be; the user's own when absent.
    pub owner: Option<UserId>,
    /// Where it is.
    pub position: Option<Position>,
    /// The address.
    pub address: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// What to change of a customer; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct CustomerEdit {
    /// The name.
    pub name: Option<String>,
    /// The address; empty to clear it.
    pub address: Option<String>,
    /// Telephone number; empty to clear it.
    pub phone: Option<String>,
    /// Opening hours; empty to clear them.
    pub hours: Option<String>,
    /// Where it is.
    pub position: Option<Position>,
    /// Words to add.
    pub add_tags: Vec<String>,
    /// Words to take away.
    pub remove_tags: Vec<String>,
    /// Whose customer it is to be; for managers.
    pub owner: Option<UserId>,
    /// Forget all fences first.
    pub clear_fences: bool,
    /// Doors and outlines to add.
    pub add_fences: Vec<Fence>,
    /// Wi-Fi stations to add, as `aa:bb:cc:dd:ee:ff`.
    pub add_stations: Vec<String>,
}

impl Customers {
    /// A page of the customers by name: the user's own, or all that the user sees.
    ///
    /// # Errors
    /// What reading may say.
    pub fn page(
        &self,
        own_only: bool,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<CustomerRow>, WaymarkError> {
        let owner = if own_only {
            Owner::User(self.0.user()?)
        } else {
            Owner::Any
        };
        Ok(self
            .0
            .read(|reader| reader.customers(owner, limit, offset))?
            .into_iter()
            .map(CustomerRow::from)
            .collect())
    }

    /// Customers whose name, address, category, identity or words hold all of the words of `text`.
    ///
    /// # Errors
    /// What reading may say.
    pub fn search(&self, text: &str, limit: u32) -> Result<Vec<CustomerRow>, WaymarkError> {
        Ok(self
            .0
            .read(|reader| reader.search_customers(text, Owner::Any, limit))?
            .into_iter()
            .map(CustomerRow::from)
            .collect())
    }

    /// A customer with its latest visits and notes.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn view(&self, id: CustomerId) -> Result<CustomerView, WaymarkError> {
        let (customer, owner, visits, notes) = self.0.read(|reader| {
            let customer = reader.customer(id)?;
            let owner = match customer.as_ref().and_then(|row| row.record.owner) {
                Some(owner) => reader.member(owner)?,
                None => None,
            };
            let visits = reader.visits_of_customer(id, HISTORY)?;
            Ok((
                customer,
                owner,
                visits,
                reader.notes_of_customer(id, HISTORY)?,
            ))
        })?;
        let row = customer.ok_or(WaymarkError::new(ErrorCode::NotFound, "customer"))?;
        let record = row.record.clone();
        Ok(CustomerView {
            row: row.into(),
            phone: record.phone,
            hours: record.hours,
            external: record.external,
            tags: record.tags.into_iter().collect(),
            owner_name: owner.map(|owner| owner.record.name),
            visits: visits.into_iter().map(VisitRow::from).collect(),
            notes: notes.into_iter().map(NoteView::from).collect(),
        })
    }

    /// The customer that `text` names: its id or a part of it, its imported identity, its exact name, or words that only it has.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub fn find(&self, text: &str) -> Result<CustomerRow, WaymarkError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<CustomerId>()
            && let Some(row) = self.0.read(|reader| reader.customer(id))?
        {
            return Ok(row.into());
        }
        let named = self.0.read(|reader| {
            let mut ids = reader.customers_by_external(text)?;
            ids.extend(reader.customers_named(text)?);
            if let Some(part) = id_part(text) {
                let parts = reader.ids_by_part(&Customer::KIND, &part, 2)?;
                ids.extend(parts.into_iter().map(CustomerId::from));
            }
            let rows = ids.into_iter().map(|id| reader.customer(id));
            rows.collect::<Result<Vec<_>, _>>()
        })?;
        let mut rows: Vec<CustomerRow> =
            named.into_iter().flatten().map(CustomerRow::from).collect();
        if rows.is_empty() {
            rows = self.search(text, 50)?;
            let exact = |row: &CustomerRow| row.name.to_lowercase() == text.to_lowercase();
            if rows.iter().filter(|row| exact(row)).count() == 1 {
                rows.retain(exact);
            }
        }
        let mut rows = rows.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(WaymarkError::new(ErrorCode::NotFound, "customer")),
            (Some(_), Some(_)) => Err(WaymarkError::new(ErrorCode::Ambiguous, "customer")),
        }
    }

    /// Makes a customer.
    ///
    /// # Errors
    /// [`ErrorCode::Required`], [`ErrorCode::TooLong`], [`ErrorCode::Forbidden`].
    pub fn add(&self, request: NewCustomerRequest) -> Result<CustomerId, WaymarkError> {
        let id = CustomerId::from_uuid(self.0.new_id());
        let owner = match request.owner {
            Some(owner) => owner,
            None => self.0.user()?,
        };
        let customer = Customer {
            owner: Some(owner),
            position: request.position,
            address: request.address,
            phone: request.phone,
            ..Customer::named(request.name.trim())
        };
        self.0.commit(vec![Unit::One(Draft::new(id, &customer)?)])?;
        Ok(id)
    }

    /// Changes a customer. Gives whether anything differed.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Forbidden`], [`ErrorCode::TooLong`].
    pub fn edit(&self, id: CustomerId, edit: CustomerEdit) -> Result<bool, WaymarkError> {
        let found = self.0.read(|reader| reader.customer(id))?;
        let before = found
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "customer"))?
            .record;
        let mut after = before.clone();
        let line = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(name) = edit.name {
            after.name = name.trim().to_owned();
        }
        for (field, new) in [
            (&mut after.address, edit.address),
            (&mut after.phone, edit.phone),
            (&mut after.hours, edit.hours),
        ] {
            if let Some(new) = new {
                *field = line(new);
            }
        }
        after.position = edit.position.or(after.position);
        after.owner = edit.owner.or(after.owner);
        after
            .tags
            .extend(edit.add_tags.into_iter().filter_map(line));
        if edit.clear_fences {
            after.fences.clear();
        }
        after.fences.extend(edit.add_fences);
        let stations = edit.add_stations.into_iter();
        after
            .stations
            .extend(stations.map(|bssid| bssid.trim().to_ascii_lowercase()));
        after.tags.retain(|tag| !edit.remove_tags.contains(tag));
        match Draft::patch(id, &before, &after)? {
            Some(draft) => self.0.commit(vec![Unit::One(draft)]).map(|_| true),
            None => Ok(false),
        }
    }

    /// The doors and outlines of a customer.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn fences(&self, id: CustomerId) -> Result<Vec<Fence>, WaymarkError> {
        let found = self.0.read(|reader| reader.customer(id))?;
        Ok(found
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "customer"))?
            .record
            .fences)
    }

    /// Links that open a map app at the customer, each in the datum that the app reads. Empty when nobody knows where the customer is.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn links(&self, id: CustomerId) -> Result<Vec<Link>, WaymarkError> {
        let found = self.0.read(|reader| reader.customer(id))?;
        let customer = found
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "customer"))?
            .record;
        let regions = self.0.policies().check_in()?.rules.regions;
        let to = |position| links(position, &customer.name, regions);
        Ok(customer.position.map(to).unwrap_or_default())
    }
}

impl Waymark {
    /// The customers.
    #[must_use]
    pub fn customers(&self) -> Customers {
        Customers(self.clone())
    }

    pub(crate) fn known_externals(
        &self,
    ) -> Result<std::collections::BTreeSet<String>, WaymarkError> {
        self.read(|reader| reader.customer_externals())
    }
}

/// The hexadecimal digits of a text that may be a part of an id: at least six of its characters.
pub(crate) fn id_part(text: &str) -> Option<String> {
    let fits = (6..36).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    fits.then(|| text.replace('-', "").to_lowercase())
}

impl From<Row<Customer>> for CustomerRow {
    fn from(row: Row<Customer>) -> Self {
        let id: RecordId = row.id;
        Self {
            id: id.into(),
            name: row.record.name,
            address: row.record.address,
            category: row.record.category,
            position: row.record.position,
            owner: row.record.owner,
            pending: row.pending > 0,
        }
    }
}
