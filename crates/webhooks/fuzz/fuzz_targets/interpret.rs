//! Any body of any channel is interpreted the same each time, and nothing panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use webhooks::{Channel, ProviderSettings, interpret};

fuzz_target!(|body: &[u8]| {
    let settings = ProviderSettings::default();
    for channel in Channel::all() {
        assert_eq!(interpret(channel, body, &settings), interpret(channel, body, &settings));
    }
});
