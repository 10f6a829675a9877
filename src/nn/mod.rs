//! Layers and backbones as builders of graph.
