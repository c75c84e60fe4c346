//! Batches that a broker refuses come apart.

use rocketmq_mock::{Fault, FaultRule};
use rocketmq_producer::Persistence;

use crate::common::{PRESSURE, on_batches, on_sends, producer, with_topic};
use crate::support::{plain, send_all_held};

#[test]
fn only_the_guilty_message_of_a_refused_batch_fails() {
    // The mock refuses what it refuses of singles, as brokers do: here by what is in the properties.
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 1, remark: Some("one is bad".into()) }));
    // The four first go alone, then one refused batch of all others, then each of them alone.
    cluster.inject(FaultRule {
        topic: Some("T".into()),
        ..on_sends(None, Some(1), Fault::Code { code: 13, remark: Some("this one".into()) })
    });
    let outcomes = send_all_held(&cluster, held, &producer, 30, plain);
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let [error] = failed.as_slice() else { panic!("{} failed", failed.len()) };
    assert_eq!((error.broker_code(), error.remark()), (Some(13), Some("this one")));
    assert_eq!(error.persistence(), Persistence::NotPersisted);
    let reasons: Vec<_> = error.history().iter().map(|attempt| attempt.broker_code).collect();
    assert_eq!(reasons, [Some(1), Some(13)], "in the batch, then alone");
    assert_eq!(cluster.stored_count("T"), 29);
    assert_eq!(cluster.request_count(320), 1, "none of them was batched again");
}

#[test]
fn a_broker_that_knows_no_batches_gets_none_any_more() {
    for (code, batches) in [(3, 1..=4), (29, 3..=6)] {
        let cluster = with_topic(1, 1);
        let producer = producer(&cluster, &[PRESSURE, ("batch.max.messages", "20")]);
        cluster.inject(on_batches(None, None, Fault::Code { code, remark: None }));
        for _ in 0..4 {
            let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
            for outcome in send_all_held(&cluster, held, &producer, 200, plain) {
                outcome.expect("stored alone");
            }
        }
        let sent = cluster.request_count(320);
        assert!(batches.contains(&sent), "code {code}: {sent} batches");
        assert_eq!(cluster.stored_count("T"), 800);
    }
}
