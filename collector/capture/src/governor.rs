//! Keeps what the probes cost a thread within a budget: the share of its time that the busiest thread spends on them is
//! measured every few milliseconds, and while it is too much, the group of functions that costs most records less: no
//! stacks, then no returns, then nothing but for short moments (a duty cycle). When a thread calms down it all comes back.
//!
//! This file decides, and nothing else: numbers in, orders out.

use crate::probes::Level;

/// How long a group that is put back for a moment is to stay: long enough for three of the probes' windows.
const ON_NS: u64 = 15_000_000;
/// A group is looked at again at the latest after this.
const LONGEST_OFF_NS: u64 = 10_000_000_000;
/// A step is given so long to show what it did.
const SETTLE_NS: u64 = 15_000_000;
/// It must have been calm for so long before something comes back; twice as long after each time that it was too early.
const CALM_NS: u64 = 1_000_000_000;
const LONGEST_CALM_NS: u64 = 16_000_000_000;
/// What is aimed at, as a share of the budget: what is measured is a little old.
const AIM: f64 = 0.8;

/// What one call costs the thread that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    pub call_ns: u32,
    /// Without the return.
    pub entry_ns: u32,
    /// In addition.
    pub stack_ns: u32,
}

/// What was counted since the capture began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs<'a> {
    /// Calls of each group.
    pub hits: &'a [u64],
    /// Stacks of calls, of all groups.
    pub stacks: u64,
}

/// What is to be done to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Record so much.
    Level(Level),
    TakeAway,
    /// Recording everything but stacks.
    PutBack,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// It stays in, and records so much.
    In(Level),
    /// For a moment; the most that was measured in it.
    On {
        since_ns: u64,
        peak_ppm: u64,
    },
    /// Being taken away, which takes the kernel a while, and costs meanwhile.
    Leaving {
        since_ns: u64,
        peak_ppm: u64,
    },
    Out {
        until_ns: u64,
    },
}

#[derive(Clone, Debug)]
struct Group {
    mode: Mode,
    since_ns: u64,
    hits: u64,
    /// Of late, in nanoseconds of call time.
    cost: f64,
    calm_ns: u64,
    calm_since_ns: u64,
}

pub struct Governor {
    budget_ppm: u64,
    prices: Prices,
    /// Whether a probe without its return is cheaper here: only sessions can leave the return out.
    entries_help: bool,
    groups: Vec<Group>,
    stacks: u64,
}

impl Governor {
    /// `percent` of a thread's time.
    pub fn new(percent: f64, prices: Prices, entries_help: bool) -> Self {
        Governor { budget_ppm: (percent * 10_000.0) as u64, prices, entries_help, groups: Vec::new(), stacks: 0 }
    }

    /// The highest step that any group is on: 0 = everything is recorded.
    pub fn level(&self) -> u32 {
        let of = |group: &Group| match group.mode {
            Mode::In(level) => level as u32,
            Mode::On { .. } | Mode::Leaving { .. } | Mode::Out { .. } => 3,
        };
        self.groups.iter().map(of).max().unwrap_or(0)
    }

    /// The group could not be taken away or put back: as if it were out, until it is tried again a moment later.
    pub fn postpone(&mut self, group: usize, now_ns: u64) {
        if let Some(group) = self.groups.get_mut(group) {
            group.mode = Mode::Out { until_ns: now_ns + SETTLE_NS };
        }
    }

    /// The group that was to be taken away is gone: what it cost until now is what it is to make up for.
    pub fn gone(&mut self, group: usize, now_ns: u64) {
        let aim_ppm = self.aim_ppm() / self.groups.iter().filter(|group| group.is_cycling()).count().max(1) as f64;
        let Some(group) = self.groups.get_mut(group) else { return };
        if let Mode::Leaving { since_ns, peak_ppm } = group.mode {
            group.mode = Mode::Out { until_ns: now_ns + off_time(now_ns - since_ns, peak_ppm, aim_ppm) };
        }
    }

    /// Whether the counters are worth reading.
    pub fn is_near_budget(&self, busiest_ppm: u64) -> bool {
        busiest_ppm * 2 > self.budget_ppm
    }

    /// Starts to count from here: what was counted before is no sign of what costs so much now.
    pub fn begin(&mut self, now_ns: u64, costs: Costs<'_>) {
        self.note(now_ns, costs);
        self.groups.iter_mut().for_each(|group| group.cost = 0.0);
    }

