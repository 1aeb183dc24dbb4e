//! `check-tree`: house rules that are read off the text of the tree.
//!
//! Looked at are the files git tracks and the new ones it does not ignore. Text rules go line by line and know no grammar: a rule
//! that is wrong now and then on purpose costs an exception with a reason, one that is clever hides what it missed.
//!
//! The texts that are looked for are put together from pieces here, so that this file does not trip over itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::shell::{self, Trouble};
use crate::{Outcome, Report};

/// What may lie at the top, beside files and folders whose name starts with a dot.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "core",
    "bindings",
    "android",
    "ios",
    "tests",
    "README.md",
];

/// A source file beyond this is read by nobody to the end.
const LINES: usize = 800;
/// How a file asks to be longer; its reason follows on the same line.
const LONGER: &str = "//! Over 800 lines because ";

/// Tests that may sleep: the file, and why nothing else does the job.
const MAY_SLEEP: &[(&str, &str)] = &[];
const SLEEP: &str = concat!("sle", "ep(");

/// Where people and build machines keep their files. Such a path works for one of them only.
const HOMES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];

/// Where packages are downloaded from. The name belongs into the configuration of a machine that uses a mirror, not into ours.
const REGISTRIES: &[&str] = &[
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.np", "mjs.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("repo.ma", "ven"),
    concat!("repo1.ma", "ven"),
    concat!("maven.goo", "gle.com"),
    concat!("plugins.gra", "dle.org"),
    concat!("proxy.go", "lang.org"),
    concat!("deb.deb", "ian.org"),
];

/// Work that is not done belongs into the tracker, where somebody looks.
const UNDONE: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Checks the repository around the current folder.
pub(crate) fn check() -> Outcome {
    let root = PathBuf::from(shell::output("git", &["rev-parse", "--show-toplevel"])?.trim_end());
    let listed = list(&root)?;
    let mut files = Vec::new();
    for path in &listed {
        if let Some(text) = read_text(&root.join(path))? {
            files.push(File {
                path: path.clone(),
                text,
            });
        }
    }
    let mut findings = stray_at_the_top(&listed);
    findings.extend(text_findings(&files));
    Ok(Report {
        looked_at: format!("{} files, {} of them text", listed.len(), files.len()),
        findings,
    })
}

/// A text file of the tree; the path is the one from the root, with forward slashes.
struct File {
    path: String,
    text: String,
}

fn list(root: &Path) -> Result<BTreeSet<String>, Trouble> {
    let folder = root.to_string_lossy();
    let arguments = [
        "-C",
        &folder,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let names = shell::output("git", &arguments)?;
    // A tracked file that was deleted is still listed until the deletion is staged.
    let there = |name: &&str| !name.is_empty() && root.join(name).symlink_metadata().is_ok();
    Ok(names.split('\0').filter(there).map(str::to_owned).collect())
}

/// The file's text, or `None` for what is not text: pictures, databases, links.
fn read_text(path: &Path) -> Result<Option<String>, Trouble> {
    let trouble = |source| Trouble::Read {
        path: path.to_owned(),
        source,
    };
    if !path.symlink_metadata().map_err(trouble)?.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(trouble)?;
    if bytes.contains(&0) {
        return Ok(None);
    }
    Ok(String::from_utf8(bytes).ok())
}

fn stray_at_the_top(paths: &BTreeSet<String>) -> Vec<String> {
    let tops: BTreeSet<&str> = paths
        .iter()
        .filter_map(|path| path.split('/').next())
        .collect();
    tops.into_iter()
        .filter(|top| !top.starts_with('.') && !TOP_LEVEL.contains(top))
        .map(|top| {
            format!(
                "{top}: does not belong to the top level, which holds {} and dot-files",
                TOP_LEVEL.join(", ")
            )
        })
        .collect()
}

fn text_findings(files: &[File]) -> Vec<String> {
    let test_modules: BTreeSet<String> = files.iter().flat_map(test_modules_of).collect();
    let mut findings = Vec::new();
    for file in files {
        findings.extend(too_long(file));
        findings.extend(sleeping_tests(file, test_modules.contains(&file.path)));
        if !is_data(&file.path) {
            findings.extend(forbidden_words(file));
        }
    }
    findings
}

/// Files whose words are not ours: lock files that a tool writes, and real data.
fn is_data(path: &str) -> bool {
    path.ends_with(".lock") || (path.starts_with("tests/fixtures/") && !path.ends_with(".md"))
}

fn too_long(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    if !file.path.ends_with(".rs") || lines <= LINES {
        return None;
    }
    let header = file
        .text
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("//") || line.starts_with("#!["));
    let mut reasons = header.filter_map(|line| line.strip_prefix(LONGER));
    if reasons.any(|reason| !reason.trim().is_empty()) {
        return None;
    }
    Some(format!(
        "{}: {lines} lines; split it, or say in its header `{}…`",
        file.path, LONGER
    ))
}

