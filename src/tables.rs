//! The keys of the worker's tables. They notice when what they named has gone.

use slotmap::new_key_type;

new_key_type! {
    /// A subscriber of this worker.
    pub(crate) struct SubscriberKey;
    /// A channel that has subscribers in this worker.
    pub(crate) struct GroupKey;
    /// Subscribers who get the same bytes.
    pub(crate) struct CohortKey;
    /// An answer that is pulled as its client takes it.
    pub(crate) struct LongAnswerKey;
}

/// How a held subscriber is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every message, until the end of the connection.
    Streaming,
    /// One message, which ends the request.
    LongPolling,
}
