//! Room that the delivery thread makes: who waits for it is woken once for many reports, and not to find room for one.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::bounds::Bounds;
use crate::sys::Moment;

/// After so many reports those who wait are told, if the reports took their time.
const REPORTS: u32 = 4;
const PATIENCE: Duration = Duration::from_micros(100);

thread_local! {
    /// What this thread tells later; `None`: it tells at once, as every thread but a delivering one.
    static LOT: RefCell<Option<Lot>> = const { RefCell::new(None) };
}

struct Lot {
    /// Whose room it is.
    bounds: Option<Arc<Bounds>>,
    reports: u32,
    begun: Moment,
}

/// While this lives its thread tells in lots.
pub(crate) struct Lots(());

impl Lots {
    pub(crate) fn begin() -> Self {
        LOT.set(Some(Lot { bounds: None, reports: 0, begun: Moment::now() }));
        Self(())
    }

    /// A report was handled.
    pub(crate) fn handled(&self) {
        let due = LOT.with_borrow_mut(|lot| {
            let lot = lot.as_mut()?;
            lot.reports += 1;
            if !lot.reports.is_multiple_of(REPORTS) || lot.begun.elapsed() < PATIENCE {
                return None;
            }
            lot.begun = Moment::now();
            lot.bounds.take()
        });
        tell(due);
    }
}

impl Drop for Lots {
    fn drop(&mut self) {
        tell(LOT.take().and_then(|lot| lot.bounds));
    }
}

/// There is room again: tells now, or with this thread's lot.
pub(super) fn gave_room(bounds: &Arc<Bounds>) {
    let joined = LOT.try_with(|lot| {
        let mut lot = lot.borrow_mut();
        let lot = lot.as_mut()?;
        match &lot.bounds {
            Some(known) if Arc::ptr_eq(known, bounds) => Some(None),
            _ => Some(lot.bounds.replace(Arc::clone(bounds))),
        }
    });
    match joined {
        Ok(Some(of_another)) => tell(of_another),
        // A thread that ends has no lot any more.
        Ok(None) | Err(_) => bounds.tell_of_room(),
    }
}

/// Outside the lot: the listener may do as it likes.
fn tell(bounds: Option<Arc<Bounds>>) {
    if let Some(bounds) = bounds {
        bounds.tell_of_room();
    }
}
