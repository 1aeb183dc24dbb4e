//! `waymark customer …`.

use std::path::Path;

use serde_json::json;
use waymark_client::{CustomerEdit, CustomerRow, CustomerView, NewCustomerRequest, Waymark};
use waymark_domain::geo::Datum;
use waymark_domain::geo::fence::Fence;

use super::{position, short_id, user};
use crate::args::{
    Customer, CustomerAdd, CustomerEditArgs, CustomerFence, CustomerList, CustomerSearch, Place,
    Who,
};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::{day_and_time, offset};
use crate::width::Table;
use crate::words::rep as words;

pub(crate) fn run(context: &Context, what: Customer) -> Outcome {
    let waymark = context.open()?;
    match what {
        Customer::List(args) => list(context, &waymark, &args),
        Customer::Show(args) => show(context, &waymark, &args),
        Customer::Search(args) => search(context, &waymark, &args),
        Customer::Add(args) => add(context, &waymark, args),
        Customer::Edit(args) => edit(context, &waymark, args),
        Customer::Fence(args) => fence(context, &waymark, args),
        Customer::Links(args) => links(context, &waymark, &args),
    }
}

fn list(context: &Context, waymark: &Waymark, args: &CustomerList) -> Outcome {
    waymark.me()?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    // one more than wanted tells whether there are more
    let mut rows = waymark
        .customers()
        .page(!args.all, args.limit.saturating_add(1), 0)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    context.show(&rows, || {
        if rows.is_empty() {
            return words::no_customers(context.lang);
        }
        let table = table(context, &rows);
        if more {
            format!("{table}\n{}", words::more_customers(context.lang, limit))
        } else {
            table
        }
    })
}

fn search(context: &Context, waymark: &Waymark, args: &CustomerSearch) -> Outcome {
    waymark.me()?;
    let text = args.words.join(" ");
    let rows = waymark.customers().search(&text, args.limit)?;
    context.show(&rows, || {
        if rows.is_empty() {
            words::nothing_found(context.lang, &text)
        } else {
            table(context, &rows)
        }
    })
}

fn table(context: &Context, rows: &[CustomerRow]) -> String {
    let lang = context.lang;
    let mut table = Table::new([
        words::col_customer(lang),
        words::col_category(lang),
        words::col_address(lang),
        words::col_sync(lang),
        words::col_id(lang),
    ]);
    for row in rows {
        table.row([
            row.name.clone(),
            row.category.clone().unwrap_or_default(),
            row.address.clone().unwrap_or_default(),
            if row.pending {
                words::unsent_mark(lang)
            } else {
                String::new()
            },
            short_id(row.id),
        ]);
    }
    table.render()
}

fn show(context: &Context, waymark: &Waymark, args: &Who) -> Outcome {
    let me = waymark.me()?.user;
    let row = super::customer_named(context, waymark, &args.who)?;
    let view = waymark.customers().view(row.id)?;
    let own = view.row.owner == Some(me);
    context.show(&view, || text(context, &view, own))
}

fn text(context: &Context, view: &CustomerView, own: bool) -> String {
    let lang = context.lang;
    let offset_min = context.offset_min();
    let owner = match (&view.row.owner, &view.owner_name) {
        _ if own => Some(words::owner_you(lang)),
        (None, _) => Some(words::owner_nobody(lang)),
        (Some(_), Some(name)) => Some(name.clone()),
        (Some(owner), None) => Some(owner.to_string()),
    };
    let at = view
        .row
        .position
        .map(|at| format!("{}, {} {}", at.lat(), at.lon(), at.datum().name()));
    let tags = Some(view.tags.join(", ")).filter(|tags| !tags.is_empty());
    let fields = [
        (words::field_category(lang), view.row.category.clone()),
        (words::field_address(lang), view.row.address.clone()),
        (words::field_phone(lang), view.phone.clone()),
        (words::field_hours(lang), view.hours.clone()),
        (words::field_tags(lang), tags),
        (words::field_owner(lang), owner),
        (words::field_position(lang), at),
        (words::field_external(lang), view.external.clone()),
        (words::field_id(lang), Some(view.row.id.to_string())),
    ];
    let mut lines = vec![view.row.name.clone()];
    if view.row.pending {
        lines.push(format!("  ({})", words::unsent(lang)));
    }
    lines.extend(
        fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("  {name}: {}", value?.replace('\n', " ")))),
    );
    if !view.visits.is_empty() {
        lines.push(format!("\n{}", words::latest_visits(lang)));
        for visit in &view.visits {
            let times = super::today::times(&visit.state, offset_min, lang);
            let line = format!(
                "  {}  {}  {times}",
                visit.day,
                super::state_text(&visit.state, lang)
            );
            lines.push(format!("{}  {}", line.trim_end(), short_id(visit.id)));
        }
    }
    if !view.notes.is_empty() {
        lines.push(format!("\n{}", words::latest_notes(lang)));
        for note in &view.notes {
            lines.push(format!(
                "  {}  {}",
                day_and_time(&note.at, offset_min, lang),
                note.text.replace('\n', "\n    ")
            ));
        }
    }
    if !view.visits.is_empty() || !view.notes.is_empty() {
        lines.push(format!(
            "\n{}",
            words::times_are_local(lang, offset(offset_min))
        ));
    }
    lines.join("\n")
}

