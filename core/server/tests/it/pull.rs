//! What devices are given: pages, snapshots, checkpoints (I8), and another epoch (I11).

use std::collections::BTreeMap;

use waymark_domain::customer::Customer;
use waymark_domain::ids::{CustomerId, Epoch, UserId};
use waymark_domain::op::Draft;
use waymark_domain::scope::Scope;
use waymark_protocol::limits::{PAGE_MAX, PAGE_MIN};
use waymark_protocol::response::End;
use waymark_server::storage::sqlite::SqliteStorage;

use crate::support::{Device, On, World, applied};

/// Work on a few customers, by chance: new ones, edits, moves between owners, deletions.
struct Work {
    known: Vec<(CustomerId, Customer, u64)>,
    owners: Vec<Option<UserId>>,
}

impl Work {
    fn new(owners: Vec<Option<UserId>>) -> Self {
        Self {
            known: Vec::new(),
            owners,
        }
    }

    fn step(&mut self, world: &World, admin: &mut Device) {
        let owner = self.owners[world.chance.below(self.owners.len() as u64) as usize];
        let fresh = self.known.is_empty() || world.chance.below(3) == 0;
        if fresh {
            let customer = Customer {
                owner,
                ..Customer::named(&format!("Customer {}", world.chance.below(1000)))
            };
            let id = world.id(CustomerId::from_uuid);
            let op = admin.seal(world, Draft::new(id, &customer).unwrap(), On::default());
            assert!(applied(&admin.push_one(world, &op)));
            self.known.push((id, customer, 1));
            return;
        }
        let at = world.chance.below(self.known.len() as u64) as usize;
        let (id, customer, rev) = &mut self.known[at];
        let mut next = customer.clone();
        match world.chance.below(2) {
            0 => next.phone = Some(world.chance.below(1000).to_string()),
            _ => next.owner = owner,
        }
        let Some(draft) = Draft::patch(*id, customer, &next).unwrap() else {
            return;
        };
        let op = admin.seal(world, draft, On::rev(*rev));
        assert!(applied(&admin.push_one(world, &op)));
        (*customer, *rev) = (next, *rev + 1);
    }
}

fn company(world: &World) -> (Device, Device, Device, Work) {
    let admin = world.admin();
    let (ben, eve) = (world.rep("Ben"), world.rep("Eve"));
    let owners = vec![None, Some(ben.user), Some(eve.user)];
    (admin, ben, eve, Work::new(owners))
}

#[test]
fn digests_equal_a_recomputation_after_any_work() {
    let world = World::new();
    let (mut admin, mut ben, mut eve, mut work) = company(&world);
    for _ in 0..400 {
        work.step(&world, &mut admin);
        if world.chance.below(10) == 0 {
            ben.sync(&world, PAGE_MIN);
        }
    }
    assert_eq!(
        world.server.digests().unwrap(),
        world.server.recount().unwrap()
    );
    for device in [&mut admin, &mut ben, &mut eve] {
        device.sync(&world, PAGE_MAX);
    }
    let all = ben.holds().len() + eve.holds().len();
    assert!(all > 20, "the work reached devices: {all}");
}

#[test]
fn pages_of_the_smallest_size_end_where_one_big_page_does_while_writes_go_on() {
    let world = World::new();
    let (mut admin, mut ben, eve, _) = company(&world);
    let mut work = Work::new(vec![Some(ben.user), Some(ben.user), Some(eve.user)]);
    for _ in 0..300 {
        work.step(&world, &mut admin);
    }
    let mut pages = 0;
    loop {
        let response = ben.exchange(&world, &ben.request(&[], PAGE_MIN)).unwrap();
        ben.take(&response);
        pages += 1;
        if !response.end.more {
            ben.compare(&response.end.checkpoint);
            break;
        }
        assert!(
            response.end.checkpoint.is_empty(),
            "no checkpoint in between"
        );
        if pages < 40 {
            work.step(&world, &mut admin);
        }
    }
    assert!(pages > 5, "{pages} pages");
    let mut whole = world.second_device(&ben);
    whole.sync(&world, PAGE_MAX);
    assert_eq!(ben.holds(), whole.holds());
}

