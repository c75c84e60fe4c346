use super::*;

fn resolved(host: &str) -> io::Result<Vec<SocketAddr>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(Arc::<Resolver>::default().resolve(host, 9))
}

#[test]
fn addresses_need_no_look_up() {
    for (host, shown) in [
        ("127.0.0.1", "127.0.0.1:9"),
        ("::1", "[::1]:9"),
        ("[2001:db8::7]", "[2001:db8::7]:9"),
        ("[fe80::1%lo]", "[fe80::1%1]:9"),
        ("fe80::1%7", "[fe80::1%7]:9"),
    ] {
        let address = literal(host).expect(host).expect(host);
        assert_eq!(address.port(), 0);
        let all = resolved(host).expect(host);
        assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), [shown]);
    }
    let error = resolved("fe80::1%nothing0").unwrap_err();
    assert!(error.to_string().contains("nothing0"), "{error}");
    for name in ["localhost", "a.example", "1.2.3", "[1.2.3", "a%lo"] {
        assert!(literal(name).expect(name).is_none(), "{name}");
    }
}

#[test]
fn a_name_that_is_none_is_an_error() {
    for name in ["", &"n".repeat(256), "a\0b"] {
        assert_eq!(resolved(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
    }
}

/// Makes it look as if threads were at these names since then.
fn under_way(resolver: &Resolver, names: &[String], begun: Moment) -> Vec<oneshot::Receiver<Found>> {
    let mut table = resolver.0.lock();
    let begin = |name: &String| {
        let (sender, receiver) = oneshot::channel();
        let asked = Asked { waiting: vec![sender], is_slow: false, begun: Some(begun) };
        table.asked.insert(name.as_str().into(), asked);
        table.quick.threads += 1;
        receiver
    };
    names.iter().map(begin).collect()
}

fn threads(resolver: &Resolver) -> (usize, usize) {
    let table = resolver.0.lock();
    (table.quick.threads, table.slow.threads)
}

#[test]
fn those_who_ask_for_one_name_share_its_look_up() {
    let resolver = Arc::new(Resolver::default());
    let mut found = under_way(&resolver, &["slow".to_owned()], Moment::now()).remove(0);
    let waiting = || resolver.0.lock().asked["slow"].waiting.len();
    let mut second = resolver.ask("slow");
    drop(resolver.ask("slow"));
    assert_eq!(waiting(), 3);
    let third = resolver.ask("slow");
    assert_eq!(waiting(), 3, "whoever left is forgotten");
    drop(third);
    assert_eq!(threads(&resolver), (1, 0));
    resolver.told("slow", Err(io::ErrorKind::PermissionDenied.into()));
    for waiting in [&mut found, &mut second] {
        let error = waiting.try_recv().expect("told").unwrap_err();
        assert_eq!(error.0.kind(), io::ErrorKind::PermissionDenied);
    }
    assert_eq!(threads(&resolver), (0, 0));
    assert!(resolver.0.lock().asked.is_empty());
}

#[test]
fn more_names_than_threads_wait_in_turn_and_those_nobody_wants_are_left_out() {
    let resolver = Arc::new(Resolver::default());
    let names: Vec<_> = (0..MOST_THREADS).map(|number| format!("{number}.example")).collect();
    let _others = under_way(&resolver, &names, Moment::now());
    let kept = resolver.ask("first");
    drop(resolver.ask("unwanted"));
    let later = resolver.ask("second");
    let next = |sick: &str| {
        resolver.told(sick, Ok(Vec::new()));
        resolver.0.lock().take_next()
    };
    assert_eq!(next(&names[0]), [Arc::from("first")]);
    assert_eq!(next(&names[1]), [Arc::from("second")]);
    assert_eq!(threads(&resolver), (MOST_THREADS, 0), "they have the threads of the sick ones");
    assert!(resolver.0.lock().quick.queued.is_empty());
    drop((kept, later));
}

#[test]
fn names_that_hang_hold_up_no_others() {
    let resolver = Arc::new(Resolver::default());
    let names: Vec<_> = (0..MOST_THREADS).map(|number| format!("{number}.example")).collect();
    let _hanging = under_way(&resolver, &names, Moment::now().before(2 * QUICK));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let found =
        runtime.block_on(async { timeout(Duration::from_secs(30), resolver.resolve("localhost", 9)).await });
    assert!(found.expect("in time").is_ok());
    assert_eq!(threads(&resolver).1, MOST_THREADS, "those that hang have a line of their own");
    // Beyond the bound of both lines names wait.
    let more: Vec<_> = (0..MOST_THREADS).map(|number| format!("{number}.example.org")).collect();
    let _more = under_way(&resolver, &more, Moment::now().before(2 * QUICK));
    let _waiting = resolver.ask("waiting.example");
    assert!(resolver.0.lock().asked["waiting.example"].begun.is_none());
    resolver.told(&names[0], Err(io::ErrorKind::TimedOut.into()));
    assert!(
        resolver.0.lock().known_as_slow.contains(&*names[0]),
        "it does not come into the first line again"
    );
}
