//! `sslrun predict`: the classes of pictures, by the linear probe that judged a run.

use std::path::Path;
use std::sync::Arc;

use super::args::{PredictArgs, ProbeName};
use super::{Exit, applied, output};
use crate::data::{DataSet, labelled};
use crate::driver::{Failure, Trained};
use crate::report::{Table, csv_rows, percent};
use crate::source::Sources;
use crate::train::{Classifying, KnownClasses, Rows, Which, classifier_file};

/// Shows the likeliest classes of pictures, or how well the classes of a data set are told apart.
pub fn predict(args: &PredictArgs) -> Result<Exit, Failure> {
    args.output.iter().chain(&args.confusion).try_for_each(|path| output::ending(path, &["csv"]))?;
    let Some(checked) = applied::checked(&args.encoder)? else { return Ok(Exit::RecipeErrors) };
    let mut trained = Trained::load(&args.encoder.run, &checked, args.encoder.checkpoint, args.encoder.engine.into())?;
    let known = known(args, &trained)?;
    trained.tune(&known)?;
    let judged = args.pictures.is_empty();
    let data = match judged {
        true => labelled(&applied::data(&trained, &args.encoder)?.test),
        false => applied::pictures(&trained, &args.pictures, &args.encoder.change.access())?,
    };
    if data.is_empty() {
        return Err(Failure::run("the test split has no labels to judge by").help("name pictures instead"));
    }
    let rows = applied::features(&mut trained, &data)?;
    applied::tell_left_out(&[&*data]);
    if rows.dim != known.learnt.classifier.dim {
        let (has, wants) = (rows.dim, known.learnt.classifier.dim);
        return Err(Failure::run(format!("the features have {has} numbers, the classifier takes {wants}")));
    }
    let told =
        Told { known: &known, data: &data, rows: &rows, all: known.learnt.classifier.probabilities(&rows.values) };
    match judged {
        true => told.by_class(args.confusion.as_deref())?,
        false => output::result(&told.likeliest(args.top as usize).render(160))?,
    }
    if let Some(path) = &args.output {
        output::file(path, told.csv().as_bytes())?;
    }
    Ok(Exit::Fine)
}

/// The classifier that a run has kept of the encoder that is asked for.
fn known(args: &PredictArgs, trained: &Trained) -> Result<KnownClasses, Failure> {
    let (run, name) = (&args.encoder.run, Classifying::from(args.probe).name());
    let best = match args.encoder.checkpoint {
        Which::Last => false,
        Which::Best => true,
        Which::Step(step) => {
            let message =
                format!("a run keeps what its probes have learnt of its last and its best encoder, not of step {step}");
            let help = "`sslrun eval` judges any checkpoint again";
            return Err(Failure::usage(message).help(help));
        }
    };
    let known = KnownClasses::read(&classifier_file(run, args.probe.into(), best)).map_err(|e| {
        let help = format!(
            "a run keeps its {name} probe when it ends, if its recipe has one (`evaluate {{ probes: [{name}()] }}`) and its data \
             have classes"
        );
        Failure::of(e.diagnostic(), &Sources::default()).help(help)
    })?;
    match known.of == trained.path() {
        true => Ok(known),
        false => {
            let (of, asked) = (&known.of, trained.path());
            Err(Failure::usage(format!("the run's {name} probe takes features of `{of}`, not of `{asked}`")))
        }
    }
}

impl From<ProbeName> for Classifying {
    fn from(name: ProbeName) -> Self {
        match name {
            ProbeName::Linear => Classifying::Linear,
            ProbeName::Finetune => Classifying::Finetune,
        }
    }
}

/// Probabilities `[rows, classes]` and what they are of.
struct Told<'a> {
    known: &'a KnownClasses,
    data: &'a Arc<dyn DataSet>,
    rows: &'a Rows,
    all: Vec<f32>,
}

