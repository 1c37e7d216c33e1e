pub mod recipes;
