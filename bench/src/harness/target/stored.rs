//! What brokers say they have stored.

use cluster::wire::{Connection, Request};
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::route::{MASTER_ID, TopicRoute};

use crate::Failure;
use crate::workload::TOPIC;

/// Asks the master of every broker for the ends of the topic's queues.
#[derive(Debug)]
pub(in crate::harness) struct Stored {
    /// With the number of queues there.
    masters: Vec<(Connection, i32)>,
}

impl Stored {
    /// The topic must have a route.
    pub(super) fn new(name_server: &str) -> Result<Stored, Failure> {
        let request = Request::new(request::GET_ROUTEINFO_BY_TOPIC)
            .field("topic", TOPIC)
            .field("acceptStandardJsonOnly", true);
        let answer = Connection::open(name_server)?.call(&request)?;
        let route = TopicRoute::parse(&answer.body)?;
        let mut masters = Vec::new();
        for queues in &route.queue_datas {
            let broker = route.broker_datas.iter().find(|data| data.broker_name == queues.broker_name);
            let address = broker.and_then(|data| data.broker_addrs.get(&MASTER_ID));
            let address = address.ok_or_else(|| format!("no master of {}", queues.broker_name))?;
            masters.push((Connection::open(address)?, queues.write_queue_nums));
        }
        Ok(Stored { masters })
    }

    /// The sum of all queues' ends.
    pub(super) fn messages(&mut self) -> Result<u64, Failure> {
        let mut sum = 0;
        for (master, queues) in &mut self.masters {
            for queue in 0..*queues {
                let request =
                    Request::new(request::GET_MAX_OFFSET).field("topic", TOPIC).field("queueId", queue);
                let answer = master.call(&request)?;
                if answer.code != response::SUCCESS {
                    return Err(format!("the end of queue {queue}: code {}", answer.code).into());
                }
                let offset = answer.fields.get("offset").ok_or("an answer without an offset")?;
                sum += offset.parse::<u64>()?;
            }
        }
        Ok(sum)
    }
}