impl Told<'_> {
    /// The probabilities of each row.
    fn each(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let classes = self.known.learnt.classifier.bias.len().max(1);
        self.rows.index.iter().copied().zip(self.all.chunks_exact(classes))
    }

    fn likeliest(&self, top: usize) -> Table {
        let mut rows = Vec::new();
        for (index, probabilities) in self.each() {
            let mut order: Vec<usize> = (0..probabilities.len()).collect();
            order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]).then(a.cmp(&b)));
            for class in order.into_iter().take(top) {
                let (name, p) = (&self.known.classes[class], f64::from(probabilities[class]));
                rows.push(vec![applied::name(&**self.data, index), name.clone(), percent(p)]);
            }
        }
        Table { header: ["picture", "class", "probability"].map(str::to_owned).to_vec(), rows }
    }

    /// How many pictures of each class were taken for each: a row a class of the data set, a column a class that is known.
    fn counts(&self) -> Vec<Vec<usize>> {
        let mut counts = vec![vec![0; self.known.classes.len()]; self.data.classes().len()];
        for (index, probabilities) in self.each() {
            let best = probabilities
                .iter()
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, (class, &p)| if p > best.1 { (class, p) } else { best });
            if let Some(label) = self.data.label(index) {
                counts[label as usize][best.0] += 1;
            }
        }
        counts
    }

    /// Shows the accuracy of each class, and writes the whole matrix where that is asked for.
    fn by_class(&self, confusion: Option<&Path>) -> Result<(), Failure> {
        let (counts, names) = (self.counts(), self.data.classes());
        // Another data set may list its classes otherwise: they are the same by name.
        let right = |class: usize| {
            let known = self.known.classes.iter().position(|name| *name == names[class]);
            known.map_or(0, |known| counts[class][known])
        };
        let mut rows = Vec::new();
        for (class, row) in counts.iter().enumerate() {
            let all: usize = row.iter().sum();
            let wrong = |other: &usize| self.known.classes[*other] != names[class] && row[*other] > 0;
            let other = (0..row.len()).filter(wrong).max_by_key(|&other| (row[other], std::cmp::Reverse(other)));
            let other = other.map_or(String::new(), |other| format!("{} ({})", self.known.classes[other], row[other]));
            let share = if all > 0 { percent(right(class) as f64 / all as f64) } else { "–".to_owned() };
            rows.push(vec![names[class].clone(), all.to_string(), share, other]);
        }
        let header = ["class", "pictures", "accuracy", "most often taken for"].map(str::to_owned).to_vec();
        output::result(&Table { header, rows }.render(120))?;
        let (right, all) = ((0..counts.len()).map(right).sum::<usize>(), counts.iter().flatten().sum::<usize>());
        output::message(&format!("{right} of {all} are right: {}", percent(right as f64 / all.max(1) as f64)));
        let Some(path) = confusion else { return Ok(()) };
        let header = std::iter::once("class".to_owned()).chain(self.known.classes.iter().cloned());
        let row = |(name, row): (&String, &Vec<usize>)| {
            std::iter::once(name.clone()).chain(row.iter().map(usize::to_string)).collect::<Vec<_>>()
        };
        let lines = std::iter::once(header.collect()).chain(names.iter().zip(&counts).map(row));
        output::file(path, csv_rows(lines).as_bytes())
    }

    /// Every probability as CSV: the picture, its class if it is known, the likeliest one, and a column a class.
    fn csv(&self) -> String {
        let header = ["picture", "class"].map(str::to_owned).into_iter().chain(self.known.classes.iter().cloned());
        let row = |(index, probabilities): (usize, &[f32])| {
            let named = [applied::name(&**self.data, index), applied::class(&**self.data, index)];
            named.into_iter().chain(probabilities.iter().map(f32::to_string)).collect::<Vec<_>>()
        };
        csv_rows(std::iter::once(header.collect()).chain(self.each().map(row)))
    }
}
