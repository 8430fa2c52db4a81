//! The live page in a real browser against the real server, and the server's answers to plain HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is missing"
)]

mod browser;
mod print;
mod stage;

use browser::Browser;
use plimsoll::{
    model::{
        event::{Event, LiveHeart},
        finding::{Action, CheckKind, Finding, Verdict},
        link::{LinkStatus, Stage as LinkStage},
        packet::DeviceIndex,
        room::Shortage,
        session::Origin,
        time::SessionNs,
    },
    report::RepVerdict,
};
use serde_json::json;
use stage::{Stage, finding, info};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Kinds and verdicts of a repetition's checks.
type Checks = &'static [(CheckKind, Verdict)];

const SHOWN: &str = "!document.getElementById('silence').hidden";
const HIDDEN: &str = "document.getElementById('silence').hidden";

fn opened(origin: Origin, with_plan: bool) -> (Stage, Browser) {
    let stage = Stage::new();
    stage.feed.begin(info(origin, with_plan), &[]);
    let mut page = Browser::open(&stage.url);
    page.wait(HIDDEN);
    (stage, page)
}

fn word(page: &mut Browser, expected: &str, class: &str) {
    page.wait(&format!(
        "document.getElementById('word').textContent === '{expected}'"
    ));
    let seen = page.value("document.getElementById('verdict').className");
    assert_eq!(seen, json!(class), "{expected}");
}

#[test]
fn every_verdict_has_its_word_and_only_within_is_green() {
    use CheckKind::{Limit, Target, Watch};
    use Verdict::{Invalid, NotAssessed, Outside, Unsure, Within};
    let (stage, mut page) = opened(Origin::Sensors, true);
    word(&mut page, "NO SET", "none");
    stage.start_set(1);
    word(&mut page, "READY", "none");
    let cases: [(Checks, &str, &str); 7] = [
        (&[(Limit, Within), (Target, Within)], "WITHIN", "within"),
        (&[(Limit, Outside), (Target, Within)], "OUTSIDE", "outside"),
        (&[(Limit, Invalid), (Target, Within)], "NO DATA", "no_data"),
        (
            &[(Limit, Within), (Target, NotAssessed)],
            "CHECK BY EYE",
            "by_eye",
        ),
        (&[(Limit, Unsure)], "UNSURE", "unsure"),
        (&[(Limit, Within), (Watch, Outside)], "WATCH", "watch"),
        (&[], "NOT JUDGED", "not_judged"),
    ];
    for (number, (checks, expected, class)) in (1u32..).zip(cases) {
        let all: Vec<Finding> = (0u64..)
            .zip(checks)
            .map(|(i, (k, v))| finding(u64::from(number) * 10 + i, *k, *v))
            .collect();
        stage.rep(1, number, &all);
        word(&mut page, expected, class);
    }
    page.wait("document.getElementById('reps').textContent === '7'");
    stage.rep(1, 8, &[finding(99, Limit, Outside)]);
    word(&mut page, "OUTSIDE", "outside");
    let checks = page.text("checks");
    assert!(
        checks.contains("79 ± 4°") && checks.contains("limit at most 70°"),
        "{checks}"
    );
    assert!(
        checks.contains("2.1-0.3-1.0-0.2") && checks.contains("asked 3-1-2-0"),
        "{checks}"
    );
    assert!(page.text("eye").contains("hip drop"));
}

#[test]
fn page_and_report_combine_checks_the_same_way() {
    let kinds = [
        CheckKind::Limit,
        CheckKind::Target,
        CheckKind::Tempo,
        CheckKind::Watch,
        CheckKind::Effort,
    ];
    let verdicts = [
        Verdict::Within,
        Verdict::Unsure,
        Verdict::Outside,
        Verdict::NotAssessed,
        Verdict::Invalid,
    ];
    let single: Vec<Finding> = kinds
        .iter()
        .flat_map(|k| verdicts.iter().map(move |v| finding(1, *k, *v)))
        .collect();
    let mut cases: Vec<Vec<Finding>> = vec![Vec::new()];
    for a in &single {
        cases.push(vec![a.clone()]);
        cases.extend(single.iter().map(|b| vec![a.clone(), b.clone()]));
    }
    let expected: Vec<RepVerdict> = cases.iter().map(|c| RepVerdict::of(c.iter())).collect();
    let (_stage, mut page) = opened(Origin::Sensors, true);
    let cases = serde_json::to_string(&cases).unwrap();
    let seen = page.value(&format!("{cases}.map(combine)"));
    assert_eq!(seen, serde_json::to_value(expected).unwrap());
}