    /// To be called every few milliseconds, from `begin` on. `busiest_ppm`: what the busiest thread spent since the last time, in millionths
    /// of its time.
    pub fn decide(&mut self, now_ns: u64, busiest_ppm: u64, costs: Costs<'_>) -> Vec<(usize, Order)> {
        let stack_share = self.note(now_ns, costs);
        let mut orders = Vec::new();
        for index in 0..self.groups.len() {
            if let Some(order) = self.cycle(index, now_ns, busiest_ppm) {
                orders.push((index, order));
            }
        }
        if busiest_ppm > self.budget_ppm {
            orders.extend(self.thin(now_ns, busiest_ppm, stack_share));
        } else {
            orders.extend(self.bring_back(now_ns, busiest_ppm));
        }
        orders
    }

    /// Takes the counts; the share of the cost that stacks had.
    fn note(&mut self, now_ns: u64, costs: Costs<'_>) -> f64 {
        for (index, hits) in costs.hits.iter().enumerate() {
            let price = f64::from(match self.groups.get(index).map(|group| group.mode) {
                Some(Mode::In(Level::Entries)) => self.prices.entry_ns,
                _ => self.prices.call_ns,
            });
            if let Some(group) = self.groups.get_mut(index) {
                // the last few looks weigh most
                group.cost = group.cost * 0.5 + hits.saturating_sub(group.hits) as f64 * price;
                group.hits = *hits;
            } else {
                self.groups.push(Group {
                    mode: Mode::In(Level::All),
                    since_ns: now_ns,
                    hits: *hits,
                    cost: *hits as f64 * price,
                    calm_ns: CALM_NS,
                    calm_since_ns: now_ns,
                });
            }
        }
        let stacks = costs.stacks.saturating_sub(self.stacks) as f64 * f64::from(self.prices.stack_ns);
        self.stacks = costs.stacks;
        let calls: f64 = self.groups.iter().map(|group| group.cost).sum();
        if stacks > 0.0 { stacks / (stacks + calls) } else { 0.0 }
    }

    /// A group that is on for moments: the next phase, when it is time.
    fn cycle(&mut self, index: usize, now_ns: u64, busiest_ppm: u64) -> Option<Order> {
        let aim_ppm = self.aim_ppm();
        let group = self.groups.get_mut(index)?;
        match group.mode {
            Mode::On { since_ns, peak_ppm } => {
                let peak_ppm = peak_ppm.max(busiest_ppm);
                group.mode = Mode::On { since_ns, peak_ppm };
                if now_ns < since_ns + ON_NS {
                    return None;
                }
                if peak_ppm as f64 <= aim_ppm {
                    group.enter(Mode::In(Level::NoStacks), now_ns);
                    return Some(Order::Level(Level::NoStacks));
                }
                group.mode = Mode::Leaving { since_ns, peak_ppm };
                Some(Order::TakeAway)
            }
            Mode::Out { until_ns } if now_ns >= until_ns => {
                group.mode = Mode::On { since_ns: now_ns, peak_ppm: 0 };
                Some(Order::PutBack)
            }
            _ => None,
        }
    }

