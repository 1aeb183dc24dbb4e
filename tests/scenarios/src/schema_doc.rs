//! `core/docs/schema.sql` is the schema of the device's database. `UPDATE_DOCS=1` writes it.

use waymark_store::Store;

use crate::support::root;

const HEAD: &str = "-- The device's database, as a fresh one is made. Generated: UPDATE_DOCS=1 cargo test -p waymark-scenarios schema_doc\n\n";

#[test]
fn the_schema_in_the_docs_is_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Store::open(&folder.path().join("fresh.db")).unwrap();
    let sql = opened.store.schema_sql().unwrap();
    let schema = format!("{HEAD}{}\n", sql.trim_end());
    let path = root().join("core/docs/schema.sql");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, schema, "run it with UPDATE_DOCS=1");
}
