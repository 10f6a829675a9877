//! From syntax tree to checked recipe.
