//! Companies made once per thread and copied for each seed: enrolling five devices costs more than simulating an hour of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use uuid::Uuid;
use waymark_client::{EnrolWith, NewCustomerRequest, Parts, Waymark};
use waymark_domain::record::Role;
use waymark_protocol::enrol::InviteRequest;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{LocalApi, Server};
use waymark_store::Store;
use waymark_sync::engine::Trigger;
use waymark_testkit::chance::SeededEntropy;
use waymark_testkit::clock::{MORNING, VirtualClock};
use waymark_testkit::database::MemoryDatabase;
use waymark_testkit::executor::block_on;
use waymark_testkit::signer::TestSigner;

use crate::oracle::Person;

/// Customers that each rep has at first.
const CUSTOMERS: usize = 3;

/// A device as it was made.
pub(crate) struct Made {
    /// Its id.
    pub id: Uuid,
    /// Whose it is, by place.
    pub person: usize,
    /// Its file.
    pub database: MemoryDatabase,
    /// Its key.
    pub signer: Arc<TestSigner>,
}

/// A company at the start: a manager, reps, their enrolled devices, some customers.
pub(crate) struct Template {
    /// The server's database.
    pub server: MemoryDatabase,
    /// The people; the first is the manager.
    pub people: Vec<Person>,
    /// The devices; the first is the manager's.
    pub devices: Vec<Made>,
}

thread_local! {
    static MADE: RefCell<HashMap<(usize, usize), Rc<Template>>> = RefCell::default();
}

impl Template {
    /// The company with `reps` reps, `doubles` of whom have two devices.
    #[must_use]
    pub(crate) fn with(reps: usize, doubles: usize) -> Rc<Self> {
        MADE.with_borrow_mut(|made| {
            let template = made.entry((reps, doubles));
            Rc::clone(template.or_insert_with(|| Rc::new(Self::make(reps, doubles))))
        })
    }

    fn make(reps: usize, doubles: usize) -> Self {
        let database = MemoryDatabase::new();
        let clock = VirtualClock::at(MORNING);
        let storage = SqliteStorage::over(database.address().connect()).expect("a database");
        let server = Server::new(storage, clock.clone(), Arc::new(SeededEntropy::new(1)));
        let server = Arc::new(server.expect("a server"));
        let mut template = Self {
            server: database,
            people: Vec::new(),
            devices: Vec::new(),
        };
        let mut marks = Vec::new();
        for at in 0..=reps {
            let role = if at == 0 { Role::Manager } else { Role::Rep };
            let request = InviteRequest {
                user: None,
                name: format!("person {at}"),
                role,
                team: "north".to_owned(),
            };
            let invited = server.invite_as_operator(&request).expect("an invitation");
            marks.push(template.enrol(&server, &clock, at, &invited.code));
            template.people.push(Person {
                user: invited.user.to_string(),
                role: role.name(),
                team: "north".to_owned(),
            });
        }
        for (at, mark) in marks.iter().enumerate().skip(1).take(doubles) {
            let user = mark.me().expect("an identity").user;
            let request = InviteRequest {
                user: Some(user),
                name: String::new(),
                role: Role::Rep,
                team: String::new(),
            };
            let invited = server.invite_as_operator(&request).expect("an invitation");
            let _ = template.enrol(&server, &clock, at, &invited.code);
        }
        let sync = |mark: &Waymark| {
            let api = LocalApi(server.clone());
            block_on(mark.sync().run_over(&api, Trigger::User, &|_| {})).expect("a round");
        };
        let manager = &marks[0];
        sync(manager);
        for (at, mark) in marks.iter().enumerate().skip(1) {
            for n in 0..CUSTOMERS {
                let request = NewCustomerRequest {
                    name: format!("shop {at}.{n}"),
                    owner: Some(mark.me().expect("an identity").user),
                    position: None,
                    address: None,
                    phone: Some("1".to_owned()),
                };
                manager.customers().add(request).expect("a customer");
            }
        }
        sync(manager);
        template
    }

    fn enrol(
        &mut self,
        server: &Arc<Server<SqliteStorage>>,
        clock: &Arc<VirtualClock>,
        person: usize,
        code: &str,
    ) -> Waymark {
        let seed = 100 + self.devices.len() as u64;
        let (database, signer) = (MemoryDatabase::new(), Arc::new(TestSigner::new(seed)));
        let parts = Parts {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            signer: signer.clone(),
            app: "sim".to_owned(),
        };
        let opened = Store::from_connection(database.address().connect()).expect("a database");
        let mark = Waymark::assemble(opened, parts).expect("a client");
        let with = EnrolWith {
            server: "https://sim.invalid".to_owned(),
            code: code.to_owned(),
            device_name: format!("phone {seed}"),
            authority: None,
        };
        let me = block_on(mark.enrol_over(&LocalApi(server.clone()), &with)).expect("enrolled");
        let id = me.device.as_uuid();
        self.devices.push(Made {
            id,
            person,
            database,
            signer,
        });
        mark
    }
}
