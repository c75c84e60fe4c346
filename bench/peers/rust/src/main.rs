//! Sends with the Rust client of crates.io and prints the outcome as its last line.

mod modes;
mod section;
mod work;

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use rocketmq_client_rust::{ClientRuntime, ClientRuntimeConfig, DefaultMQProducer};
use rocketmq_observability::TelemetryHandle;
use rocketmq_runtime::{RuntimeConfig, RuntimeOwner};

use modes::Peer;
use work::Work;

const TIMEOUT_MS: u32 = 30_000;

fn main() -> Result<(), Box<dyn Error>> {
    let work = Work::from_words(std::env::args().skip(1))?;
    // Our tasks run on the client's own executor: none of its wake-ups has to reach another one.
    let runtime = RuntimeOwner::plan(RuntimeConfig::default())?.build()?;
    let outcome = runtime.block_on(async {
        let client = ClientRuntime::try_new(
            runtime.root_context().component("client"),
            ClientRuntimeConfig::default(),
            TelemetryHandle::noop(),
        )?;
        let mut producer = DefaultMQProducer::builder(client)
            .producer_group("rmq-bench")
            .name_server_addr(work.name_server.as_str())
            .send_msg_timeout(TIMEOUT_MS)
            .compress_msg_body_over_howmuch(i32::MAX as u32)
            .build();
        producer.start().await?;
        let peer = Arc::new(Peer { producer, body: vec![b'x'; work.body], work: work.clone() });
        Peer::run(&peer, work.warm_up).await?;
        Peer::run(&peer, work.count).await
    })?;
    println!("{outcome}");
    std::io::stdout().flush()?;
    // The client's end would only take time.
    std::process::exit(0)
}
