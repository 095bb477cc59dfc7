//! The load of the crash and reload tests: publishers, swarms and a pulse on one nginx.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::Plan;
use super::ledger::Ledger;
use super::pulse::Pulse;
use super::reckoning::Settled;
use super::swarm::{Control, Swarm};
use crate::load::soon;
use crate::runner::{Conf, Outcome};

/// Members of one thread, and publishers.
const SWARM: usize = 500;
const PUBLISHERS: usize = 3;

/// Locations for all modes. Every message shows its cursor, and several channels come in the order of it, so
/// that wherever a connection is cut its client can go on.
const LOCATIONS: &str = r"
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_auto_event_id on; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_auto_event_id on;
    push_stream_message_template '~id~;~time~;~tag~;~channel~;~text~';
}
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_auto_event_id on;
    push_stream_last_received_message_time $arg_time;
    push_stream_last_received_message_tag $arg_tag;
}
";

pub(super) fn configuration(workers: usize, zone: &str) -> Conf {
    Conf {
        main: "worker_rlimit_nofile 16384; worker_rlimit_core 0;".into(),
        events: "worker_connections 8192;".into(),
        http: format!(
            "keepalive_requests 10000000;\nclient_body_buffer_size 128k;\n\
             push_stream_shared_memory_size {zone};\n\
             push_stream_message_template '~id~;~time~;~tag~;~channel~;~text~\\n';\n\
             push_stream_gap_message_text gap;\n\
             push_stream_longpolling_connection_ttl 10s;\n\
             push_stream_channel_info_on_publish off;\n\
             proxy_cache_path ${{PREFIX}}/cache keys_zone=cache:1m;"
        ),
        server: LOCATIONS.into(),
        workers,
        ..Conf::default()
    }
}

pub(super) struct Traffic {
    port: u16,
    pub(super) ledger: Arc<Ledger>,
    pub(super) control: Arc<Control>,
    members: usize,
    publishers: Vec<JoinHandle<Outcome<()>>>,
    swarms: Vec<JoinHandle<Outcome<Swarm>>>,
    pub(super) pulse: Pulse,
}

impl Traffic {
    /// Members first, so that they see everything from the beginning.
    pub(super) fn start(port: u16, members: usize, plan: &Plan) -> Outcome<Traffic> {
        let ledger = Arc::new(Ledger::new());
        let sizes: Vec<usize> =
            (0..members).step_by(SWARM).map(|first| SWARM.min(members - first)).collect();
        let settled = sizes.iter().map(|_| AtomicUsize::new(0)).collect();
        let control = Arc::new(Control { settled, ..Control::default() });
        let mut swarms = Vec::new();
        for (index, size) in sizes.into_iter().enumerate() {
            let swarm = Swarm::new(port, Arc::clone(&ledger), size, plan.seed_of(index))?;
            let control = Arc::clone(&control);
            swarms.push(spawn(move || swarm.run(&control, index)));
        }
        let pulse = Pulse::start(port);
        let mut traffic =
            Traffic { port, ledger, control, members, publishers: Vec::new(), swarms, pulse };
        traffic.wait_settled()?;
        // As many deliveries each second, however many members there are.
        let pace = Duration::from_micros(20 * members as u64);
        for index in 0..PUBLISHERS {
            let (ledger, seed) = (Arc::clone(&traffic.ledger), plan.seed_of(100 + index));
            let run = move || ledger.serve(port, seed, index, PUBLISHERS, pace);
            traffic.publishers.push(spawn(run));
        }
        traffic.control.churn.store(true, Relaxed);
        Ok(traffic)
    }

    /// An error as soon as one of the threads has one.
    pub(super) fn check(&mut self) -> Outcome<()> {
        let publisher = self.publishers.iter().position(JoinHandle::is_finished);
        if let Some(index) = publisher {
            return self
                .publishers
                .swap_remove(index)
                .join()
                .map_err(|_| "a publisher panicked")?;
        }
        if let Some(index) = self.swarms.iter().position(JoinHandle::is_finished) {
            let ended = self.swarms.swap_remove(index).join().map_err(|_| "a swarm panicked")?;
            return ended.and(Err("a swarm ended by itself".into()));
        }
        Ok(())
    }

    /// Until every member has its connection.
    fn wait_settled(&mut self) -> Outcome<()> {
        let limit = soon(60);
        loop {
            self.check()?;
            let settled: usize = self.control.settled.iter().map(|one| one.load(Relaxed)).sum();
            if settled == self.members {
                return Ok(());
            }
            if Instant::now() > limit {
                return Err(format!(
                    "only {settled} of {} members have their answer",
                    self.members
                ));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends the publishing; everybody must get everything that was acknowledged.
    pub(super) fn settle(mut self) -> Outcome<Settled> {
        self.control.churn.store(false, Relaxed);
        self.ledger.stop.store(true, Relaxed);
        for publisher in std::mem::take(&mut self.publishers) {
            publisher.join().map_err(|_| "a publisher panicked")??;
        }
        self.pulse.stop()?;
        // Those who are connected now get the last messages live; what went before shows in their order.
        let limit = soon(60);
        while self.control.settled.iter().map(|one| one.load(Relaxed)).sum::<usize>() < self.members
        {
            if let Some(index) = self.swarms.iter().position(JoinHandle::is_finished) {
                let ended =
                    self.swarms.swap_remove(index).join().map_err(|_| "a swarm panicked")?;
                return ended.and(Err("a swarm ended by itself".into()));
            }
            if Instant::now() > limit {
                return Err("members do not get back in".into());
            }
            sleep(Duration::from_millis(20));
        }
        self.ledger.publish_last(self.port)?;
        self.control.finish.store(true, Relaxed);
        let swarms =
            self.swarms.into_iter().map(|thread| thread.join().map_err(|_| "a swarm panicked")?);
        Ok(Settled { ledger: self.ledger, swarms: swarms.collect::<Outcome<_>>()? })
    }
}