fn forbidden_words(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let mut say = |what: String| findings.push(format!("{}:{number}: {what}", file.path));
        for home in HOMES {
            if starts_at_a_root(line, home) {
                say(format!(
                    "{home} is a folder of one machine; take the path from the environment or from the repository"
                ));
            }
        }
        for host in REGISTRIES {
            if line.contains(host) {
                say(format!(
                    "{host} is a package registry's host; name the package and leave the host to the package manager"
                ));
            }
        }
        for word in UNDONE {
            if has_word(line, word) {
                say(format!(
                    "{word}: do it, or open an issue and say here what holds now"
                ));
            }
        }
    }
    findings
}

/// Whether the path begins there, as opposed to a relative path or an address that has the same words further in.
fn starts_at_a_root(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '$' | '}' | ')' | '*')
        })
    })
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn sleeping_tests(file: &File, declared_as_test: bool) -> Vec<String> {
    if MAY_SLEEP.iter().any(|(path, _)| *path == file.path)
        || is_data(&file.path)
        || file.path.ends_with(".md")
    {
        return Vec::new();
    }
    let whole = declared_as_test || is_test_path(&file.path);
    let regions = if whole {
        vec![1..=usize::MAX]
    } else {
        test_regions(file)
    };
    (1..)
        .zip(file.text.lines())
        .filter(|(number, line)| sleeps(line, &file.path) && regions.iter().any(|region| region.contains(number)))
        .map(|(number, _)| {
            let path = &file.path;
            format!("{path}:{number}: a test that sleeps is slow on a fast machine and wrong on a slow one; wait for the event, or move the virtual clock")
        })
        .collect()
}

/// `thread::sleep(`, `Thread.sleep(`, `sleep(`; in a shell script also the command. `sleep_until(` and `asleep(` are other words.
fn sleeps(line: &str, path: &str) -> bool {
    let call = |text: &str| {
        line.match_indices(text).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            !before.is_some_and(is_name)
        })
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_script = name.ends_with(".sh") || !name.contains('.');
    call(SLEEP) || (is_script && !line.trim_start().starts_with('#') && call(concat!("sle", "ep ")))
}

