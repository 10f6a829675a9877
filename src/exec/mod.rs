//! A training step on candle, by either engine.
