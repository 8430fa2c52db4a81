//! A real browser, driven over its debugging pipe (file descriptors 3 and 4): no port, no driver
//! program. Every wait has a limit.

use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

const NAMES: [&str; 2] = ["chromium", "chromium-browser"];
const ANSWER: Duration = Duration::from_secs(20);

pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    tab: String,
    next: u64,
    _home: tempfile::TempDir,
}

fn program() -> &'static str {
    let found = |name: &&&str| {
        let version = Command::new(name)
            .arg("--version")
            .stderr(Stdio::null())
            .output();
        version.is_ok_and(|o| o.status.success())
    };
    NAMES.iter().find(found).unwrap_or_else(|| {
        panic!("this test looks at the page in a real browser: install package chromium")
    })
}

impl Browser {
    /// Opens one tab of 1600 x 900 on `url`.
    pub fn open(url: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (to_path, from_path) = (home.path().join("to"), home.path().join("from"));
        let made = Command::new("mkfifo").args([&to_path, &from_path]).status();
        assert!(
            made.is_ok_and(|s| s.success()),
            "two named pipes are needed"
        );
        let child = spawn(home.path());
        let to = OpenOptions::new().write(true).open(to_path).unwrap();
        let from = reader(File::open(from_path).unwrap());
        let mut browser = Self {
            child,
            to,
            from,
            tab: String::new(),
            next: 0,
            _home: home,
        };
        let target = browser.ask("Target.createTarget", &json!({ "url": url }));
        let id = target["targetId"].clone();
        let session = browser.ask(
            "Target.attachToTarget",
            &json!({ "targetId": id, "flatten": true }),
        );
        session["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.tab);
        browser
    }

    /// The value of a JavaScript expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "userGesture": true });
        let answer = self.ask("Runtime.evaluate", &params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true; on the way to the limit it may be anything.
    pub fn wait(&mut self, expression: &str) {
        let begin = Instant::now();
        while self.try_value(expression) != json!(true) {
            assert!(
                begin.elapsed() < Duration::from_secs(8),
                "never became true: {expression}\nthe page says: {}",
                self.try_value("document.body.innerText")
            );
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// Like [`Browser::value`], `null` while the page is still loading or gives way to another.
    fn try_value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let answer = self.request("Runtime.evaluate", &params);
        answer["result"]["result"]["value"].clone()
    }

    /// Text of the element with this id.
    pub fn text(&mut self, id: &str) -> String {
        let text = self.value(&format!("document.getElementById('{id}').textContent"));
        text.as_str().unwrap_or_default().to_owned()
    }

    pub fn reload(&mut self) {
        self.ask("Page.reload", &json!({}));
    }

    /// A picture of the page, PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        let shot = self.ask("Page.captureScreenshot", &json!({ "format": "png" }));
        base64(shot["data"].as_str().unwrap_or_default())
    }

    /// The page as printed, PDF.
    pub fn print(&mut self) -> Vec<u8> {
        let params = json!({ "preferCSSPageSize": true, "printBackground": true });
        let printed = self.ask("Page.printToPDF", &params);
        base64(printed["data"].as_str().unwrap_or_default())
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The browser's answer, which may be an error.
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if !self.tab.is_empty() {
            message["sessionId"] = json!(self.tab);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let answer = self
                .from
                .recv_timeout(ANSWER)
                .expect("the browser answers in time");
            if answer["id"] == json!(self.next) {
                return answer;
            }
        }
    }
}

fn spawn(home: &Path) -> Child {
    Command::new("sh")
        .args([
            "-c",
            "home=$1; shift; exec \"$@\" 3<\"$home/to\" 4>\"$home/from\"",
            "sh",
        ])
        .arg(home)
        .args([
            program(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args([
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1600,900",
        ])
        .args(["--remote-debugging-pipe", "about:blank"])
        .arg(format!(
            "--user-data-dir={}",
            home.join("profile").display()
        ))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

/// Messages end with a zero byte.
fn reader(pipe: File) -> Receiver<Value> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
            bytes.pop();
            let message = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            if send.send(message).is_err() {
                break;
            }
            bytes.clear();
        }
    });
    receive
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = b"{\"id\":0,\"method\":\"Browser.close\"}\0";
        let _ = self.to.write_all(close);
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(30));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The debugging pipe speaks text only.
fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|b| LETTERS.iter().position(|l| *l == b))
        .map(|d| d as u32)
        .collect();
    digits
        .chunks(4)
        .flat_map(|four| {
            let bits = (0..4).fold(0, |n, i| n << 6 | four.get(i).copied().unwrap_or(0));
            let [_, bytes @ ..] = bits.to_be_bytes();
            bytes.into_iter().take(four.len() * 6 / 8)
        })
        .collect()
}
