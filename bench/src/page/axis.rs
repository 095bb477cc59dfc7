//! The tables of scaling: one thing grows, a line for each of its values.
use super::{SUBJECT, cell, columns, heading, ratio, words};
use crate::suite::Comparison;
use std::fmt::Write;

/// A metric, and the servers that show it.
struct Column<'a> {
    metric: &'a str,
    servers: Vec<&'a str>,
    /// The floor that the subject is compared with, if both are there.
    floor: Option<&'a str>,
}

/// The table of one axis. What several comparisons measured at the same value is in one line.
pub fn axis(done: &[Comparison], axis: &str) -> String {
    let done: Vec<&Comparison> =
        done.iter().filter(|done| done.step().is_some_and(|step| step.0 == axis)).collect();
    if done.is_empty() {
        return "*Not in this run.*\n".into();
    }
    let columns = columns_of(&done);
    let mut head = format!("| {axis} |");
    for column in &columns {
        let kind =
            if column.metric.starts_with("instr_") { "user-space instructions " } else { "" };
        let mut what = format!("{kind}{}: ", words(column.metric));
        for server in &column.servers {
            let _ = write!(head, " {what}{} |", heading(server));
            what.clear();
        }
        head += column.floor.map_or("", |_| " / floor |");
    }
    let mut out = format!("{head}\n|{}\n", "---:|".repeat(head.matches('|').count() - 1));
    for step in distinct(done.iter().filter_map(|done| Some(done.step()?.1))) {
        let _ = write!(out, "| {step} |");
        for Column { metric, servers, floor } in &columns {
            let here = done.iter().filter(|done| {
                done.step().is_some_and(|(_, at)| at == step) && shows(done, metric)
            });
            let rows: Vec<_> = here.flat_map(|done| &done.rows).collect();
            let value = |server: &str| rows.iter().find(|row| row.server == server)?.median(metric);
            for server in servers {
                out += &cell(server, value(server));
            }
            if let Some(floor) = floor {
                out += &ratio(value(SUBJECT), value(floor));
            }
        }
        out.push('\n');
    }
    out
}

fn columns_of<'a>(done: &[&'a Comparison]) -> Vec<Column<'a>> {
    let metrics = distinct(done.iter().flat_map(|done| &done.show).map(String::as_str));
    let column = |metric| {
        let with: Vec<&Comparison> =
            done.iter().copied().filter(|done| shows(done, metric)).collect();
        let servers = columns(&with);
        let floor = servers.iter().copied().find(|name| name.starts_with("floor"));
        let floor = floor.filter(|_| servers.contains(&SUBJECT));
        Column { metric, servers, floor }
    };
    metrics.into_iter().map(column).collect()
}

fn shows(done: &Comparison, metric: &str) -> bool {
    done.show.iter().any(|shown| shown == metric)
}

/// Each once, in the order in which they come first.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = vec![];
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;
    use crate::report::Row;
    use crate::scenario::Outcome;

    fn measured(at: &str, metric: &str, values: &[(&str, f64)]) -> Comparison {
        let row = |(server, value): &(&str, f64)| {
            let outcome = Outcome { m: vec![(metric.into(), *value)], notes: vec![] };
            Row { server: (*server).into(), reps: vec![outcome], errors: vec![] }
        };
        let step = [("axis".to_string(), "workers".to_string()), ("at".into(), at.into())];
        Comparison {
            scenario: "fanout".into(),
            title: at.into(),
            show: vec![metric.into()],
            refs: vec![],
            params: Params::from(step),
            rows: values.iter().map(row).collect(),
        }
    }

    #[test]
    fn a_line_has_all_that_was_measured_at_its_value() {
        let done = [
            measured("1", "cpu_us_per_delivery", &[("floor", 5.0), (SUBJECT, 6.0)]),
            measured("8", "cpu_us_per_delivery", &[(SUBJECT, 7.0)]),
            measured("8", "instr_per_delivery", &[(SUBJECT, 200.0)]),
        ];
        let expected = "\
| workers | CPU µs a delivery: floor | this module | / floor | user-space instructions a delivery, streaming: this module |
|---:|---:|---:|---:|---:|
| 1 | 5 | **6** | 1.20 | |
| 8 | | **7** | | **200** |
";
        assert_eq!(axis(&done, "workers"), expected);
        assert_eq!(axis(&done, "bytes"), "*Not in this run.*\n");
    }
}
