//! Event files as TensorBoard reads them: records of TFRecord's form, each with a message `Event` of TensorBoard's protocol buffers.
//!
//! No crate that is kept up writes them. A record is the length of its data, a checksum of that, the data and a checksum of these
//! (`tensorflow/core/lib/io/record_writer.cc`); messages and fields are those of `tensorboard/compat/proto/event.proto` and
//! `summary.proto`, in the order of their numbers as the official writers put them.

/// A picture of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its height and width.
    pub size: (usize, usize),
    /// The picture as a PNG of three channels.
    pub png: Vec<u8>,
}

/// Something that happened at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A number was measured.
    Scalar {
        /// What it is called; what stands before a `/` makes a group.
        tag: &'a str,
        /// The number.
        value: f32,
    },
    /// A picture was made.
    Picture {
        /// What it is called.
        tag: &'a str,
        /// The picture.
        picture: &'a Picture,
    },
}

/// The bytes of an event file, piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct EventFile;

impl EventFile {
    /// What every event file begins with: the version of its form, and who writes it; `time` is in seconds since 1970.
    pub fn head(time: f64, writer: &str) -> Vec<u8> {
        let (mut event, mut source) = (Message::default(), Message::default());
        event.double(1, time);
        event.bytes(3, b"brain.Event:2");
        source.bytes(1, writer.as_bytes());
        event.bytes(10, &source.0);
        record(&event.0)
    }

    /// An event after so many steps.
    pub fn event(time: f64, step: usize, event: &Event) -> Vec<u8> {
        let (tag, mut value) = match event {
            Event::Scalar { tag, value: number } => {
                let mut value = Message::default();
                value.float(2, *number);
                (tag, value)
            }
            Event::Picture { tag, picture } => {
                let (mut image, mut value) = (Message::default(), Message::default());
                image.varint(1, picture.size.0 as u64);
                image.varint(2, picture.size.1 as u64);
                image.varint(3, COLOURS);
                image.bytes(4, &picture.png);
                value.bytes(4, &image.0);
                (tag, value)
            }
        };
        let mut tagged = Message::default();
        tagged.bytes(1, tag.as_bytes());
        tagged.0.append(&mut value.0);
        let (mut summary, mut message) = (Message::default(), Message::default());
        summary.bytes(1, &tagged.0);
        message.double(1, time);
        message.varint(2, step as u64);
        message.bytes(5, &summary.0);
        record(&message.0)
    }
}

/// `Image.colorspace` of pictures of red, green and blue.
const COLOURS: u64 = 3;

/// A protocol buffer's message while it is made.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u64, kind: u64) {
        self.number(field << 3 | kind);
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A whole number; zero is left out.
    fn varint(&mut self, field: u64, number: u64) {
        if number > 0 {
            self.key(field, 0);
            self.number(number);
        }
    }

    fn double(&mut self, field: u64, number: f64) {
        self.key(field, 1);
        self.0.extend(number.to_le_bytes());
    }

    fn float(&mut self, field: u64, number: f32) {
        self.key(field, 5);
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }
}

/// A record of TFRecord's form.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let (head, tail) = (masked(&length).to_le_bytes(), masked(data).to_le_bytes());
    [length.as_slice(), &head, data, &tail].concat()
}

/// The checksum of a record: CRC-32C, turned and moved, since data may hold checksums of its own.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Castagnoli's polynomial, its bits from the lowest.
const CASTAGNOLI: u32 = 0x82f6_3b78;

/// What each byte does to a checksum.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ CASTAGNOLI } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, byte| crc >> 8 ^ TABLE[(crc as u8 ^ byte) as usize])
}
