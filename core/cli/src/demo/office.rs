//! The office: the server, the invitations, the customers, and what the manager does while the reps are away.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use waymark_client::import::ImportRequest;
use waymark_client::system::SystemEntropy;
use waymark_client::{CustomerEdit, Waymark, WaymarkError};
use waymark_domain::geo::Datum;
use waymark_domain::ids::UserId;
use waymark_domain::record::Role;
use waymark_protocol::enrol::InviteRequest;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{Server, http};

use super::clock::VirtualClock;
use super::day::{NAME_CLASH, PHONE_CLASH, SKIPPED_BY_OFFICE, Stop, TAKEN_AWAY};
use crate::failure::{Outcome, Own};

/// Real places of the two cities. Map data © OpenStreetMap contributors, ODbL 1.0.
pub(super) const MONACO: &[u8] = include_bytes!("../../../../tests/fixtures/pois/monaco_osm.csv");
/// See [`MONACO`].
pub(super) const ROME: &[u8] = include_bytes!("../../../../tests/fixtures/pois/rome_osm.csv");

/// The team of the demo.
const TEAM: &str = "field";

/// A running server.
pub(super) struct Office {
    pub(super) server: Arc<Server<SqliteStorage>>,
    pub(super) addr: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Office {
    /// Starts a server on a free port, with its database in `folder`.
    pub(super) async fn start(folder: &Path, clock: VirtualClock) -> Outcome<Self> {
        let storage = SqliteStorage::open(&folder.join("server.db"))?;
        let server = Arc::new(Server::new(
            storage,
            Arc::new(clock),
            Arc::new(SystemEntropy),
        )?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // a sender that is gone is a stop as well
            let _ = stopped.await;
        };
        let serving = tokio::runtime::Handle::current().spawn(http::serve(
            listener,
            Arc::clone(&server),
            shutdown,
        ));
        Ok(Self {
            server,
            addr,
            stop,
            serving,
        })
    }

    /// Finishes the requests under way and stops.
    pub(super) async fn stop(self) -> Outcome {
        let _ = self.stop.send(());
        self.serving
            .await
            .map_err(|error| Own::Demo(error.to_string()))??;
        Ok(())
    }
}

/// An invitation through the admin API.
pub(super) async fn invite(
    admin: &Waymark,
    name: &str,
    role: Role,
) -> Result<(UserId, String), WaymarkError> {
    let request = InviteRequest {
        user: None,
        name: name.to_owned(),
        role,
        team: TEAM.to_owned(),
    };
    let invited = admin.admin().invite(&request).await?;
    Ok((invited.user, invited.code))
}

/// Imports real places as customers of a rep.
pub(super) fn import(
    manager: &Waymark,
    folder: &Path,
    name: &str,
    places: &[u8],
    owner: UserId,
) -> Outcome<usize> {
    let path = folder.join(name);
    std::fs::write(&path, places)?;
    let request = ImportRequest {
        path,
        datum: Some(Datum::Wgs84),
        owner: Some(owner),
        dry_run: false,
    };
    let report = manager.import_customers(&request)?;
    match report.wrong.first() {
        None => Ok(report.imported),
        Some(wrong) => Err(Own::Demo(format!("{name}: row {}", wrong.row)).into()),
    }
}

/// What the manager changes while the rep is away: the same fields of the same customers, a customer's owner, and a planned visit.
pub(super) fn meddle(
    manager: &Waymark,
    stops: &[Stop],
    day: NaiveDate,
    other: UserId,
) -> Result<(), WaymarkError> {
    let customer = |number: usize| stops.get(number).map(|stop| stop.customer);
    let none = CustomerEdit::default;
    let edits = [
        (
            customer(PHONE_CLASH),
            CustomerEdit {
                phone: Some("+377 93 10 00 02".to_owned()),
                ..none()
            },
        ),
        (
            customer(NAME_CLASH),
            CustomerEdit {
                name: Some("Name from the trade register".to_owned()),
                ..none()
            },
        ),
        (
            customer(TAKEN_AWAY),
            CustomerEdit {
                owner: Some(other),
                ..none()
            },
        ),
    ];
    for (customer, edit) in edits {
        if let Some(customer) = customer {
            manager.customers().edit(customer, edit)?;
        }
    }
    let visits = manager.visits().of_day(day, false)?;
    if let Some(visit) = visits
        .iter()
        .find(|visit| Some(visit.customer) == customer(SKIPPED_BY_OFFICE))
    {
        manager
            .visits()
            .skip(visit.id, "The customer called: no visit before Christmas")?;
    }
    Ok(())
}
