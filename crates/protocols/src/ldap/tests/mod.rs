//! The protocol as clients see it. The encoder here shares nothing with the code it tests.

mod answer;
mod ber;
mod dn;
mod encoder;
mod extended;
mod hostile;
mod matching;
mod message;
mod schema;
