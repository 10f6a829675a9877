//! Text as numbers: its bytes, or the tokens of a `tokenizer.json`.

use std::path::Path;
use std::sync::Arc;

use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

use super::{ColumnKind, DataError};
use crate::catalog::{Param, ParamType};
use crate::source::read_file;

/// Bytes that a text may have, and nothing.
const BYTES: usize = 256;

/// The argument `length` of a set with text.
pub const LENGTH: ParamType = ParamType::Int { min: 1, max: 1 << 16 };
/// The argument `tokenizer` of a set with text.
pub const TOKENIZER: Param = Param::optional(
    "tokenizer",
    ParamType::Path,
    "none",
    "A `tokenizer.json` of Hugging Face, whose tokens text becomes; its bytes if left out.",
);

/// How text becomes numbers, so many for each: from 1, and 0 behind its end. What is longer is cut off.
#[derive(Clone)]
pub struct Tokens {
    length: usize,
    tokenizer: Option<Arc<Tokenizer>>,
}

impl Tokens {
    /// By the bytes of a text.
    pub fn of_bytes(length: usize) -> Self {
        Self { length, tokenizer: None }
    }

    /// By a tokenizer as a file has it, or by bytes where none is named.
    pub fn new(length: usize, tokenizer: &str) -> Result<Self, DataError> {
        if tokenizer.is_empty() {
            return Ok(Self::of_bytes(length));
        }
        let path = Path::new(tokenizer);
        let bytes = read_file(path).map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(path))?;
        let unusable = |e| {
            DataError::new(format!("is no tokenizer: {e}"))
                .in_file(path)
                .help("a `tokenizer.json`, as `save` of the package `tokenizers` writes it")
        };
        let mut read = Tokenizer::from_bytes(&bytes).map_err(unusable)?;
        read.with_padding(None);
        let added = read.get_post_processor().map_or(0, |post| post.added_tokens(false));
        if added >= length {
            let error =
                DataError::new(format!("adds {added} tokens to each text: a length of {length} leaves no room"));
            return Err(error.in_file(path).help("choose a larger `length`"));
        }
        let cut = TruncationParams { max_length: length, ..TruncationParams::default() };
        read.with_truncation(Some(cut)).map_err(unusable)?;
        Ok(Self { length, tokenizer: Some(Arc::new(read)) })
    }

    /// What a column of such text is.
    pub fn kind(&self) -> ColumnKind {
        // The number 0 is nothing's: those of a tokenizer are moved up by one.
        let known =
            |tokenizer: &Arc<Tokenizer>| tokenizer.get_vocab(true).values().max().map_or(1, |&id| id as usize + 2);
        let known = self.tokenizer.as_ref().map_or(BYTES, known);
        ColumnKind::Text { length: self.length, vocabulary: known }
    }

    /// The numbers of a text.
    pub fn encode(&self, text: &str) -> Result<Vec<f32>, DataError> {
        let mut numbers: Vec<f32> = match &self.tokenizer {
            // No text has a byte 0 in it that would mean anything.
            None => text.bytes().filter(|byte| *byte != 0).take(self.length).map(f32::from).collect(),
            Some(tokenizer) => {
                let encoded = tokenizer
                    .encode(text, true)
                    .map_err(|e| DataError::new(format!("`{text}` cannot be made into tokens: {e}")))?;
                encoded.get_ids().iter().take(self.length).map(|&id| (id + 1) as f32).collect()
            }
        };
        numbers.resize(self.length, 0.0);
        Ok(numbers)
    }
}