    /// Too much: the group that costs most goes one step further, or as many as it takes.
    fn thin(&mut self, now_ns: u64, busiest_ppm: u64, stack_share: f64) -> Option<(usize, Order)> {
        let total: f64 = self.groups.iter().map(|group| group.cost).sum();
        // What comes for moments is made up for afterwards: the others are not to suffer for it.
        let lasting: f64 = self.groups.iter().filter(|group| !group.is_cycling()).map(|group| group.cost).sum();
        if busiest_ppm as f64 * lasting <= self.budget_ppm as f64 * total {
            return None;
        }
        let aim_ppm = self.aim_ppm();
        let entry_share = f64::from(self.prices.entry_ns) / f64::from(self.prices.call_ns.max(1));
        let entries_help = self.entries_help;
        let (index, group) = self
            .groups
            .iter_mut()
            .enumerate()
            .filter(|(_, group)| matches!(group.mode, Mode::In(_)) && group.cost > 0.0)
            .max_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost))?;
        if now_ns < group.since_ns + SETTLE_NS && group.mode != Mode::In(Level::All) {
            return None;
        }
        let Mode::In(level) = group.mode else { return None };
        // what this group costs the busiest thread, and what it may
        let its_ppm = busiest_ppm as f64 * (group.cost / total.max(1.0));
        let others_ppm = busiest_ppm as f64 - its_ppm;
        let allowed_ppm = (aim_ppm - others_ppm).max(aim_ppm * 0.1);
        if now_ns < group.calm_since_ns + group.calm_ns * 4 && level == Level::All && group.calm_since_ns != 0 {
            // it had come back, and too early
            group.calm_ns = (group.calm_ns * 2).min(LONGEST_CALM_NS);
        }
        let enough = |share: f64| its_ppm * share <= allowed_ppm;
        let next = match level {
            Level::All if enough(1.0 - stack_share) => Some(Level::NoStacks),
            Level::All | Level::NoStacks if entries_help && enough((1.0 - stack_share) * entry_share) => {
                Some(Level::Entries)
            }
            _ => None,
        };
        match next {
            Some(level) => {
                group.enter(Mode::In(level), now_ns);
                Some((index, Order::Level(level)))
            }
            None => {
                group.enter(Mode::Leaving { since_ns: now_ns, peak_ppm: its_ppm as u64 }, now_ns);
                Some((index, Order::TakeAway))
            }
        }
    }

    /// Calm for a while: one step back, where that is not too much again.
    fn bring_back(&mut self, now_ns: u64, busiest_ppm: u64) -> Vec<(usize, Order)> {
        let aim_ppm = self.aim_ppm();
        let entry_share = f64::from(self.prices.entry_ns) / f64::from(self.prices.call_ns.max(1));
        let mut orders = Vec::new();
        for (index, group) in self.groups.iter_mut().enumerate() {
            let Mode::In(level) = group.mode else { continue };
            let (back, would_be) = match level {
                Level::Entries => (Level::NoStacks, busiest_ppm as f64 / entry_share),
                Level::NoStacks => (Level::All, busiest_ppm as f64),
                Level::All | Level::Off => continue,
            };
            if would_be > aim_ppm {
                group.calm_since_ns = now_ns;
            } else if now_ns >= group.calm_since_ns.max(group.since_ns) + group.calm_ns {
                group.enter(Mode::In(back), now_ns);
                orders.push((index, Order::Level(back)));
            }
        }
        orders
    }

    fn aim_ppm(&self) -> f64 {
        self.budget_ppm as f64 * AIM
    }
}

impl Group {
    fn is_cycling(&self) -> bool {
        !matches!(self.mode, Mode::In(_))
    }

    fn enter(&mut self, mode: Mode, now_ns: u64) {
        self.mode = mode;
        self.since_ns = now_ns;
        self.calm_since_ns = now_ns;
    }
}