fn add(context: &Context, waymark: &Waymark, args: CustomerAdd) -> Outcome {
    let request = NewCustomerRequest {
        name: args.name.clone(),
        owner: None,
        position: position(&args.place)?,
        address: args.address,
        phone: args.phone,
    };
    let id = waymark.customers().add(request)?;
    context.show(&json!({ "customer": id }), || {
        words::customer_added(context.lang, args.name.trim(), short_id(id))
    })
}

fn edit(context: &Context, waymark: &Waymark, args: CustomerEditArgs) -> Outcome {
    let position = position(&args.place)?;
    let fields = [
        &args.name,
        &args.phone,
        &args.address,
        &args.hours,
        &args.owner,
    ];
    let nothing = fields.iter().all(|field| field.is_none()) && position.is_none();
    if nothing && args.tag.is_empty() && args.untag.is_empty() {
        return Err(Own::NothingToChange.into());
    }
    let row = super::customer_named(context, waymark, &args.who.who)?;
    let bare = |tags: Vec<String>| {
        tags.into_iter()
            .map(|tag| tag.trim_start_matches('+').to_owned())
            .collect()
    };
    let edit = CustomerEdit {
        name: args.name,
        address: args.address,
        phone: args.phone,
        hours: args.hours,
        position,
        add_tags: bare(args.tag),
        remove_tags: bare(args.untag),
        owner: args.owner.map(|owner| user(waymark, &owner)).transpose()?,
        ..CustomerEdit::default()
    };
    let changed = waymark.customers().edit(row.id, edit)?;
    context.show(&json!({ "customer": row.id, "changed": changed }), || {
        if changed {
            words::customer_changed(context.lang, &row.name)
        } else {
            words::customer_unchanged(context.lang, &row.name)
        }
    })
}

fn fence(context: &Context, waymark: &Waymark, args: CustomerFence) -> Outcome {
    let place = Place {
        lat: args.lat,
        lon: args.lon,
        datum: args.datum,
    };
    let door = position(&place)?.map(|center| Fence::Circle {
        center,
        radius_m: args.radius,
        name: args.name.clone(),
    });
    let outline = args
        .outline
        .map(|path| outline(&path, args.name))
        .transpose()?;
    let add_fences: Vec<Fence> = door.into_iter().chain(outline).collect();
    if add_fences.is_empty() && args.bssid.is_empty() && !args.clear {
        return Err(Own::NothingToChange.into());
    }
    let row = super::customer_named(context, waymark, &args.who.who)?;
    let edit = CustomerEdit {
        clear_fences: args.clear,
        add_fences,
        add_stations: args.bssid,
        ..CustomerEdit::default()
    };
    let changed = waymark.customers().edit(row.id, edit)?;
    let fences = waymark.customers().fences(row.id)?;
    context.show(
        &json!({ "customer": row.id, "changed": changed, "fences": fences }),
        || words::fence_added(context.lang, fences.len()),
    )
}

/// The ring of a GeoJSON polygon, bare or as the one feature of a collection. GeoJSON is WGS-84 by its standard.
fn outline(path: &Path, name: Option<String>) -> Outcome<Fence> {
    let wrong = || Own::NotAnOutline;
    let text =
        std::fs::read_to_string(path).map_err(|_| Own::NoSuchFile(path.display().to_string()))?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| wrong())?;
    let candidates = [
        json.pointer("/coordinates"),
        json.pointer("/geometry/coordinates"),
        json.pointer("/features/0/geometry/coordinates"),
    ];
    let rings = candidates
        .into_iter()
        .flatten()
        .next()
        .and_then(|rings| rings.as_array());
    let ring = match rings.map(Vec::as_slice) {
        Some([ring]) => ring.as_array().ok_or_else(wrong)?,
        _ => return Err(wrong().into()),
    };
    let corner =
        |corner: &serde_json::Value| Some((corner.get(1)?.as_f64()?, corner.get(0)?.as_f64()?));
    let ring: Option<Vec<(f64, f64)>> = ring.iter().map(corner).collect();
    Ok(Fence::Polygon {
        datum: Datum::Wgs84,
        ring: ring.ok_or_else(wrong)?,
        name,
    })
}

fn links(context: &Context, waymark: &Waymark, args: &Who) -> Outcome {
    waymark.me()?;
    let row = super::customer_named(context, waymark, &args.who)?;
    let links = waymark.customers().links(row.id)?;
    context.show(&links, || {
        if links.is_empty() {
            return words::no_position(context.lang);
        }
        let lines = links
            .iter()
            .map(|link| format!("{}  [{}]", link.url, link.datum.name()));
        lines.collect::<Vec<_>>().join("\n")
    })
}
