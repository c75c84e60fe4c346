//! Compiles the C programs of `tests/c` and `examples/c` against the header and the library as a user would, and
//! runs them. Each says what failed and ends with a status.

mod support;

use std::path::PathBuf;

use support::{compiler, files, link_shared, link_static, root, run, run_program, work_dir};

fn compile(source: &str, how: &str, link: fn(&mut std::process::Command)) -> PathBuf {
    let source = root().join(source);
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    let program = work_dir("c").join(format!("{name}_{how}"));
    let mut compiler = compiler("c");
    compiler.args(["-std=gnu11", "-O1", "-g", "-pthread", "-o"]).arg(&program).arg(&source);
    link(&mut compiler);
    run(&mut compiler);
    program
}

/// One test per program, so that each is counted and named.
macro_rules! programs {
    ($($name:ident)*) => {
        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let source = format!("tests/c/{}.c", stringify!($name));
                run_program(&compile(&source, "shared", link_shared), &[]);
            }
        )*
    };
}

programs! {
    access
    auto_batch
    bad_text
    batch
    blocking_callback
    cancel
    close_silent_broker
    compressed_body
    delivery_time
    destination
    destroy_while_waiting
    doors
    error_fields
    error_history
    events
    exit_in_flight
    fork_in_flight
    fork_renew
    from_a_callback
    hooks
    impossible_counts
    java_ids
    log_callback
    names_of_name_servers
    null_arguments
    out_of_memory
    peer_text
    queue_end
    refused_threads
    selector
    self_connection
    send_many
    sick_names
    signals
    statistics
    struct_size
    topic_queues
    two_clusters
    use_after_close
    wall_clock
    writable
}

#[test]
fn every_program_has_a_test() {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let sources: Vec<String> = files("tests/c", "c").iter().map(stem).collect();
    assert_eq!(sources, PROGRAMS);
}

#[test]
fn the_static_library_serves_as_well() {
    for name in ["doors", "fork_in_flight", "exit_in_flight"] {
        run_program(&compile(&format!("tests/c/{name}.c"), "static", link_static), &[]);
    }
}

#[test]
fn the_example_sync_send_sends_to_a_mock_cluster() {
    let program = compile("examples/c/sync_send.c", "shared", link_shared);
    let output =
        run(std::process::Command::new("timeout").args(["60"]).arg(&program).env("RMQ_MOCK_BROKERS", "2"));
    assert!(output.contains("in queue"), "{output}");
}

#[test]
fn the_example_ordered_send_keeps_an_order_in_one_queue() {
    let program = compile("examples/c/ordered_send.c", "shared", link_shared);
    let output =
        run(std::process::Command::new("timeout").args(["60"]).arg(&program).env("RMQ_MOCK_BROKERS", "2"));
    for order in ["order-1 ", "order-2 "] {
        let lines = output.lines().filter(|line| line.starts_with(order));
        let queues: Vec<_> = lines.filter_map(|line| line.split_once(": ")).map(|(_, queue)| queue).collect();
        assert_eq!(queues.len(), 3, "{output}");
        assert!(queues.iter().all(|queue| *queue == queues[0]), "{output}");
    }
    assert!(output.ends_with("reminder in 60 s\n"), "{output}");
}

#[test]
fn the_example_async_send_accounts_for_every_message() {
    let program = compile("examples/c/async_send.c", "shared", link_shared);
    let arguments = ["--mock", "3", "--topic", "example", "--count", "5000", "--size", "256"];
    let output = run_program(&program, &arguments);
    let result = output.lines().last().unwrap_or_default();
    assert!(result.starts_with("RESULT {\"accepted\":5000,\"succeeded\":5000,\"failed\":0,"), "{output}");
    let counted: u64 = result.split("\"messages\":").skip(1).filter_map(leading_number).sum();
    assert_eq!(counted, 5000, "{output}");
}

fn leading_number(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
