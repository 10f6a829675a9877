//! Pictures that stay in their file until they are asked for: a page of rows is read at a time, through a bounded cache.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ::parquet::data_type::ByteArrayType;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::properties::ReaderProperties;
use ::parquet::file::reader::{FileReader, RowGroupReader};
use ::parquet::file::serialized_reader::SerializedRowGroupReader;

use super::cache::{Cache, Page};
use super::columns::{Values, apart, broken, column, damaged, opened};
use crate::data::DataError;
use crate::source::open_file;

/// The column of pictures of a file.
pub struct Pages {
    path: PathBuf,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    /// The first row of each group of rows, and how many rows there are.
    groups: Vec<usize>,
    /// The first row of each page of a group, counted in the group; known once somebody has asked for one.
    pages: Vec<OnceLock<Result<Vec<usize>, DataError>>>,
    /// Which of the files that share a cache it is.
    number: usize,
    cache: Arc<Cache>,
}

impl Pages {
    /// Opens a file, whose pictures are in the first of these columns that it has.
    pub fn open(path: &Path, images: &[&str], number: usize, cache: &Arc<Cache>) -> Result<Self, DataError> {
        let open = || {
            let reader = opened(path)?;
            let column = column(&reader, images)?;
            Ok((Arc::new(reader.metadata().clone()), column))
        };
        let (metadata, column) = apart(open).map_err(|e| e.in_file(path))?;
        let mut groups = vec![0];
        for group in metadata.row_groups() {
            groups.push(groups[groups.len() - 1] + usize::try_from(group.num_rows()).unwrap_or(0));
        }
        let pages = (1..groups.len()).map(|_| OnceLock::new()).collect();
        Ok(Self { path: path.to_owned(), metadata, column, groups, pages, number, cache: cache.clone() })
    }

    /// The encoded picture of a row; nothing where it has none.
    pub fn picture(&self, row: usize) -> Result<Vec<u8>, DataError> {
        let group = self.groups.partition_point(|first| *first <= row).saturating_sub(1);
        if group + 1 >= self.groups.len() {
            return Err(broken("it has fewer rows than before"));
        }
        let within = row - self.groups[group];
        let firsts = self.pages[group].get_or_init(|| self.firsts(group)).as_ref().map_err(Clone::clone)?;
        let page = firsts.partition_point(|first| *first <= within).saturating_sub(1);
        let end = firsts.get(page + 1).copied().unwrap_or(self.groups[group + 1] - self.groups[group]);
        let read = || self.read(group, firsts[page]..end);
        let rows = self.cache.page((self.number, group, page), read);
        rows.picture(within - firsts[page]).map(<[u8]>::to_vec)
    }

    /// Does something with a group of rows. A file that is read from by several threads has a place of its own for each.
    fn group<T: Send>(
        &self,
        group: usize,
        with: impl FnOnce(&dyn RowGroupReader) -> Result<T, DataError> + Send,
    ) -> Result<T, DataError> {
        apart(|| {
            let file = open_file(&self.path).map_err(|e| DataError::new(format!("cannot be opened: {e}")))?;
            let (index, props) = (self.metadata.page_index_for_row_group(group), ReaderProperties::builder().build());
            let about = self.metadata.row_group(group);
            let reader = SerializedRowGroupReader::new(Arc::new(file), about, index, Arc::new(props));
            with(&reader.map_err(|e| damaged(self.groups[group], &e))?)
        })
    }

    /// The first row of each page of a group: what is looked at is what pages say of themselves.
    fn firsts(&self, group: usize) -> Result<Vec<usize>, DataError> {
        let first = self.groups[group];
        let count = self.groups[group + 1] - first;
        self.group(group, |reader| {
            let failed = |e| damaged(first, &e);
            let mut pages = reader.get_column_page_reader(self.column).map_err(failed)?;
            let (mut firsts, mut rows) = (Vec::new(), 0);
            while rows < count
                && let Some(page) = pages.peek_next_page().map_err(failed)?
            {
                let own = if page.is_dict { 0 } else { page.num_rows.or(page.num_levels).unwrap_or(0) };
                firsts.extend((own > 0).then_some(rows));
                rows += own;
                pages.skip_next_page().map_err(failed)?;
            }
            match rows == count {
                true => Ok(firsts),
                false => Err(broken(&format!("its pages have {rows} rows, its footer says {count}"))),
            }
        })
    }

    fn read(&self, group: usize, rows: Range<usize>) -> Result<Page, DataError> {
        let first = self.groups[group] + rows.start;
        self.group(group, |reader| {
            let mut values = Values::<ByteArrayType>::of(reader, self.column, first, "image")?;
            values.skip(rows.start, first)?;
            values.next(rows.len(), first)
        })
    }
}