#[test]
fn a_page_keeps_its_limit_but_for_one_line_that_is_larger() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let mut ops = Vec::new();
    for at in 0..20_u32 {
        let size = if at % 5 == 0 { 6_000 } else { 300 };
        let customer = Customer {
            owner: Some(ben.user),
            extra: [("notes".to_owned(), "x".repeat(size).into())]
                .into_iter()
                .collect(),
            ..Customer::named("Pharmacy")
        };
        let draft = Draft::new(world.id(CustomerId::from_uuid), &customer).unwrap();
        ops.push(ben.seal(&world, draft, On::default()));
    }
    ben.push(&world, &Vec::from_iter(&ops));
    loop {
        let answer = ben.answer(&world, &ben.request(&[], PAGE_MIN)).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("{\"put\""))
            .collect();
        let size: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert!(
            lines.len() == 1 || size <= PAGE_MIN as usize,
            "{size} bytes"
        );
        let response =
            waymark_protocol::response::ExchangeResponse::from_bytes(text.as_bytes(), "chance");
        let response = response.unwrap();
        assert!(
            !response.end.more || !response.changes.is_empty(),
            "every page moves on"
        );
        ben.take(&response);
        if !response.end.more {
            break;
        }
    }
    assert_eq!(ben.holds().len(), 21);
}

#[test]
fn a_limit_of_nothing_is_a_push_alone() {
    let world = World::new();
    let (mut admin, ben, _, mut work) = company(&world);
    for _ in 0..20 {
        work.step(&world, &mut admin);
    }
    let response = ben.exchange(&world, &ben.request(&[], 0)).unwrap();
    assert!(response.changes.is_empty());
    let seq = world.server.head_seq().unwrap();
    assert_eq!(
        response.end,
        End {
            seq,
            ..End::default()
        }
    );
}

#[test]
fn a_large_scope_comes_as_a_snapshot_and_the_exchange_after_it_brings_what_changed_meanwhile() {
    let world = World::new();
    let (mut admin, mut ben, eve, _) = company(&world);
    let mut work = Work::new(vec![
        Some(ben.user),
        Some(ben.user),
        Some(ben.user),
        Some(eve.user),
    ]);
    let own = Scope::user(ben.user);
    while world
        .server
        .digests()
        .unwrap()
        .get(&own)
        .is_none_or(|digest| digest.count <= 500)
    {
        work.step(&world, &mut admin);
    }
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MIN)).unwrap();
    ben.take(&response);
    assert_eq!(response.end.snapshots, std::slice::from_ref(&own));
    assert!(response.changes.iter().all(|change| *change.scope() != own));
    assert!(response.end.checkpoint.is_empty());

    let mut pages = 0;
    ben.load_with(&world, &own, PAGE_MIN, || {
        pages += 1;
        for _ in 0..5 {
            work.step(&world, &mut admin);
        }
    });
    assert!(pages > 20, "{pages} pages");
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MAX)).unwrap();
    ben.take(&response);
    assert!(!response.end.more && response.end.snapshots.is_empty());
    ben.compare(&response.end.checkpoint);
    let held: BTreeMap<_, _> = ben.rows[&own]
        .iter()
        .map(|(key, (rev, _))| (key.id, *rev))
        .collect();
    let expected = work
        .known
        .iter()
        .filter(|(_, customer, _)| customer.owner == Some(ben.user));
    let expected: BTreeMap<_, _> = expected.map(|(id, _, rev)| ((*id).into(), *rev)).collect();
    assert_eq!(held, expected);
}

#[test]
fn a_device_that_held_a_scope_before_gets_changes_however_many() {
    let world = World::new();
    let (mut admin, mut ben, _, _) = company(&world);
    ben.sync(&world, PAGE_MAX);
    let mut work = Work::new(vec![Some(ben.user)]);
    while work.known.len() <= 520 {
        work.step(&world, &mut admin);
    }
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MIN)).unwrap();
    assert!(response.end.snapshots.is_empty() && response.end.more);
    ben.sync(&world, PAGE_MIN);
}

