//! Does what the governor decides, and writes down what was left out: a row of `coverage` for each stretch, at the latest
//! every few seconds, so that a crash leaves hardly any untold.

use serde_json::{Value, json};
use wakechain_wire::{PROBE_USER_STACK, RECORD_COVERAGE};

use super::Session;
use crate::calibrate;
use crate::governor::{Costs, Governor, Order, Prices};
use crate::options::Rung;
use crate::probes::{Level, Probes};
use crate::rings::{RingSizes, Rings};
use crate::sys;

const TELL_EVERY_NS: u64 = 5_000_000_000;

/// Where the probes cannot be tried on ourselves: more than they cost on any machine that was measured.
const UNMEASURED: Prices = Prices { call_ns: 2000, entry_ns: 1200, stack_ns: 3000 };

/// What is left out of a group at the moment.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start_ns: u64,
    what: &'static str,
    /// How long the group was in, while it comes and goes.
    in_ns: u64,
    in_since_ns: Option<u64>,
}

#[derive(Default)]
pub struct Thinning {
    governor: Option<Governor>,
    prices: Option<Prices>,
    /// The counters were read the last time.
    watches: bool,
    stretches: Vec<Option<Stretch>>,
    pub highest_level: u32,
}

impl Thinning {
    /// `percent` 0: nothing is ever left out to save time.
    pub fn new(percent: f64, probes: &mut Probes<'_>, rings: &mut Rings, sizes: RingSizes) -> Self {
        if percent <= 0.0 {
            return Thinning::default();
        }
        let prices = calibrate::prices(probes, rings, sizes).unwrap_or(UNMEASURED);
        probes.set_prices(prices);
        let governor = Governor::new(percent, prices, probes.rung == Rung::Session);
        Thinning { governor: Some(governor), prices: Some(prices), ..Thinning::default() }
    }

    pub fn level(&self) -> u32 {
        self.governor.as_ref().map_or(0, Governor::level)
    }
}

impl Session<'_, '_> {
    /// Every few milliseconds.
    pub(super) fn govern(&mut self) {
        let Some(mut governor) = self.thinning.governor.take() else { return };
        let now_ns = sys::monotonic_ns();
        let busiest_ppm = self.probes.take_busiest_ppm();
        self.note_those_gone(&mut governor);
        // Reading every counter of every CPU takes time: only while something is going on.
        let watches = governor.is_near_budget(busiest_ppm) || governor.level() > 0;
        if watches {
            let of = |index| self.probes.counters(index).hits;
            let groups = &self.attacher.groups;
            let hits: Vec<u64> =
                groups.iter().map(|group| group.functions.iter().map(|one| of(one.index)).sum()).collect();
            let costs = Costs { hits: &hits, stacks: self.probes.counters(PROBE_USER_STACK).emitted };
            if self.thinning.watches {
                for (group, order) in governor.decide(now_ns, busiest_ppm, costs) {
                    self.obey(&mut governor, group, order, now_ns);
                }
            } else {
                governor.begin(now_ns, costs);
            }
        }
        self.thinning.watches = watches;
        self.thinning.highest_level = self.thinning.highest_level.max(governor.level());
        self.thinning.governor = Some(governor);
        for group in 0..self.thinning.stretches.len() {
            let long = |stretch: &Stretch| now_ns - stretch.start_ns > TELL_EVERY_NS;
            if let Some(stretch) = self.thinning.stretches[group].filter(long) {
                self.tell_stretch(group, stretch, now_ns);
                let in_since_ns = stretch.in_since_ns.map(|_| now_ns);
                self.thinning.stretches[group] = Some(Stretch { start_ns: now_ns, in_ns: 0, in_since_ns, ..stretch });
            }
        }
    }

    /// What was in progress when its probe was taken away is in doubt from now on.
    fn note_those_gone(&mut self, governor: &mut Governor) {
        for (index, group) in self.attacher.groups.iter_mut().enumerate() {
            if group.has_left() {
                group.functions.iter().for_each(|one| self.probes.order(one.index, Level::Off, group.times));
                governor.gone(index, sys::monotonic_ns());
            }
        }
    }

