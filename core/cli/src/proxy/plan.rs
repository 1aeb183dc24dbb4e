//! What goes wrong next.

use std::collections::VecDeque;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The request is read and thrown away. The server never hears of it.
    DropBefore,
    /// The server gets this share of the request, in thousandths of its bytes, then both sides are cut.
    CutRequestAfter(u16),
    /// The server does the work; the client gets this share of the answer, in thousandths of its bytes, then both sides are cut. 0 loses
    /// the answer.
    CutResponseAfter(u16),
    /// The server gets the request twice; the client gets the second answer.
    DuplicateRequest,
}

/// How faults are chosen.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Connections are refused: no network.
    Refuse,
    /// Nothing goes wrong.
    PassThrough,
    /// The same happens every time.
    Always(Fault),
    /// These, one after the other, then nothing any more.
    Sequence(VecDeque<Fault>),
    /// By chance, from a seed: the same seed gives the same faults in the same order.
    Random(Chance),
}

/// A random plan.
#[derive(Debug, Clone)]
pub struct Chance {
    state: u64,
    percent: u8,
    /// Kinds of faults that are still to come before any comes again.
    deck: Vec<u8>,
}

impl Plan {
    /// A plan by which `percent` of all requests meet a fault. Every kind comes once before any comes again, in an order by chance.
    #[must_use]
    pub const fn random(seed: u64, percent: u8) -> Self {
        Self::Random(Chance {
            state: seed,
            percent,
            deck: Vec::new(),
        })
    }

    /// What happens to the next request.
    pub(super) fn next(&mut self) -> Fault {
        match self {
            // nothing listens then; a connection that came in before the door was shut is lost
            Self::Refuse => Fault::DropBefore,
            Self::PassThrough => Fault::None,
            Self::Always(fault) => *fault,
            Self::Sequence(faults) => faults.pop_front().unwrap_or(Fault::None),
            Self::Random(chance) => chance.next(),
        }
    }
}

impl Chance {
    fn next(&mut self) -> Fault {
        if self.below(100) >= u64::from(self.percent) {
            return Fault::None;
        }
        let share = u16::try_from(1 + self.below(998)).unwrap_or(1);
        if self.deck.is_empty() {
            self.deck = (0..5).collect();
        }
        let card = self.below(self.deck.len() as u64);
        match self.deck.remove(usize::try_from(card).unwrap_or(0)) {
            0 => Fault::DropBefore,
            1 => Fault::CutRequestAfter(share),
            2 => Fault::CutResponseAfter(0),
            3 => Fault::CutResponseAfter(share),
            _ => Fault::DuplicateRequest,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): eight lines, and any seed will do
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