#[test]
fn another_epoch_brings_what_is_stored_and_nothing_else() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, op) = ben.new_customer(&world, "Pharmacy");
    ben.push_one(&world, &op);
    ben.sync(&world, PAGE_MAX);
    let before = ben.epoch;
    let epoch = world.server.rotate_epoch().unwrap();
    assert_ne!(before, Some(epoch));
    // what it brings may build on what the restore lost: it is not judged before the device has put that back
    let (_, _, next) = ben.new_customer(&world, "Bakery");
    let response = ben
        .exchange(&world, &ben.request(&[&next], PAGE_MAX))
        .unwrap();
    assert_eq!(response.head.epoch, epoch);
    assert_eq!(response.head.have.as_slice(), [(1, 1)]);
    assert!(response.changes.is_empty() && response.outs.is_empty());
    assert_eq!(world.server.ops().unwrap().len(), 1);
    assert_eq!(response.end, End::default());
    ben.epoch = Some(epoch);
    ben.cursors.clear();
    ben.rows.clear();
    ben.sync(&world, PAGE_MAX);
    assert_eq!(ben.holds().len(), 2);
}

#[test]
fn a_restored_server_gets_back_from_its_devices_what_the_backup_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let (file, copy) = (dir.path().join("server.db"), dir.path().join("copy.db"));
    let world = World::over(SqliteStorage::open(&file).unwrap());
    let mut ben = world.rep("Ben");
    let ops: Vec<_> = (0..6)
        .map(|at| ben.new_customer(&world, &format!("C{at}")).2)
        .collect();
    ben.push(&world, &[&ops[0], &ops[1], &ops[2]]);
    world.server.storage().backup_into(&copy).unwrap();
    ben.push(&world, &[&ops[3], &ops[4], &ops[5]]);
    ben.sync(&world, PAGE_MAX);
    let held = ben.holds();

    let world = world.restarted(SqliteStorage::open(&copy).unwrap());
    world.server.rotate_epoch().unwrap();
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MAX)).unwrap();
    let missing = response.head.have.gaps(ben.n);
    assert_eq!(missing.as_slice(), [(4, 6)]);
    let again: Vec<_> = ops.iter().filter(|op| missing.contains(op.op.n)).collect();
    ben.epoch = Some(response.head.epoch);
    assert!(ben.push(&world, &again).iter().all(applied));
    ben.cursors.clear();
    ben.rows.clear();
    ben.sync(&world, PAGE_MAX);
    assert_eq!(ben.holds(), held);
    assert!(world.alarm_codes().is_empty());
}

#[test]
fn a_cursor_ahead_of_the_order_is_told_and_healed() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, op) = ben.new_customer(&world, "Pharmacy");
    ben.push_one(&world, &op);
    ben.sync(&world, PAGE_MAX);
    let own = Scope::user(ben.user);
    ben.cursors.insert(own.clone(), 1_000);
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MAX)).unwrap();
    assert_eq!(response.end.snapshots, [own]);
    assert_eq!(world.alarm_codes(), ["cursor_ahead"]);
    ben.sync(&world, PAGE_MAX);
    assert_eq!(ben.holds().len(), 2);
}

#[test]
fn a_device_that_is_too_old_for_changes_pushes_all_the_same() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, op) = ben.new_customer(&world, "Pharmacy");
    let mut request = ben.request(&[&op], PAGE_MAX);
    request.header.schema = 0;
    let response = ben.exchange(&world, &request).unwrap();
    assert!(applied(&response.outs[0].outcome));
    assert!(response.head.upgrade && response.changes.is_empty());
    let response = ben.exchange(&world, &ben.request(&[], PAGE_MAX)).unwrap();
    assert!(!response.head.upgrade && !response.changes.is_empty());
}

#[test]
fn the_list_of_scopes_travels_when_it_differs() {
    let world = World::new();
    let ben = world.rep("Ben");
    let list = ben
        .exchange(&world, &ben.request(&[], 0))
        .unwrap()
        .head
        .scopes
        .unwrap();
    let mut request = ben.request(&[], 0);
    request.header.scopes_hash = Some(list.hash);
    assert_eq!(ben.exchange(&world, &request).unwrap().head.scopes, None);
    request.header.epoch = Some(Epoch::from_uuid(uuid::Uuid::nil()));
    assert_eq!(ben.exchange(&world, &request).unwrap().end, End::default());
}

#[test]
fn what_the_backup_holds_is_a_server_of_its_own_and_nothing_else_opens() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, and long enough to be looked at twice",
    )
    .unwrap();
    assert!(SqliteStorage::open(&text).is_err());
    let foreign = dir.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(connection);
    assert!(SqliteStorage::open(&foreign).is_err());
    let newer = dir.path().join("newer.db");
    drop(SqliteStorage::open(&newer).unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStorage::open(&newer).err().unwrap().to_string();
    assert!(error.contains("newer"), "{error}");
}
