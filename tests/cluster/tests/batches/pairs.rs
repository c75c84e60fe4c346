//! Single messages and batch members, pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use crate::allowed::Allowed;
use crate::complaints::Complaints;
use crate::topic::{Place, Source};
use crate::view::Fields;

/// A field that differs: its name, the single message's value and the member's.
pub(crate) type Difference<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Complains about differences that are not allowed, and about allowed ones that do not show.
pub(crate) fn compare(
    allowed: &[Allowed],
    topic: &str,
    singles: &BTreeMap<Place, Fields>,
    members: &BTreeMap<Place, Fields>,
    complaints: &mut Complaints,
) {
    let mut shown: BTreeSet<(Source, usize)> = BTreeSet::new();
    for (place @ (source, serial, _), single) in singles {
        // One that is missing has been complained about.
        let Some(member) = members.get(place) else { continue };
        for difference in differences(single, member) {
            let rule = allowed.iter().position(|rule| rule.allows(*source, difference));
            shown.extend(rule.map(|rule| (*source, rule)));
            if rule.is_none() {
                let (field, single, member) = difference;
                let (single, member) = (short(single), short(member));
                complaints
                    .add(format!("{topic}: {source:?}: {field}: single {single}, member {member}"), *serial);
            }
        }
    }
    let sources: BTreeSet<_> = singles.keys().map(|(source, ..)| *source).collect();
    for (index, rule) in allowed.iter().enumerate() {
        let expected = sources.iter().filter(|source| (rule.holds)(**source));
        for source in expected.filter(|source| !shown.contains(&(**source, index))) {
            complaints.add(format!("{topic}: {source:?}: allowed, but does not show: {rule}"), None);
        }
    }
}

fn differences<'a>(single: &'a Fields, member: &'a Fields) -> Vec<Difference<'a>> {
    let names: BTreeSet<_> = single.keys().chain(member.keys()).collect();
    let values = names.into_iter().map(|name| {
        (name.as_str(), single.get(name).map(String::as_str), member.get(name).map(String::as_str))
    });
    values.filter(|(_, single, member)| single != member).collect()
}

fn short(value: Option<&str>) -> String {
    value.map_or_else(
        || "absent".to_owned(),
        |text| format!("«{}»", text.chars().take(120).collect::<String>()),
    )
}
