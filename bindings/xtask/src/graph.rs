//! `check-graph`: the arrows of the architecture, and what the pure crates never see.
//!
//! Two questions, two sources. Which of our crates names which: the manifests, as `cargo metadata` reads them, whatever the
//! features. What a pure crate pulls in, however deep: `cargo tree`, asked for that crate alone, because in a build of the whole
//! workspace a feature that another crate switches on would be blamed on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::shell::{self, Trouble};
use crate::{Outcome, Report};

const PAGE: &str = "core/docs/architecture.md";
const TABLE: &str = "bindings/xtask/src/graph.rs";

/// One crate of the workspace: where it lies and what it may depend on.
struct Room {
    package: &'static str,
    folder: &'static str,
    sees: Sees,
}

enum Sees {
    /// These crates of ours and no others.
    Only(&'static [&'static str]),
    /// Test code: it stands outside the house and looks into every room.
    Everything,
}

use Sees::{Everything, Only};

const DOMAIN: &str = "waymark-domain";
const PROTOCOL: &str = "waymark-protocol";
const STORE: &str = "waymark-store";
const SYNC: &str = "waymark-sync";
const EVIDENCE: &str = "waymark-evidence";
const PHOTO: &str = "waymark-photo";
const ROUTE: &str = "waymark-route";
const CLIENT: &str = "waymark-client";
const SERVER: &str = "waymark-server";
const TESTKIT: &str = "waymark-testkit";

/// Every crate of the workspace has a row: a new crate is refused until somebody has decided what it may see.
const ROOMS: &[Room] = &[
    row(DOMAIN, "core/domain", Only(&[])),
    row(PROTOCOL, "core/protocol", Only(&[DOMAIN])),
    row(STORE, "core/store", Only(&[DOMAIN])),
    row(EVIDENCE, "core/evidence", Only(&[DOMAIN, PROTOCOL])),
    row(PHOTO, "core/photo", Only(&[DOMAIN])),
    row(ROUTE, "core/route", Only(&[DOMAIN])),
    row(SYNC, "core/sync", Only(&[DOMAIN, PROTOCOL])),
    row(
        CLIENT,
        "core/client",
        Only(&[DOMAIN, PROTOCOL, EVIDENCE, PHOTO, STORE, SYNC]),
    ),
    row(SERVER, "core/server", Only(&[DOMAIN, PROTOCOL, EVIDENCE])),
    row(
        "waymark",
        "core/cli",
        Only(&[DOMAIN, PROTOCOL, EVIDENCE, PHOTO, ROUTE, CLIENT, SERVER]),
    ),
    row(TESTKIT, "tests/support", Everything),
    row("waymark-scenarios", "tests/scenarios", Everything),
    row("waymark-sim", "tests/sim", Everything),
    row("waymark-bench", "tests/bench", Everything),
    row("xtask", "bindings/xtask", Only(&[])),
];

const fn row(package: &'static str, folder: &'static str, sees: Sees) -> Room {
    Room {
        package,
        folder,
        sees,
    }
}

/// A crate that must stay pure, the features it is built with for the question, and what must then not be linked into it.
struct Pure {
    package: &'static str,
    features: Features,
    never: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum Features {
    None,
    All,
}

/// The low-level crates stand beside the ones that wrap them: going round the wrapper is no way out.
const PURE: &[Pure] = &[
    Pure {
        package: DOMAIN,
        features: Features::All,
        never: &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio",
            "reqwest",
            "hyper",
            "axum",
            "uniffi",
            "getrandom",
        ],
    },
    Pure {
        package: PROTOCOL,
        features: Features::All,
        never: &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio",
            "reqwest",
            "hyper",
            "axum",
        ],
    },
    Pure {
        package: ROUTE,
        features: Features::All,
        never: &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio",
            "reqwest",
            "hyper",
            "axum",
            "chrono",
            "getrandom",
        ],
    },
    // The engine alone has no I/O at all; its feature "driver" adds the network, and still no database.
    Pure {
        package: SYNC,
        features: Features::None,
        never: &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio",
            "reqwest",
            "hyper",
            "axum",
        ],
    },
    Pure {
        package: SYNC,
        features: Features::All,
        never: &["rusqlite", "libsqlite3-sys", "axum"],
    },
];

