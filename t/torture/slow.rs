//! stub
use super::Plan;
use crate::runner::{Outcome, Setup};
pub(super) fn run(_: &Setup, _: &Plan) -> Outcome<()> { Ok(()) }
