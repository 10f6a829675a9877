//! Functions of features and labels: k-NN, linear probe, collapse measures.