/// How long it must be off, when being on costs `on_ppm` and the average may be `aim_ppm`.
fn off_time(on_ns: u64, on_ppm: u64, aim_ppm: f64) -> u64 {
    let off = on_ns as f64 * (on_ppm as f64 / aim_ppm.max(1.0) - 1.0);
    (off as u64).clamp(on_ns, LONGEST_OFF_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: Prices = Prices { call_ns: 1000, entry_ns: 600, stack_ns: 1000 };
    const TICK_NS: u64 = 10_000_000;

    /// A thread that calls one group at `rate` a second when nothing holds it up, and the governor's hand on it.
    struct World {
        governor: Governor,
        now_ns: u64,
        hits: u64,
        stacks: u64,
        level: Option<Level>,
        /// Probes that are being taken away still cost, for two looks.
        leaving: u32,
        /// What the thread lost to probes.
        lost_ns: f64,
        orders: Vec<Order>,
    }

    impl World {
        fn new(percent: f64) -> Self {
            World {
                governor: Governor::new(percent, PRICES, true),
                now_ns: 1,
                hits: 0,
                stacks: 0,
                level: Some(Level::All),
                leaving: 0,
                lost_ns: 0.0,
                orders: Vec::new(),
            }
        }

        fn run(&mut self, rate: f64, stacks_per_call: f64, seconds: f64) {
            for _ in 0..(seconds * 1e9 / TICK_NS as f64) as u64 {
                let price = match self.level {
                    Some(Level::All) => 1000.0 + 1000.0 * stacks_per_call,
                    Some(Level::NoStacks) => 1000.0,
                    Some(Level::Entries) => 600.0,
                    None if self.leaving > 0 => 500.0,
                    _ => 0.0,
                };
                let alone_ns = 1e9 / rate;
                let share = price / (alone_ns + price);
                let calls = TICK_NS as f64 / (alone_ns + price);
                if self.level.is_some() {
                    self.hits += calls as u64;
                }
                if self.level == Some(Level::All) {
                    self.stacks += (calls * stacks_per_call) as u64;
                }
                self.lost_ns += share * TICK_NS as f64;
                self.now_ns += TICK_NS;
                let hits = [self.hits];
                let costs = Costs { hits: &hits, stacks: self.stacks };
                if self.leaving > 0 {
                    self.leaving -= 1;
                    if self.leaving == 0 {
                        self.governor.gone(0, self.now_ns);
                    }
                }
                // what is on its way out is not measured
                let measured = if self.level.is_some() { (share * 1e6) as u64 } else { 0 };
                for (_, order) in self.governor.decide(self.now_ns, measured, costs) {
                    self.level = match order {
                        Order::Level(level) => Some(level),
                        Order::TakeAway => {
                            self.leaving = 3;
                            None
                        }
                        Order::PutBack => Some(Level::NoStacks),
                    };
                    self.orders.push(order);
                }
            }
        }
    }

    #[test]
    fn what_costs_little_is_left_alone() {
        let mut world = World::new(2.0);
        world.run(10_000.0, 0.1, 10.0);
        assert_eq!(world.orders, []);
        assert_eq!(world.governor.level(), 0);
    }

    #[test]
    fn stacks_go_first_where_that_is_enough_and_come_back() {
        let mut world = World::new(2.0);
        world.run(12_000.0, 1.0, 3.0);
        assert_eq!(world.orders[0], Order::Level(Level::NoStacks));
        assert!(world.level == Some(Level::NoStacks) || world.orders.len() > 1);
        assert!(!world.orders.contains(&Order::TakeAway));
        world.run(100.0, 1.0, 20.0);
        assert_eq!(world.level, Some(Level::All));
    }

    #[test]
    fn then_returns_go() {
        let mut world = World::new(2.0);
        world.run(25_000.0, 0.0, 1.0);
        assert_eq!(world.orders, [Order::Level(Level::Entries)]);
    }

    #[test]
    fn a_million_calls_a_second_cost_less_than_the_budget_and_are_still_seen() {
        for percent in [0.5, 2.0, 10.0] {
            let mut world = World::new(percent);
            world.run(1e6, 0.0, 10.0);
            let lost = world.lost_ns / 1e10 * 100.0;
            assert!(lost < percent * 1.1 + 0.3, "{lost} % of {percent} %");
            let moments = world.orders.iter().filter(|order| **order == Order::PutBack).count();
            assert!(moments as f64 >= (percent * 2.0).max(1.0).floor(), "{moments} moments at {percent} %");
            assert_eq!(world.governor.level(), 3);
            world.run(10.0, 0.0, 60.0);
            assert_eq!((world.level, world.governor.level()), (Some(Level::All), 0), "{percent}");
        }
    }

    #[test]
    fn the_group_that_costs_most_goes() {
        let mut governor = Governor::new(2.0, PRICES, true);
        governor.begin(1, Costs { hits: &[1_000_000, 0, 0], stacks: 0 });
        let orders = governor.decide(2 * TICK_NS, 500_000, Costs { hits: &[1_000_010, 5000, 200], stacks: 0 });
        assert_eq!(orders, [(1, Order::TakeAway)]);
    }

    #[test]
    fn a_group_that_comes_for_a_moment_costs_the_others_nothing() {
        let mut governor = Governor::new(2.0, PRICES, true);
        governor.decide(1, 0, Costs { hits: &[0, 0], stacks: 0 });
        let taken = governor.decide(2 * TICK_NS, 500_000, Costs { hits: &[5000, 10], stacks: 0 });
        assert_eq!(taken, [(0, Order::TakeAway)]);
        governor.gone(0, 5 * TICK_NS);
        let mut now_ns = 5 * TICK_NS;
        let mut hits = [5000, 10];
        for _ in 0..1000 {
            now_ns += TICK_NS;
            let is_on = matches!(governor.groups[0].mode, Mode::On { .. });
            hits = [hits[0] + if is_on { 5000 } else { 0 }, hits[1] + 10];
            let busiest_ppm = if is_on { 500_000 } else { 1000 };
            for (group, order) in governor.decide(now_ns, busiest_ppm, Costs { hits: &hits, stacks: 0 }) {
                assert_eq!(group, 0, "{order:?}");
                if order == Order::TakeAway {
                    governor.gone(0, now_ns);
                }
            }
        }
        assert!(hits[0] > 20_000, "it came back a few times: {hits:?}");
    }

    #[test]
    fn without_sessions_returns_cannot_be_left_out() {
        let mut governor = Governor::new(2.0, PRICES, false);
        governor.decide(1, 0, Costs { hits: &[0], stacks: 0 });
        let orders = governor.decide(2 * TICK_NS, 25_000, Costs { hits: &[250], stacks: 0 });
        assert_eq!(orders, [(0, Order::TakeAway)]);
    }
}