/// Files that hold nothing but tests, by where they lie: Rust's `tests/` folders and `tests.rs`, Gradle's and SwiftPM's folders.
fn is_test_path(path: &str) -> bool {
    let in_test_folder = path.rsplit_once('/').is_some_and(|(folder, _)| {
        folder
            .split('/')
            .any(|part| matches!(part, "tests" | "test" | "androidTest" | "Tests"))
    });
    in_test_folder || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// The lines under `#[cfg(test)]` in a file of product code, by number from 1. The end is the closing brace in the column of the
/// attribute, which is where rustfmt puts it.
fn test_regions(file: &File) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut regions = Vec::new();
    let mut lines = (1..).zip(file.text.lines());
    while let Some((first, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if !line.trim_start().starts_with("#[cfg(test)]") {
            continue;
        }
        let last = lines
            .by_ref()
            .find(|(_, line)| closes(line, indent) || is_whole_item(line));
        regions.push(first..=last.map_or(usize::MAX, |(number, _)| number));
    }
    regions
}

fn closes(line: &str, indent: usize) -> bool {
    line.split_at_checked(indent)
        .is_some_and(|(margin, rest)| margin.trim().is_empty() && rest.starts_with('}'))
}

/// An item that ends where it begins: `mod name;`, `use path;`, `fn helper() {}`.
fn is_whole_item(line: &str) -> bool {
    let line = line.trim();
    let is_item = [
        "mod ", "use ", "pub", "fn ", "const ", "static ", "type ", "struct ",
    ]
    .iter()
    .any(|word| line.starts_with(word));
    is_item && (line.ends_with(';') || line.ends_with('}'))
}

/// Paths of the files that `#[cfg(test)] mod name;` in this file may mean.
fn test_modules_of(file: &File) -> Vec<String> {
    let Some(stem) = file.path.strip_suffix(".rs") else {
        return Vec::new();
    };
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut modules = Vec::new();
    for pair in lines.windows(2) {
        let [attribute, item] = pair else { continue };
        let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
        let name = item
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        if let (&"#[cfg(test)]", Some(name)) = (attribute, name) {
            modules.push(format!("{folder}/{name}.rs"));
            modules.push(format!("{folder}/{name}/mod.rs"));
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> File {
        File {
            path: path.to_owned(),
            text: text.into(),
        }
    }

    fn found(path: &str, text: impl Into<String>) -> Vec<String> {
        text_findings(&[file(path, text)])
    }

    fn assert_clean(path: &str, text: impl Into<String>) {
        assert_eq!(found(path, text), Vec::<String>::new());
    }

    #[test]
    fn a_source_file_of_800_lines_passes_and_one_of_801_does_not() {
        let path = "core/domain/src/visit.rs";
        assert_clean(
            path,
            "//! Visits.\n".to_owned() + &"let x = 1;\n".repeat(799),
        );
        let findings = found(
            path,
            "//! Visits.\n".to_owned() + &"let x = 1;\n".repeat(800),
        );
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].starts_with("core/domain/src/visit.rs: 801 lines"),
            "{}",
            findings[0]
        );
        assert_clean("core/docs/long.md", "word\n".repeat(2_000));
    }

    #[test]
    fn a_long_source_file_passes_with_a_reason_in_its_header_and_only_there() {
        let path = "core/domain/src/table.rs";
        let body = "let x = 1;\n".repeat(900);
        assert_clean(
            path,
            format!("//! A table.\n//!\n{LONGER}the table is one piece.\n#![allow(x)]\n\n{body}"),
        );
        assert_eq!(
            found(path, format!("//! A table.\n{LONGER}\n{body}")).len(),
            1,
            "no reason given"
        );
        assert_eq!(
            found(path, format!("//! A table.\n{body}{LONGER}it grew.\n")).len(),
            1,
            "not in the header"
        );
    }

    #[test]
    fn a_test_must_not_sleep() {
        let nap = format!("    std::thread::{SLEEP}SECOND);\n");
        assert_eq!(found("tests/scenarios/src/visit.rs", nap.as_str()).len(), 1);
        assert_eq!(found("core/sync/tests/driver.rs", nap.as_str()).len(), 1);
        assert_eq!(
            found("core/sync/src/engine/tests.rs", nap.as_str()).len(),
            1
        );
        assert_eq!(
            found(
                "android/app/src/androidTest/Nap.kt",
                format!("Thread.{SLEEP}100)\n")
            )
            .len(),
            1
        );
        assert_eq!(found("tests/run", concat!("  sle", "ep 5\n")).len(), 1);

        let findings = found(
            "tests/scenarios/src/visit.rs",
            format!("fn a() {{\n{nap}}}\n"),
        );
        assert!(
            findings[0].starts_with("tests/scenarios/src/visit.rs:2: "),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn product_code_and_words_that_only_sound_alike_may() {
        let nap = format!("    tokio::time::{SLEEP}pause).await;\n");
        assert_clean("core/sync/src/driver.rs", nap);
        assert_clean(
            "tests/sim/src/clock.rs",
            format!("clock.{}_until(noon);\n", concat!("sle", "ep")),
        );
        assert_clean("tests/sim/src/device.rs", format!("if is_a{SLEEP}) {{\n"));
        assert_clean("tests/run", concat!("# no sle", "ep here\n"));
    }

    #[test]
    fn a_test_module_in_a_product_file_must_not_sleep_but_the_code_around_it_may() {
        let nap = format!("{SLEEP}1);");
        let text = |before: &str, inside: &str, after: &str| {
            format!(
                "fn a() {{\n    {before}\n}}\n\n#[cfg(test)]\nmod tests {{\n    fn b() {{\n        {inside}\n    }}\n}}\n\nfn c() {{\n    {after}\n}}\n"
            )
        };
        let path = "core/sync/src/driver.rs";
        assert_clean(path, text(&nap, "", &nap));
        let findings = found(path, text("", &nap, ""));
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].starts_with("core/sync/src/driver.rs:8: "),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn a_one_line_test_item_does_not_make_the_rest_a_test() {
        let text = format!("#[cfg(test)]\nmod checks;\n\nfn a() {{\n    {SLEEP}1);\n}}\n");
        assert_clean("core/sync/src/driver.rs", text);
    }

    #[test]
    fn a_file_declared_as_a_test_module_is_a_test() {
        let nap = format!("{SLEEP}1);\n");
        let declaration = "#[cfg(test)]\nmod checks;\n";
        for (declares, holds) in [
            ("core/sync/src/lib.rs", "core/sync/src/checks.rs"),
            ("core/sync/src/lib.rs", "core/sync/src/checks/mod.rs"),
            ("core/sync/src/driver.rs", "core/sync/src/driver/checks.rs"),
            (
                "core/sync/src/driver/mod.rs",
                "core/sync/src/driver/checks.rs",
            ),
        ] {
            let findings = text_findings(&[file(declares, declaration), file(holds, nap.as_str())]);
            assert_eq!(findings.len(), 1, "{declares} {holds}");
            let without =
                text_findings(&[file(declares, "mod checks;\n"), file(holds, nap.as_str())]);
            assert_eq!(without, Vec::<String>::new());
        }
    }

    #[test]
    fn a_path_of_one_machine_is_refused_wherever_it_starts() {
        for home in HOMES {
            for line in [
                format!("cd {home}main"),
                format!("open(\"{home}x\")"),
                format!("file://{home}x"),
                format!("{home}x"),
            ] {
                let findings = found("core/docs/notes.md", line.as_str());
                assert_eq!(findings.len(), 1, "{line}");
                assert!(
                    findings[0].starts_with("core/docs/notes.md:1: "),
                    "{}",
                    findings[0]
                );
            }
        }
    }

    #[test]
    fn a_path_that_only_contains_such_words_passes() {
        for home in HOMES {
            for line in [
                format!("core{home}x"),
                format!("..{home}x"),
                format!("https://example.org{home}x"),
                format!("$HOME{home}x"),
            ] {
                assert_clean("core/docs/notes.md", line);
            }
        }
    }

    #[test]
    fn a_registry_host_is_refused_and_a_documentation_link_is_not() {
        for host in REGISTRIES {
            assert_eq!(
                found("core/docs/notes.md", format!("see https://{host}/x")).len(),
                1,
                "{host}"
            );
        }
        assert_clean(
            "core/docs/notes.md",
            "see https://docs.rs/serde and https://crates.io/crates/serde",
        );
        assert_clean(
            "Cargo.lock",
            format!("source = \"registry+https://{}/\"", REGISTRIES[0]),
        );
    }

    #[test]
    fn undone_work_is_refused_as_a_word_only() {
        for word in UNDONE {
            assert_eq!(
                found("core/cli/src/main.rs", format!("// {word}: later")).len(),
                1
            );
            assert_eq!(found("tests/run", format!("# {word}(later)")).len(), 1);
            assert_clean(
                "core/cli/src/main.rs",
                format!("const {word}_LIST: u8 = 1; // ME{word}"),
            );
            assert_clean(
                "core/cli/src/main.rs",
                format!("// {}", word.to_lowercase()),
            );
        }
    }

    #[test]
    fn real_data_is_not_ours_to_word_but_its_readme_is() {
        let text = format!("{} {}x", UNDONE[0], HOMES[0]);
        assert_clean("tests/fixtures/pois/a.csv", text.as_str());
        assert_eq!(found("tests/fixtures/pois/README.md", text).len(), 2);
    }

    #[test]
    fn only_the_agreed_names_lie_at_the_top() {
        let tree = |paths: &[&str]| {
            paths
                .iter()
                .map(|path| (*path).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let good = [
            "Cargo.toml",
            "Cargo.lock",
            "README.md",
            ".deny.toml",
            ".ci/run",
            "core/domain/src/lib.rs",
            "tests/run",
        ];
        assert_eq!(stray_at_the_top(&tree(&good)), Vec::<String>::new());

        let findings = stray_at_the_top(&tree(&[
            "Cargo.toml",
            "notes.txt",
            "scripts/a.sh",
            "scripts/b.sh",
        ]));
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("notes.txt: "), "{}", findings[0]);
        assert!(findings[1].starts_with("scripts: "), "{}", findings[1]);
    }
}
