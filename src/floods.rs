//! Lines of the error log that can come in floods: one of a kind a second in each worker. The others are counted, and told after the second.

use std::cell::Cell;

use crate::nginx::local::Local;
use crate::nginx::log::{Log, error, warn};
use crate::nginx::process;

/// A kind of line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flood {
    /// No room for a message.
    Message,
    /// No room for a channel, or for a subscriber of it.
    Channel,
    /// No room for the farewell of a channel.
    Deletion,
    /// A subscriber was ended for being too slow.
    Slow,
}

const KINDS: [Flood; 4] = [Flood::Message, Flood::Channel, Flood::Deletion, Flood::Slow];

/// The second of the last line of each kind, and how many have been left out since.
static LINES: Local<[Cell<(u32, u64)>; KINDS.len()]> =
    Local::new([const { Cell::new((0, 0)) }; KINDS.len()]);

impl Flood {
    /// Whether a line of this kind may be written now; if not, it is counted.
    pub(crate) fn admits(self) -> bool {
        let now = process::now();
        let (second, left_out) = self.line();
        if second == now {
            self.set_line((second, left_out.saturating_add(1)));
            return false;
        }
        self.tell(left_out);
        self.set_line((now, 0));
        true
    }

    fn line(self) -> (u32, u64) {
        LINES.get(self as usize).map(Cell::get).unwrap_or_default()
    }

    fn set_line(self, line: (u32, u64)) {
        if let Some(cell) = LINES.get(self as usize) {
            cell.set(line);
        }
    }

    /// Tells how many lines were left out.
    fn tell(self, left_out: u64) {
        if left_out == 0 {
            return;
        }
        let log = Log::cycle();
        let what = match self {
            Self::Message => "unable to allocate message in shared memory",
            Self::Channel => "unable to allocate memory for new channel",
            Self::Deletion => "error while deleting channel",
            Self::Slow => {
                warn!(
                    log,
                    "push stream module: subscriber is too slow: {left_out} more in the last second"
                );
                return;
            }
        };
        error!(log, "push stream module: {what}: {left_out} more in the last second");
    }
}

/// Tells of the lines that were left out, once their second is over; `all` of them when the worker leaves.
pub(crate) fn tell(all: bool) {
    let now = process::now();
    for kind in KINDS {
        let (second, left_out) = kind.line();
        if left_out > 0 && (all || second != now) {
            kind.tell(left_out);
            kind.set_line((second, 0));
        }
    }
}