#[test]
fn silence_covers_the_page_and_data_uncover_it() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    stage.rep(1, 1, &[finding(1, CheckKind::Limit, Verdict::Within)]);
    word(&mut page, "WITHIN", "within");
    stage.fall_silent();
    let begin = Instant::now();
    page.wait(SHOWN);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(page.text("silence-word"), "NO DATA");
    assert!(page.text("silence-why").contains("nothing measured for"));
    stage.speak_again();
    page.wait(HIDDEN);
}

#[test]
fn a_server_that_went_away_is_told_from_an_analysis_that_fell_silent() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    drop(stage);
    page.wait(SHOWN);
    page.wait("document.getElementById('silence-why').textContent.includes('no connection')");
    assert_eq!(page.text("silence-word"), "NO DATA");
}

#[test]
fn a_stop_stays_until_acknowledged_and_survives_a_reload() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    let mut f = finding(7, CheckKind::Limit, Verdict::Outside);
    f.action = Action::Stop;
    stage.rep(1, 1, &[f]);
    page.wait("!document.getElementById('stop').hidden");
    assert!(
        page.text("stop-why")
            .contains("knee bend  79 ± 4°  (limit at most 70°)")
    );
    assert!(page.text("stop-where").contains("set 1, rep 1"));
    stage.rep(1, 2, &[finding(8, CheckKind::Limit, Verdict::Within)]);
    word(&mut page, "WITHIN", "within");
    page.reload();
    page.wait("document.getElementById('word')?.textContent === 'WITHIN'");
    page.wait("!document.getElementById('stop').hidden");
    page.value("document.getElementById('acknowledge').click()");
    page.wait("document.getElementById('stop').hidden");
    page.reload();
    page.wait("document.getElementById('word')?.textContent === 'WITHIN'");
    assert_eq!(
        page.value("document.getElementById('stop').hidden"),
        json!(true)
    );
}

#[test]
fn a_silent_sensor_takes_the_green_away_and_a_stale_heart_rate_is_no_number() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    stage.rep(1, 1, &[finding(1, CheckKind::Limit, Verdict::Within)]);
    word(&mut page, "WITHIN", "within");
    stage.change(|l| {
        l.sensors[1].stale = true;
        l.sensors[1].age_s = Some(1.4);
        l.heart = Some(LiveHeart {
            bpm: 128.0,
            age_s: 6.0,
            stale: true,
        });
    });
    word(&mut page, "NO DATA", "no_data");
    assert!(page.text("banners").contains("SENSOR SILENT: shank_l"));
    page.wait("document.getElementById('heart').textContent === 'no HR'");
    assert!(page.text("heart-age").contains("no HR for"));
    stage.change(|l| l.heart = None);
    page.wait("document.getElementById('heart').textContent === 'no HR'");
}

#[test]
fn a_sensor_that_is_not_ready_is_named_with_the_reason() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    let link = |stage, reason: Option<&str>| LinkStatus {
        device: DeviceIndex(1),
        alias: "shank".to_owned(),
        stage,
        without: false,
        reason: reason.map(str::to_owned),
        skipped: Vec::new(),
        missed: Vec::new(),
        blank: false,
        rssi_dbm: None,
        battery_percent: None,
        serial: None,
        address_tail: None,
        firmware: None,
        connections: 1,
        characteristics: Vec::new(),
    };
    let reason = "it accepts and sends nothing";
    stage.feed.links(&[link(LinkStage::Awaiting, Some(reason))]);
    page.wait("document.getElementById('banners').textContent.includes('shank NOT READY')");
    assert!(page.text("banners").contains(reason));
    stage.feed.links(&[link(LinkStage::Streaming, None)]);
    page.wait("!document.getElementById('banners').textContent.includes('NOT READY')");
}

#[test]
fn a_disk_that_is_nearly_full_is_said_and_what_runs_goes_on() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    word(&mut page, "READY", "none");
    stage.feed.short_of_room(Some(Shortage {
        free_mb: 120,
        reserve_mb: 500,
    }));
    page.wait("document.getElementById('banners').textContent.includes('DISK NEARLY FULL')");
    let said = page.text("banners");
    assert!(said.contains("120 MB are free, less than 500 MB"), "{said}");
    stage.rep(1, 1, &[finding(10, CheckKind::Limit, Verdict::Within)]);
    word(&mut page, "WITHIN", "within");
    // A page that is opened now, and a session that begins now, say it too.
    let mut late = Browser::open(&stage.url);
    late.wait("document.getElementById('banners').textContent.includes('DISK NEARLY FULL')");
    stage.change(|l| (l.set, l.exercise) = (None, None));
    stage.feed.begin(info(Origin::Sensors, true), &[]);
    page.wait("document.getElementById('word').textContent === 'NO SET'");
    assert!(page.text("banners").contains("DISK NEARLY FULL"));
    stage.feed.short_of_room(None);
    page.wait("!document.getElementById('banners').textContent.includes('DISK')");
}

