//! How long a search may go on. The solver has no clock: whoever calls it answers.

use crate::answer::Cost;

/// Asked "how much of it is used?" every few thousand units of work, and told of every better order.
pub trait Budget {
    /// The share of the budget that is used, after so many units of work (about a microsecond each): from 0, and at 1 or
    /// above the search ends with the best it has. What depends on `work` alone makes the answer the same on every machine.
    fn spent(&mut self, work: u64) -> f64;

    /// A better order was found. The order is that of the places in the matrix.
    fn better(&mut self, _cost: &Cost, _order: &[usize]) {}
}

/// So many units of work: the same answer on every machine.
#[derive(Debug, Clone, Copy)]
pub struct Work(pub u64);

impl Budget for Work {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more than 52 bits"
    )]
    fn spent(&mut self, work: u64) -> f64 {
        work as f64 / self.0.max(1) as f64
    }
}

/// The budget as the search sees it: it counts the work, and asks no more once the answer was "enough".
pub(crate) struct Meter<'a> {
    budget: &'a mut dyn Budget,
    work: u64,
    share: f64,
    /// A part of the search that has an amount of work of its own: where it began, and the amount.
    part: Option<(u64, u64)>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a mut dyn Budget) -> Self {
        let share = budget.spent(0);
        Self {
            budget,
            work: 0,
            share,
            part: None,
        }
    }

    /// Counts work; whether to go on.
    pub(crate) fn go_on(&mut self, work: u64) -> bool {
        self.work += work;
        if self.share < 1.0 {
            self.share = self.budget.spent(self.work);
        }
        self.share < 1.0 && self.share() < 1.0
    }

    /// From here on the search sees only so much work, until [`Self::whole`].
    pub(crate) const fn part(&mut self, amount: u64) {
        self.part = Some((self.work, amount));
    }

    pub(crate) const fn whole(&mut self) {
        self.part = None;
    }

    /// The share that is used, of the part when there is one.
    pub(crate) fn share(&self) -> f64 {
        match self.part {
            Some((from, amount)) => Work(amount).spent(self.work - from),
            None => self.share,
        }
    }

    pub(crate) fn better(&mut self, cost: &Cost, order: &[usize]) {
        self.budget.better(cost, order);
    }
}
