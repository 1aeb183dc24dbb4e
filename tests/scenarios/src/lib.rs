//! Stories: real clients on real files, the real server on port 0, the real command line. Nothing here waits for time to pass.
#![cfg_attr(
    test,
    expect(
        clippy::print_stderr,
        reason = "a test says what it skipped and what it counted"
    )
)]
#![cfg(test)]

mod a_reps_day;
mod attention;
mod bad_devices;
mod bad_messages;
mod bad_networks;
mod cli;
mod damage;
mod engine;
mod engine_bench;
mod errors;
mod evidence;
mod interop;
mod kill;
mod offline;
mod phone;
mod photo;
mod photos;
mod presence;
mod promises;
mod raw_http;
mod route;
mod schema_doc;
mod shifts;
mod support;
mod track_cli;
mod tracks;
mod trusted_time;
mod upgrade;