#[test]
fn a_gateway_that_is_gone_is_said_until_it_is_back() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    word(&mut page, "READY", "none");
    stage.feed.gateway_gone(true);
    page.wait("document.getElementById('banners').textContent.includes('NOTHING IS LIVE')");
    // A page that is opened now says it too.
    let mut late = Browser::open(&stage.url);
    late.wait("document.getElementById('banners').textContent.includes('NOTHING IS LIVE')");
    stage.feed.gateway_gone(false);
    page.wait("!document.getElementById('banners').textContent.includes('NOTHING IS LIVE')");
}

#[test]
fn a_page_that_cannot_show_the_data_says_so() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.change(|l| {
        l.heart = Some(LiveHeart {
            bpm: f64::NAN,
            age_s: 0.1,
            stale: false,
        });
    });
    page.wait("document.getElementById('heart').textContent === 'no HR'");
    page.wait(HIDDEN);
    page.value("sensors = () => { throw new Error('on purpose'); }; 0");
    page.wait(SHOWN);
    assert_eq!(page.text("silence-word"), "NO DATA");
    assert!(page.text("silence-why").contains("on purpose"));
}

#[test]
fn data_that_are_not_live_and_a_missing_plan_are_announced() {
    let (stage, mut page) = opened(Origin::Simulated, false);
    let banners = page.text("banners");
    assert!(banners.contains("SIMULATED"), "{banners}");
    assert!(
        banners.contains("NO PLAN - limits not checked"),
        "{banners}"
    );
    let mut replayed = info(Origin::Sensors, true);
    replayed.replay = true;
    stage.feed.begin(replayed, &[]);
    page.wait("document.getElementById('banners').textContent === 'REPLAY - not live'");
    stage.feed.begin(info(Origin::Imported, true), &[]);
    page.wait("document.getElementById('banners').textContent === 'IMPORTED RECORDING'");
}

#[test]
fn who_joins_late_sees_the_set_but_not_old_data_as_new() {
    let stage = Stage::new();
    stage.feed.begin(info(Origin::Sensors, true), &[]);
    stage.start_set(1);
    stage.rep(1, 1, &[finding(1, CheckKind::Limit, Verdict::Outside)]);
    std::thread::sleep(Duration::from_millis(300));
    stage.fall_silent();
    let mut page = Browser::open(&stage.url);
    page.wait("document.getElementById('word')?.textContent === 'OUTSIDE'");
    assert_eq!(page.value(SHOWN), json!(true));
    assert_eq!(page.text("silence-why"), "waiting for the first data");
    stage.speak_again();
    page.wait(HIDDEN);
}

#[test]
fn the_end_of_a_session_is_said_with_a_way_to_the_report() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.fall_silent();
    stage.say(Event::Closed {
        t: SessionNs(9),
        windows: 90,
    });
    page.wait("document.getElementById('silence-word').textContent === 'SESSION ENDED'");
    let way = page.value("document.getElementById('report').getAttribute('href')");
    assert_eq!(way, json!("/report/S-1"));
}

#[test]
fn after_a_set_its_final_repetitions_are_counted_with_their_denominator() {
    use Verdict::{Invalid, Outside, Within};
    let (stage, mut page) = opened(Origin::Sensors, true);
    stage.start_set(1);
    for (number, v) in (1u32..).zip([Within, Within, Outside, Invalid]) {
        stage.rep(
            1,
            number,
            &[finding(u64::from(number), CheckKind::Limit, v)],
        );
        stage.final_rep(
            1,
            number,
            finding(u64::from(number) + 50, CheckKind::Limit, v),
        );
    }
    stage.end_set(1, 4);
    word(&mut page, "SET 1 DONE", "none");
    let said = page.text("verdict-sub");
    assert_eq!(said, "2 within, 1 outside, 1 not judged of 4");
}

