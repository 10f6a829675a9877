//! From graph to plan: differentiation, simplification, buffers, printers.
