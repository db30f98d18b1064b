//! The engines, the models and the whole analysis against numbers that came from somewhere else.

mod empyrical;
mod fitting;
mod models;
mod sample;
