//! Medians, text tables and JSON.
use crate::scenario::Outcome;
use crate::suite::Comparison;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What was measured on one server, a turn each.
#[derive(Default)]
pub struct Row {
    pub server: String,
    pub reps: Vec<Outcome>,
    pub errors: Vec<String>,
}

impl Row {
    pub fn keys(&self) -> Vec<String> {
        let mut v: Vec<String> = vec![];
        for r in &self.reps {
            for (k, _) in &r.m {
                if !v.contains(k) {
                    v.push(k.clone());
                }
            }
        }
        v
    }
    pub fn median(&self, k: &str) -> Option<f64> {
        let mut v: Vec<f64> = self.reps.iter().filter_map(|r| r.get(k)).collect();
        if v.is_empty() {
            return None;
        }
        v.sort_by(f64::total_cmp);
        let n = v.len();
        Some(if n % 2 == 1 { v[n / 2] } else { (v[n / 2 - 1] + v[n / 2]) / 2.0 })
    }
    pub fn range(&self, k: &str) -> Option<(f64, f64)> {
        let v: Vec<f64> = self.reps.iter().filter_map(|r| r.get(k)).collect();
        if v.is_empty() {
            return None;
        }
        Some((
            v.iter().cloned().fold(f64::MAX, f64::min),
            v.iter().cloned().fold(f64::MIN, f64::max),
        ))
    }
}

/// A figure with as many digits as it deserves.
pub fn num(v: f64) -> String {
    let a = v.abs();
    if (v == v.trunc() && a < 1e7) || a >= 10000.0 {
        format!("{v:.0}")
    } else if a >= 100.0 {
        format!("{v:.1}")
    } else if a >= 1.0 {
        format!("{v:.2}")
    } else {
        format!("{v:.3}")
    }
}

/// The medians of a comparison, a server a line, with the ratios of what counts.
pub fn table(done: &Comparison) -> String {
    let Comparison { rows, refs, show, .. } = done;
    let mut out = String::new();
    let mut keys: Vec<String> = vec![];
    for r in rows {
        for k in r.keys() {
            if !keys.contains(&k) {
                keys.push(k);
            }
        }
    }
    // counts which are zero everywhere need no column
    keys.retain(|k| {
        let zero = matches!(k.as_str(), "dup_ooo" | "corrupt" | "ended");
        !zero || rows.iter().any(|r| r.reps.iter().any(|o| o.get(k).unwrap_or(0.0) != 0.0))
    });
    let mut head = vec!["server".to_string()];
    let mut body: Vec<Vec<String>> = rows.iter().map(|r| vec![r.server.clone()]).collect();
    for k in &keys {
        head.push(k.clone());
        for (i, r) in rows.iter().enumerate() {
            let mut s = r.median(k).map(num).unwrap_or("-".into());
            if show.contains(k)
                && r.reps.len() > 1
                && let Some((a, b)) = r.range(k)
            {
                s = format!("{s} ({}..{})", num(a), num(b));
            }
            body[i].push(s);
        }
        if show.contains(k) {
            for rf in refs {
                let Some(base) = rows.iter().find(|r| &r.server == rf).and_then(|r| r.median(k))
                else {
                    continue;
                };
                head.push(format!("/{rf}"));
                for (i, r) in rows.iter().enumerate() {
                    body[i].push(match r.median(k) {
                        Some(v) if base.abs() > 1e-9 => format!("{:.2}", v / base),
                        _ => "-".into(),
                    });
                }
            }
        }
    }
    let w: Vec<usize> = (0..head.len())
        .map(|c| body.iter().map(|r| r[c].len()).chain([head[c].len()]).max().unwrap())
        .collect();
    let line = |cells: &[String]| {
        let mut s = String::from("|");
        for (i, c) in cells.iter().enumerate() {
            if i == 0 {
                let _ = write!(s, " {c:<0$} |", w[i]);
            } else {
                let _ = write!(s, " {c:>0$} |", w[i]);
            }
        }
        s
    };
    let _ = writeln!(out, "{}", line(&head));
    let mut sep = String::from("|");
    for x in &w {
        let _ = write!(sep, "{}|", "-".repeat(x + 2));
    }
    let _ = writeln!(out, "{sep}");
    for b in &body {
        let _ = writeln!(out, "{}", line(b));
    }
    for r in rows {
        let mut seen: Vec<&String> = vec![];
        for n in r.reps.iter().flat_map(|o| o.notes.iter()).chain(r.errors.iter()) {
            if !seen.contains(&n) && seen.len() < 6 {
                seen.push(n);
            }
        }
        for n in seen {
            let _ = writeln!(out, "- {}: {n}", r.server);
        }
    }
    out
}

/// All figures of a comparison as one JSON object.
pub fn json(done: &Comparison) -> Value {
    let metrics = |outcome: &Outcome| -> Map<String, Value> {
        outcome.m.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
    };
    let run = |outcome: &Outcome| json!({"metrics": metrics(outcome), "notes": outcome.notes});
    let server = |row: &Row| {
        let medians: Map<String, Value> =
            row.keys().iter().map(|key| (key.clone(), json!(row.median(key)))).collect();
        json!({
            "server": row.server,
            "median": medians,
            "reps": row.reps.iter().map(run).collect::<Vec<_>>(),
            "errors": row.errors,
        })
    };
    json!({
        "scenario": done.scenario,
        "title": done.title,
        "params": done.params,
        "servers": done.rows.iter().map(server).collect::<Vec<_>>(),
    })
}
