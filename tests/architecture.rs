//! The shape of the program, held by a test: who may import whom, what the pure core may not touch,
//! how long a file may be, and that every file says what it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Longest file, lines.
const CEILING_LINES: usize = 600;

/// Modules and what they may import. `main.rs` imports `cli` only.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("decode", &["model"]),
    ("align", &["model"]),
    ("motion", &["model"]),
    ("rules", &["model"]),
    ("wire", &["model"]),
    ("report", &["model"]),
    ("history", &["model"]),
    (
        "pipeline",
        &["model", "decode", "align", "motion", "rules", "wire"],
    ),
    ("source", &["model", "decode", "wire"]),
    ("mqtt", &["model", "wire"]),
    ("store", &["model", "wire"]),
    ("web", &["model", "wire", "report", "store"]),
    (
        "config",
        &[
            "model", "wire", "rules", "align", "motion", "pipeline", "source", "mqtt", "store",
            "web",
        ],
    ),
    (
        "daemon",
        &[
            "model", "decode", "align", "motion", "rules", "wire", "report", "history", "pipeline",
            "source", "mqtt", "store", "web", "config",
        ],
    ),
    (
        "cli",
        &[
            "model", "decode", "align", "motion", "rules", "wire", "report", "history", "pipeline",
            "source", "mqtt", "store", "web", "config", "daemon",
        ],
    ),
];

/// What the pure core does without: time, files, sockets, threads, tasks, logs, the environment.
const PURE: &[&str] = &[
    "model", "decode", "align", "motion", "rules", "wire", "report", "history", "pipeline",
];
const IMPURE_WORDS: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "Instant::now",
    "SystemTime",
    "tracing::",
    "println!",
    "eprintln!",
    "async fn",
    "HashMap",
    "HashSet",
    "rumqtt",
    "rusqlite",
    "axum",
];

/// The one module that asks what time it is.
const CLOCK_WORDS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let relative = path
                .strip_prefix(&src)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            let module = relative
                .split('/')
                .next()
                .unwrap()
                .trim_end_matches(".rs")
                .to_owned();
            (relative, module, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The code before the tests: a test may import what it likes.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap()
}

/// Lines of code, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    product(text)
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l))
        .filter(|(_, l)| !l.trim_start().starts_with("//"))
}

fn modules_named(text: &str) -> BTreeMap<String, usize> {
    let mut named = BTreeMap::new();
    let code: Vec<_> = code_lines(text).collect();
    for (i, (number, line)) in code.iter().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let mut body = group.to_owned();
                for (_, next) in &code[i + 1..] {
                    if body.matches('{').count() < body.matches('}').count() {
                        break;
                    }
                    body.push_str(next);
                }
                for name in top_level_names(&body) {
                    named.entry(name).or_insert(*number);
                }
            } else {
                let name: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                named.entry(name).or_insert(*number);
            }
        }
    }
    named
}

/// `model::{a, b}, motion::{self}` -> `model`, `motion`.
fn top_level_names(body: &str) -> Vec<String> {
    let (mut depth, mut names, mut word) = (0i32, Vec::new(), String::new());
    for c in body.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        if depth == 0 && c != '}' {
            word.push(c);
        }
    }
    names.push(word);
    names
        .iter()
        .map(|w| {
            w.trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        })
        .filter(|w| !w.is_empty())
        .collect()
}

#[test]
fn imports_go_one_way() {
    let rules: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        if file == "lib.rs" || file == "main.rs" {
            continue;
        }
        let allowed = rules
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{file}: module {module} has no rule"));
        for (name, line) in modules_named(&text) {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("src/{file}:{line}: {module} may not import {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        if !PURE.contains(&module.as_str()) || file.ends_with("/tests.rs") {
            continue;
        }
        for (number, line) in code_lines(&text) {
            for word in IMPURE_WORDS.iter().filter(|w| line.contains(**w)) {
                wrong.push(format!("src/{file}:{number}: {word} in the pure core"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The supervision of radios decides without one.
#[test]
fn the_supervision_of_radios_is_pure() {
    const DECIDES: &[&str] = &[
        "chores",
        "config",
        "fleet",
        "identity",
        "namesakes",
        "params",
        "protocol",
        "shake",
        "started",
        "supervisor",
    ];
    for name in DECIDES {
        let file = format!("source/ble/{name}.rs");
        let (_, _, text) = sources()
            .into_iter()
            .find(|(f, ..)| *f == file)
            .expect(&file);
        for (line, code) in code_lines(&text) {
            let used = IMPURE_WORDS
                .iter()
                .chain(&["btleplug", "dbus"])
                .find(|w| code.contains(**w));
            assert!(used.is_none(), "{file}:{line} uses {used:?}");
        }
    }
}

#[test]
fn only_the_daemon_asks_for_the_time() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        if module == "daemon" {
            continue;
        }
        for (number, line) in code_lines(&text) {
            for word in CLOCK_WORDS.iter().filter(|w| line.contains(**w)) {
                wrong.push(format!("src/{file}:{number}: {word} outside daemon"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for (file, _, text) in sources() {
        let lines = text.lines().count();
        if lines > CEILING_LINES {
            wrong.push(format!(
                "src/{file}: {lines} lines, at most {CEILING_LINES}"
            ));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("src/{file}: does not open with //!"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_drawers_for_odds_and_ends() {
    for (file, _, _) in sources() {
        for word in ["util", "helper", "misc", "common"] {
            assert!(!file.contains(word), "src/{file}: a name that says nothing");
        }
    }
}

#[test]
fn the_import_reader_sees_every_form() {
    let text = "use crate::model::x;\nuse crate::{\n    motion::{self, A},\n    rules,\n};\nlet a = crate::wire::f();\n// crate::store\n";
    let named: Vec<_> = modules_named(text).into_keys().collect();
    assert_eq!(named, ["model", "motion", "rules", "wire"]);
}