#[test]
fn text_from_outside_stays_text() {
    let stage = Stage::new();
    let mut hostile = info(Origin::Sensors, true);
    hostile.client = "<img src=x onerror='document.title=\"broken\"'>".to_owned();
    stage.feed.begin(hostile, &[]);
    let mut page = Browser::open(&stage.url);
    page.wait(HIDDEN);
    page.wait("document.getElementById('context').textContent.includes('<img')");
    assert_eq!(page.value("document.images.length"), json!(0));
    assert_eq!(page.value("document.title"), json!("Plimsoll"));
}

/// Status line with headers, and body.
fn get(stage: &Stage, path: &str, host: &str) -> (String, String) {
    let address = stage.url.trim_start_matches("http://");
    let mut line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    line.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_foreign_host_name_gets_nothing() {
    let stage = Stage::new();
    for path in ["/", "/events", "/health", "/report/S-1"] {
        let (head, body) = get(&stage, path, "evil.example");
        assert!(head.starts_with("http/1.1 403"), "{path}: {head}");
        assert!(!body.contains("report"), "{path}");
    }
}

#[test]
fn answers_carry_the_security_headers() {
    let stage = Stage::new();
    let (head, body) = get(&stage, "/", "localhost");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("connect-src 'self'"));
    assert!(head.contains("x-content-type-options: nosniff"));
    assert!(body.contains("<title>Plimsoll</title>"));
    let (head, body) = get(&stage, "/report/S-1", "127.0.0.1:80");
    assert!(
        head.contains("default-src 'none'") && !head.contains("script-src"),
        "{head}"
    );
    assert!(body.contains("the report"));
    assert!(
        get(&stage, "/report/S-2", "localhost")
            .0
            .starts_with("http/1.1 404")
    );
    assert!(
        get(&stage, "/report/..%2f..%2fetc", "localhost")
            .0
            .starts_with("http/1.1 404")
    );
    assert_eq!(get(&stage, "/health", "[::1]:1").1, "ok\n");
}

#[test]
fn stopping_ends_open_streams() {
    let stage = Stage::new();
    let address = stage.url.trim_start_matches("http://").to_owned();
    let mut line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    line.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut some = [0; 64];
    assert!(line.read(&mut some).unwrap() > 0);
    let begin = Instant::now();
    drop(stage);
    let mut rest = Vec::new();
    line.read_to_end(&mut rest).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2));
}

/// Not a check: pictures of the page's states for people to look at, in the target directory.
#[test]
fn pictures() {
    let (stage, mut page) = opened(Origin::Sensors, true);
    let take = |page: &mut Browser, name: &str| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("page_{name}.png"));
        std::thread::sleep(Duration::from_millis(400));
        std::fs::write(&file, page.picture()).unwrap();
        println!("{}", file.display());
    };
    take(&mut page, "1_no_set");
    stage.start_set(1);
    std::thread::sleep(Duration::from_secs(8));
    stage.rep(1, 1, &[finding(1, CheckKind::Limit, Verdict::Within)]);
    take(&mut page, "2_within");
    let mut f = finding(2, CheckKind::Limit, Verdict::Unsure);
    f.action = Action::Cue;
    stage.rep(1, 2, &[f]);
    take(&mut page, "3_unsure_cue");
    let mut watched = finding(3, CheckKind::Watch, Verdict::Outside);
    watched.code = "TRUNK_FWD".to_owned();
    stage.rep(
        1,
        3,
        &[finding(4, CheckKind::Limit, Verdict::Within), watched],
    );
    take(&mut page, "4_watch");
    stage.rep(1, 4, &[finding(5, CheckKind::Limit, Verdict::Invalid)]);
    take(&mut page, "5_no_data");
    stage.rep(1, 5, &[finding(6, CheckKind::Limit, Verdict::NotAssessed)]);
    take(&mut page, "6_by_eye");
    stage.rep(1, 12, &[finding(7, CheckKind::Limit, Verdict::Outside)]);
    take(&mut page, "7_outside");
    let mut f = finding(8, CheckKind::Limit, Verdict::Outside);
    f.action = Action::Stop;
    stage.rep(1, 13, &[f]);
    take(&mut page, "8_stop");
    page.value("document.getElementById('acknowledge').click()");
    stage.change(|l| {
        l.sensors[1].stale = true;
        l.sensors[1].age_s = Some(1.4);
        l.heart = Some(LiveHeart {
            bpm: 128.0,
            age_s: 6.0,
            stale: true,
        });
    });
    stage.feed.begin(info(Origin::Simulated, false), &[]);
    take(&mut page, "9_lost_simulated");
    stage.fall_silent();
    std::thread::sleep(Duration::from_secs(2));
    take(&mut page, "10_silence");
}