    fn obey(&mut self, governor: &mut Governor, index: usize, order: Order, now_ns: u64) {
        let Some(group) = self.attacher.groups.get_mut(index) else { return };
        // Told last: until a group that comes back is whole, its entries are filtered.
        let level = match order {
            Order::Level(level) => level,
            Order::TakeAway => Level::Off,
            Order::PutBack => Level::NoStacks,
        };
        let done = match order {
            Order::Level(_) => true,
            Order::TakeAway => group.take_away(),
            Order::PutBack => group.put_back(&self.probes).is_ok(),
        };
        if !done {
            governor.postpone(index, now_ns);
            return;
        }
        group.functions.iter().for_each(|one| self.probes.order(one.index, level, group.times));
        self.note_stretch(index, order, now_ns);
    }

    fn note_stretch(&mut self, group: usize, order: Order, now_ns: u64) {
        if self.thinning.stretches.len() <= group {
            self.thinning.stretches.resize(group + 1, None);
        }
        let before = self.thinning.stretches[group];
        let what = match order {
            Order::Level(Level::All) => None,
            Order::Level(Level::NoStacks) => Some("stacks"),
            Order::Level(_) => Some("returns"),
            Order::TakeAway | Order::PutBack => Some("calls"),
        };
        self.thinning.stretches[group] = match (before, what) {
            (Some(stretch), Some("calls")) if stretch.what == "calls" => {
                let in_ns = stretch.in_ns + stretch.in_since_ns.map_or(0, |since_ns| now_ns - since_ns);
                Some(Stretch { in_ns, in_since_ns: (order == Order::PutBack).then_some(now_ns), ..stretch })
            }
            (before, what) => {
                if let Some(stretch) = before {
                    self.tell_stretch(group, stretch, now_ns);
                }
                what.map(|what| Stretch { start_ns: now_ns, what, in_ns: 0, in_since_ns: None })
            }
        };
    }

    fn tell_stretch(&self, group: usize, stretch: Stretch, now_ns: u64) {
        let in_ns = stretch.in_ns + stretch.in_since_ns.map_or(0, |since_ns| now_ns.saturating_sub(since_ns));
        let kept = in_ns as f64 / (now_ns - stretch.start_ns).max(1) as f64;
        for one in self.attacher.groups.get(group).into_iter().flat_map(|group| &group.functions) {
            // Stacks and returns are missing of calls that were made; whole calls may be missing of any function.
            if stretch.what != "calls" && self.probes.counters(one.index).hits == 0 {
                continue;
            }
            self.sender.json(
                RECORD_COVERAGE,
                &json!({
                    "start_ns": stretch.start_ns, "end_ns": now_ns, "what": stretch.what, "reason": "overhead",
                    "kept": kept, "function_index": one.index,
                }),
            );
        }
    }

    /// At the end: what is still left out is told.
    pub(super) fn end_thinning(&mut self, end_ns: u64) {
        for group in 0..self.thinning.stretches.len() {
            if let Some(stretch) = self.thinning.stretches[group].take() {
                self.tell_stretch(group, stretch, end_ns);
            }
        }
    }

    /// `meta.overhead`.
    pub(super) fn overhead(&self, collector_cpu_ns: u64) -> Value {
        let mut told = json!({"collector_cpu_ns": collector_cpu_ns});
        if let Some(Prices { call_ns, entry_ns, stack_ns }) = self.thinning.prices {
            told["calibration"] = json!({"call_ns": call_ns, "entry_ns": entry_ns, "stack_ns": stack_ns});
        }
        told
    }

    /// A limit to the rate of events: told where it left some out.
    pub(super) fn tell_limited(&mut self) {
        if self.options.max_events_per_second == 0 {
            return;
        }
        let Some((start_ns, events)) = self.probes.take_limited() else { return };
        let end_ns = sys::monotonic_ns();
        let allowed = self.options.max_events_per_second as f64 * (end_ns - start_ns) as f64 / 1e9;
        // a row for each class, so that no reader takes it for one of them alone
        for what in ["calls", "off_cpu", "cpu_slice"] {
            self.sender.json(
                RECORD_COVERAGE,
                &json!({
                    "start_ns": start_ns, "end_ns": end_ns, "what": what,
                    "reason": "max_events_per_second", "kept": allowed / (allowed + events as f64),
                }),
            );
        }
    }
}
