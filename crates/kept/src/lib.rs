//! The wiring of Kept: which areas a site has, how they are served, a site's settings, the filled example
//! site, and the command line.

pub mod commands;
pub mod config;
pub mod control;
pub mod demo;
pub mod machine;
pub mod server;
pub mod simulate;
pub mod site;
