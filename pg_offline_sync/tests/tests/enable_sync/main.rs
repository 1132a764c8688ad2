//! enable_sync() and disable_sync(): what they refuse, change and leave alone.

mod options;
mod switching;
