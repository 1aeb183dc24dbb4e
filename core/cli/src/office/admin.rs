//! `waymark admin …`.

use serde_json::json;
use waymark_client::Waymark;
use waymark_domain::ids::{DeviceId, UserId};
use waymark_domain::record::Role;
use waymark_protocol::enrol::{DeviceRow, InviteRequest};

use crate::args::{Admin, Invite, Revoke};
use crate::context::{Context, wait_for};
use crate::failure::{Outcome, Own};
use crate::rep::{short_id, user};
use crate::when::{moment, offset};
use crate::width::Table;
use crate::words::{office as words, rep};

pub(crate) fn run(context: &Context, what: Admin) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    match what {
        Admin::Invite(args) => invite(context, &waymark, args),
        Admin::Devices => devices(context, &waymark),
        Admin::Revoke(args) => revoke(context, &waymark, &args),
    }
}

fn invite(context: &Context, waymark: &Waymark, args: Invite) -> Outcome {
    let known: Option<UserId> = args
        .user
        .map(|text| text.parse().or_else(|_| user(waymark, &text)))
        .transpose()?;
    let request = InviteRequest {
        user: known,
        name: args.name.unwrap_or_default(),
        role: args.role.map_or(Role::Rep, Role::from),
        team: args.team.unwrap_or_default(),
    };
    let invited = wait_for(waymark.admin().invite(&request))??;
    let url = waymark.me()?.server_url;
    context.show(&json!({ "user": invited.user, "code": invited.code, "until_ms": invited.until_ms, "server": url }), || {
        let name = if request.name.is_empty() { invited.user.to_string() } else { request.name.clone() };
        let invited_line = words::invited(context.lang, name, &invited.code);
        format!("{invited_line}\n{}", words::how_to_enrol(context.lang, &url, &invited.code))
    })
}

fn devices(context: &Context, waymark: &Waymark) -> Outcome {
    let devices = wait_for(waymark.admin().devices())??;
    context.show(&devices, || {
        if devices.is_empty() {
            words::no_devices(context.lang)
        } else {
            table(context, &devices)
        }
    })
}

fn table(context: &Context, devices: &[DeviceRow]) -> String {
    let lang = context.lang;
    let offset_min = context.offset_min();
    let mut table = Table::new([
        words::col_user(lang),
        words::col_name(lang),
        words::col_state(lang),
        words::col_ops(lang),
        words::col_missing(lang),
        words::col_seen(lang),
        words::col_app(lang),
        words::col_device(lang),
    ]);
    for device in devices {
        table.row([
            device.user_name.clone(),
            device.name.clone(),
            if device.revoked {
                words::shut_out(lang)
            } else {
                words::active(lang)
            },
            device.ops.to_string(),
            device.missing.to_string(),
            moment(device.seen_ms, offset_min),
            device.app.clone(),
            short_id(device.device),
        ]);
    }
    format!(
        "{}\n{}",
        table.render(),
        rep::times_are_local(lang, offset(offset_min))
    )
}

fn revoke(context: &Context, waymark: &Waymark, args: &Revoke) -> Outcome {
    let device = wait_for(find(waymark, &args.device))??;
    wait_for(waymark.admin().revoke(device))??;
    context.show(&json!({ "device": device, "revoked": true }), || {
        words::revoked(context.lang, device)
    })
}

/// The device of that id, or the only one whose id has that part.
async fn find(waymark: &Waymark, text: &str) -> Outcome<DeviceId> {
    if let Ok(device) = text.parse() {
        return Ok(device);
    }
    let wanted = text.to_ascii_lowercase();
    let devices = waymark.admin().devices().await?;
    let mut fitting = devices
        .iter()
        .filter(|row| row.device.to_string().contains(&wanted));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) if wanted.len() >= 4 => Ok(row.device),
        _ => Err(Own::NoSuchDevice(text.to_owned()).into()),
    }
}
