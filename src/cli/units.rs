//! Numbers with units on the command line.

/// A length of time with its unit, in seconds.
pub fn seconds(text: &str) -> Result<f64, String> {
    let units = [("s", 1.0), ("m", 60.0), ("min", 60.0), ("h", 3600.0)];
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = units.iter().find(|(name, _)| *name == &text[number.len()..]);
    let time = number.trim().parse::<f64>().ok().zip(unit).map(|(number, (_, unit))| number * unit);
    let wrong = || "a time is a number with its unit, as in `90s`, `6m` or `1.5h`".to_owned();
    time.filter(|t| t.is_finite() && *t > 0.0).ok_or_else(wrong)
}

/// An amount of memory with its unit, in bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[number.len()..].to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => Some(0),
        "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let bytes =
        number.trim().parse::<f64>().ok().zip(shift).map(|(number, shift)| number * f64::from(2f32).powi(shift));
    let wrong = || "a size is a number of bytes, or has a unit, as in `500M` or `4G`".to_owned();
    bytes.filter(|b| b.is_finite() && *b >= 0.0).map(|b| b as u64).ok_or_else(wrong)
}
