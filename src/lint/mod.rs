//! Judgements on the graph: gradient flow, collapse, numeric traps.