/// Checks the workspace that cargo finds from the current folder.
pub(crate) fn check() -> Outcome {
    let workspace = Workspace::read()?;
    let mut findings = workspace.findings();
    for pure in PURE {
        // Without the crate there is nothing to ask cargo about; that it is missing is a finding already.
        if workspace.has(pure.package) {
            findings.extend(pure.findings(&pure.linked_crates()?));
        }
    }
    let looked_at = format!(
        "{} crates, {} arrows among them, {} purity rules",
        workspace.packages.len(),
        workspace.arrows().count(),
        PURE.len()
    );
    Ok(Report {
        looked_at,
        findings,
    })
}

/// The part of `cargo metadata --no-deps` that the arrows need.
#[derive(Deserialize)]
struct Workspace {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    /// The package's own name, also where the manifest renames it.
    name: String,
    /// `None` for an ordinary dependency.
    kind: Option<Kind>,
    /// Only a dependency on a folder has one.
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Dev,
    Build,
}

/// A dependency of one of our crates on another.
struct Arrow<'a> {
    from: &'a Package,
    to: &'a str,
    kind: Option<Kind>,
}

impl Workspace {
    fn read() -> Result<Self, Trouble> {
        let arguments = [
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ];
        let json = shell::output(&shell::cargo(), &arguments)?;
        Self::parse(&json).map_err(|error| Trouble::Answer {
            command: "cargo metadata".to_owned(),
            reason: error.to_string(),
        })
    }

    fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    fn arrows(&self) -> impl Iterator<Item = Arrow<'_>> {
        self.packages.iter().flat_map(|from| {
            from.dependencies
                .iter()
                .filter(|dependency| self.has(&dependency.name))
                .map(move |dependency| Arrow {
                    from,
                    to: &dependency.name,
                    kind: dependency.kind,
                })
        })
    }

    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for package in &self.packages {
            match room(&package.name) {
                None => findings.push(format!(
                    "{} ({}) has no row in the table of {TABLE}: decide what it may see, and add it there and in {PAGE}",
                    package.name,
                    self.folder(package)
                )),
                Some(room) if self.folder(package) != room.folder => findings.push(format!(
                    "{} lies in {}, but the table of {TABLE} says {}",
                    package.name,
                    self.folder(package),
                    room.folder
                )),
                Some(_) => {}
            }
            for dependency in &package.dependencies {
                if dependency.path.is_some() && !self.has(&dependency.name) {
                    findings.push(format!(
                        "{} takes {} from a folder that is no crate of this workspace",
                        package.name, dependency.name
                    ));
                }
            }
        }
        for room in ROOMS {
            if !self.has(room.package) {
                findings.push(format!(
                    "{} has a row in the table of {TABLE}, but the workspace has no such crate: remove the row",
                    room.package
                ));
            }
        }
        findings.extend(self.arrows().filter_map(|arrow| self.refusal(&arrow)));
        findings
    }

    /// Why an arrow is wrong, if it is. A crate without a row is reported as such, not for its arrows.
    fn refusal(&self, arrow: &Arrow<'_>) -> Option<String> {
        let Sees::Only(allowed) = room(&arrow.from.name)?.sees else {
            return None;
        };
        if allowed.contains(&arrow.to) {
            return None;
        }
        let (from, to) = (&arrow.from.name, arrow.to);
        if arrow.kind == Some(Kind::Dev) && to == TESTKIT {
            // Cargo would accept the circle, and the crate's own types would then exist twice in its tests.
            return self.reaches(to, from).then(|| {
                format!("{from} must not use {to} in its tests: {to} itself is built on {from}; put those tests under tests/")
            });
        }
        let may = if allowed.is_empty() {
            "none of our crates".to_owned()
        } else {
            allowed.join(", ")
        };
        let kind = match arrow.kind {
            None => "",
            Some(Kind::Dev) => "dev-",
            Some(Kind::Build) => "build-",
        };
        Some(format!(
            "{from} must not depend on {to} ({kind}dependency): it may see {may} (arrows in {PAGE})"
        ))
    }

    /// Whether building `from` needs `to`, directly or through others. Dev-dependencies are not needed to build.
    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for arrow in self.arrows().filter(|arrow| arrow.kind != Some(Kind::Dev)) {
            needs.entry(&arrow.from.name).or_default().push(arrow.to);
        }
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(name) = next.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name) {
                next.extend(needs.get(name).into_iter().flatten());
            }
        }
        false
    }

    /// The crate's folder, from the root of the workspace, with forward slashes.
    fn folder(&self, package: &Package) -> String {
        let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
        let folder = folder.strip_prefix(&self.workspace_root).unwrap_or(folder);
        folder.to_string_lossy().replace('\\', "/")
    }
}

