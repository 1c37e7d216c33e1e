
pub mod recipes;
