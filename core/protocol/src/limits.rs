//! Limits, each with its reason. Whatever exceeds one is refused by name, never truncated.

use waymark_domain::op::MAX_OP_BYTES;

/// Largest body as it travels, bytes. A phone on 50 kbit/s needs three minutes for it.
pub const MAX_BODY: usize = 1024 * 1024;

/// Largest body once decompressed, bytes: 32 × [`MAX_BODY`], which honest NDJSON reaches and a bomb exceeds.
pub const MAX_EXPANDED: usize = 32 * MAX_BODY;

/// Largest line, bytes: an operation, or a record's body with its frame.
pub const MAX_LINE: usize = 2 * MAX_OP_BYTES;

/// Most operations in one request.
pub const MAX_OPS: usize = 2_000;

/// Most scopes a user may have. The list travels whole whenever it changes.
pub const MAX_SCOPES: usize = 200;

/// Operations in a device's first batch; halves when a request fails, doubles when one succeeds.
pub const BATCH_START: usize = 32;

/// Most operations that a device puts into one batch.
pub const BATCH_MAX: usize = 500;

/// Most bytes of operations that a device puts into one batch, unless the first group alone is larger.
pub const BATCH_BYTES: usize = 256 * 1024;

/// Bytes of changes that a device asks for at first.
pub const PAGE_START: u32 = 256 * 1024;

/// Smallest page that a device asks for: on the worst link one page still gets through between two cuts.
pub const PAGE_MIN: u32 = 4 * 1024;

/// Largest page that a server gives.
pub const PAGE_MAX: u32 = 4 * 1024 * 1024;

/// Most ids in one question for outcomes.
pub const MAX_OUTCOMES: usize = 1_000;

/// How long an access token lives, milliseconds.
pub const TOKEN_MS: i64 = 15 * 60 * 1000;

/// How long a challenge may wait for its answer, milliseconds.
pub const CHALLENGE_MS: i64 = 5 * 60 * 1000;

/// How long an enrolment code lives, milliseconds.
pub const CODE_MS: i64 = 7 * 24 * 60 * 60 * 1000;