fn room(package: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.package == package)
}

impl Pure {
    /// Names of all crates that end up in this crate's library, on any platform. Procedural macros run while building and are
    /// not part of it.
    fn linked_crates(&self) -> Result<BTreeSet<String>, Trouble> {
        let edges = "normal,no-proc-macro";
        let mut arguments = vec![
            "tree",
            "--locked",
            "--package",
            self.package,
            "--edges",
            edges,
        ];
        arguments.extend(["--target", "all", "--prefix", "none", "--format", "{p}"]);
        arguments.push(self.features.flag());
        Ok(names_in_tree(&shell::output(&shell::cargo(), &arguments)?))
    }

    fn findings(&self, linked: &BTreeSet<String>) -> Vec<String> {
        self.never
            .iter()
            .filter(|name| linked.contains(**name))
            .map(|name| {
                let (package, flag) = (self.package, self.features.flag());
                let ask =
                    format!("cargo tree -p {package} {flag} -e normal --target all -i {name}");
                format!("{package} must not see {name} ({flag}); the way it came in: {ask}")
            })
            .collect()
    }
}

impl Features {
    fn flag(self) -> &'static str {
        match self {
            Self::None => "--no-default-features",
            Self::All => "--all-features",
        }
    }
}

/// The first word of each line of `cargo tree --prefix none --format {p}` is a crate's name.
fn names_in_tree(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with every crate of the table in its place, and the dependencies given as (from, to, kind).
    fn workspace(dependencies: &[(&str, &str, Option<&str>)]) -> Workspace {
        workspace_with(&[], dependencies)
    }

    fn workspace_with(
        more: &[(&str, &str)],
        dependencies: &[(&str, &str, Option<&str>)],
    ) -> Workspace {
        let crates = ROOMS
            .iter()
            .map(|room| (room.package, room.folder))
            .chain(more.iter().copied());
        let packages: Vec<_> = crates
            .map(|(name, folder)| {
                let dependencies: Vec<_> = dependencies
                    .iter()
                    .filter(|(from, _, _)| *from == name)
                    .map(|(_, to, kind)| serde_json::json!({ "name": to, "kind": kind, "path": format!("/src/{to}") }))
                    .collect();
                serde_json::json!({
                    "name": name,
                    "manifest_path": format!("/src/{folder}/Cargo.toml"),
                    "dependencies": dependencies,
                })
            })
            .collect();
        let json = serde_json::json!({ "workspace_root": "/src", "packages": packages });
        Workspace::parse(&json.to_string()).unwrap()
    }

    #[test]
    fn the_real_workspace_passes() {
        let report = check().unwrap();
        assert_eq!(report.findings, Vec::<String>::new());
    }

    #[test]
    fn the_arrows_of_the_architecture_are_allowed() {
        let found = workspace(&[
            ("waymark-protocol", "waymark-domain", None),
            ("waymark-store", "waymark-domain", None),
            ("waymark-sync", "waymark-protocol", None),
            ("waymark-client", "waymark-store", None),
            ("waymark-client", "waymark-sync", None),
            ("waymark-server", "waymark-protocol", None),
            ("waymark", "waymark-client", None),
            ("waymark", "waymark-server", None),
            ("waymark-testkit", "waymark-client", None),
            ("waymark-testkit", "waymark-server", None),
            ("waymark-sim", "waymark-store", None),
            ("waymark-scenarios", "waymark-testkit", Some("dev")),
        ])
        .findings();
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_arrow_from_the_client_to_the_server_is_refused_and_names_both() {
        for kind in [None, Some("dev"), Some("build")] {
            let found = workspace(&[("waymark-client", "waymark-server", kind)]).findings();
            assert_eq!(found.len(), 1, "{kind:?}: {found:?}");
            let message = &found[0];
            assert!(
                message.starts_with("waymark-client must not depend on waymark-server ("),
                "{message}"
            );
            assert!(
                message.contains(
                    "it may see waymark-domain, waymark-protocol, waymark-evidence, waymark-photo, waymark-store, waymark-sync"
                ),
                "{message}"
            );
        }
    }

    #[test]
    fn a_lower_crate_never_sees_an_upper_one() {
        for (from, to) in [
            ("waymark-domain", "waymark-protocol"),
            ("waymark-sync", "waymark-store"),
            ("waymark-store", "waymark-protocol"),
            ("waymark-server", "waymark-store"),
            ("waymark", "waymark-store"),
            ("waymark-client", "waymark-testkit"),
            ("xtask", "waymark-domain"),
        ] {
            let found = workspace(&[(from, to, None)]).findings();
            assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
        }
    }

    #[test]
    fn a_crate_is_refused_until_it_has_a_row() {
        let found = workspace_with(&[("waymark-weather", "core/weather")], &[]).findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("waymark-weather (core/weather) has no row in the table"),
            "{}",
            found[0]
        );

        // and nobody may depend on it meanwhile
        let edge = [("waymark-client", "waymark-weather", None)];
        let found = workspace_with(&[("waymark-weather", "core/weather")], &edge).findings();
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_row_without_a_crate_is_refused() {
        let mut shrunk = workspace(&[]);
        shrunk
            .packages
            .retain(|package| package.name != "waymark-bench");
        let found = shrunk.findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("waymark-bench has a row"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn a_crate_in_another_folder_is_refused() {
        let mut moved = workspace(&[]);
        for package in &mut moved.packages {
            if package.name == "waymark-domain" {
                package.manifest_path = "/src/domain/Cargo.toml".into();
            }
        }
        let found = moved.findings();
        assert_eq!(
            found,
            [
                "waymark-domain lies in domain, but the table of bindings/xtask/src/graph.rs says core/domain"
            ]
        );
    }

    #[test]
    fn a_folder_outside_the_workspace_is_refused() {
        let found = workspace(&[("waymark-domain", "elsewhere", None)]).findings();
        assert_eq!(
            found,
            ["waymark-domain takes elsewhere from a folder that is no crate of this workspace"]
        );
    }

    #[test]
    fn a_core_crate_may_use_the_testkit_in_its_tests_unless_that_closes_a_circle() {
        let use_in_tests = ("waymark-store", "waymark-testkit", Some("dev"));
        let found =
            workspace(&[use_in_tests, ("waymark-testkit", "waymark-domain", None)]).findings();
        assert_eq!(found, Vec::<String>::new());

        let circle = [
            use_in_tests,
            ("waymark-testkit", "waymark-client", None),
            ("waymark-client", "waymark-store", None),
        ];
        let found = workspace(&circle).findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("waymark-store must not use waymark-testkit in its tests"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn a_pure_crate_that_links_a_forbidden_one_is_refused_by_name() {
        let domain = PURE
            .iter()
            .find(|pure| pure.package == "waymark-domain")
            .unwrap();
        let tree = "waymark-domain v0.1.0 (/src/core/domain)\nserde v1.0.0\nuuid v1.0.0\ngetrandom v0.4.3\nserde v1.0.0 (*)\n";
        let found = domain.findings(&names_in_tree(tree));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("waymark-domain must not see getrandom (--all-features)"),
            "{}",
            found[0]
        );

        // a name that merely begins alike is another crate
        assert_eq!(
            domain.findings(&names_in_tree("tokio-util v0.7.0\n")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_engine_gets_its_network_only_from_the_feature() {
        let linked = names_in_tree("waymark-sync v0.1.0\ntokio v1.0.0\nreqwest v0.13.0\n");
        let rules: Vec<_> = PURE
            .iter()
            .filter(|pure| pure.package == "waymark-sync")
            .collect();
        assert_eq!(rules.len(), 2);
        for rule in rules {
            let expected = if rule.features == Features::None {
                2
            } else {
                0
            };
            assert_eq!(rule.findings(&linked).len(), expected);
        }
    }
}
