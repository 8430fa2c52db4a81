//! Damaged and random bytes end no decoder: every driver of the table, its packets cut at every length,
//! every bit turned, and long sequences of noise. `PLIMSOLL_FUZZ_INPUTS` sets how many random inputs each
//! decoder gets; `tests/bench/fuzz.sh` runs many.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

mod packets;

use packets::{opening, packet, packets};
use plimsoll::{
    decode::{Decoder, Driver, cadence, drivers},
    model::{
        packet::{Packet, Uuid},
        reading::Reading,
    },
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{
    alloc::System,
    sync::{Mutex, PoisonError},
    time::Instant,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Memory is counted for the whole program: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Inputs a decoder without a wish from outside: seconds for all of them.
const FEW_INPUTS: u64 = 20_000;
/// No packet gives more readings: a compressed frame of repetitions is the longest.
const MOST_READINGS: usize = 20_000;
/// What a decoder may hold after any sequence, bytes.
const MOST_HELD: usize = 1 << 16;
/// Inputs between two looks at a decoder.
const LOOK_EVERY: u64 = 1000;

/// Inputs a decoder.
fn wished_inputs() -> u64 {
    let wish = std::env::var("PLIMSOLL_FUZZ_INPUTS");
    wish.map_or(FEW_INPUTS, |text| text.replace('_', "").parse().unwrap())
}

/// SplitMix64: noise at the speed of the decoders, the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, length: usize) {
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
    }
}

/// Makes the next input from undamaged packets.
fn input(noise: &mut Noise, known: &[Packet], bytes: &mut Vec<u8>) -> Uuid {
    let original = &known[noise.below(known.len())];
    bytes.clear();
    let how = noise.below(8);
    if how > 1 {
        bytes.extend_from_slice(&original.bytes);
    }
    match how {
        0 => {
            let length = noise.below(260);
            noise.fill(bytes, length);
        }
        // A true head, and noise behind it.
        1 => {
            let head = noise.below(16).min(original.bytes.len());
            bytes.extend_from_slice(&original.bytes[..head]);
            let length = head + noise.below(260);
            noise.fill(bytes, length);
        }
        2 => bytes.truncate(noise.below(original.bytes.len() + 1)),
        3 => {
            let length = bytes.len() + 1 + noise.below(40);
            noise.fill(bytes, length);
        }
        // The end of another packet behind the beginning of this one.
        4 => {
            let other = &known[noise.below(known.len())].bytes;
            bytes.truncate(noise.below(original.bytes.len() + 1));
            bytes.extend_from_slice(&other[noise.below(other.len() + 1)..]);
        }
        5 | 6 => {
            for _ in 0..=noise.below(8) {
                let bit = noise.below(8 * bytes.len());
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
        _ => {}
    }
    match noise.below(64) {
        0 => Uuid(noise.next().into()),
        _ => original.characteristic,
    }
}

/// Half of what a check sum would turn away gets a right one: what lies behind it is to be reached too.
fn mend(noise: &mut Noise, driver: &str, bytes: &mut [u8]) {
    if driver == "colmi"
        && noise.below(2) == 0
        && let [head @ .., last] = bytes
    {
        *last = head.iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
    }
}

/// Decodes one packet and holds the contract.
fn decode(decoder: &mut dyn Decoder, packet: &Packet, out: &mut Vec<Reading>, name: &str) -> bool {
    out.clear();
    let good = decoder.decode(packet, out).is_ok();
    assert!(good || out.is_empty(), "{name}: values of a bad packet");
    assert!(
        out.len() <= MOST_READINGS,
        "{name}: {} readings of one packet",
        out.len()
    );
    good
}

/// After any mishap a new connection works.
fn starts_anew(decoder: &mut dyn Decoder, driver: &dyn Driver, known: &[Packet]) {
    let name = driver.name();
    for good in known {
        decoder.reset();
        for packet in opening(name).iter().chain([good]) {
            let result = decoder.decode(packet, &mut Vec::new());
            assert_eq!(result, Ok(()), "{name} after damage: {packet:?}");
        }
    }
}

#[test]
fn cut_and_bent_packets_give_values_or_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for driver in drivers() {
        let known = packets(driver.name());
        let mut decoder = driver.decoder();
        let mut out = Vec::new();
        for original in &known {
            let mut check = |bytes: &[u8]| {
                let damaged = packet(original.characteristic, bytes);
                decode(decoder.as_mut(), &damaged, &mut out, driver.name());
            };
            for length in 0..original.bytes.len() {
                check(&original.bytes[..length]);
            }
            let mut bytes = original.bytes.to_vec();
            for bit in 0..8 * bytes.len() {
                bytes[bit / 8] ^= 1 << (bit % 8);
                check(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        starts_anew(decoder.as_mut(), *driver, &known);
    }
}

#[test]
fn long_noise_ends_no_decoder_and_nothing_grows() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let inputs = wished_inputs();
    for (seed, driver) in drivers().iter().enumerate() {
        let name = driver.name();
        let known = packets(name);
        let mut noise = Noise(seed as u64);
        let mut decoder = driver.decoder();
        let mut out = Vec::with_capacity(MOST_READINGS);
        let mut bytes = Vec::with_capacity(4096);
        let (began, region) = (Instant::now(), Region::new(ALLOCATOR));
        let (mut good, mut most_held) = (0_u64, 0);
        for i in 0..inputs {
            let characteristic = input(&mut noise, &known, &mut bytes);
            mend(&mut noise, name, &mut bytes);
            let damaged = packet(characteristic, &bytes);
            good += u64::from(decode(decoder.as_mut(), &damaged, &mut out, name));
            drop(damaged);
            if i % LOOK_EVERY == 0 {
                let change = region.change();
                let held = change
                    .bytes_allocated
                    .saturating_sub(change.bytes_deallocated);
                assert!(
                    held <= MOST_HELD,
                    "{name} holds {held} bytes after {i} inputs"
                );
                most_held = most_held.max(held);
                match noise.below(8) {
                    0 => decoder.reset(),
                    1 => opening(name).iter().for_each(|packet| {
                        decode(decoder.as_mut(), packet, &mut out, name);
                    }),
                    _ => {}
                }
            }
        }
        starts_anew(decoder.as_mut(), *driver, &known);
        println!(
            "{name}: {inputs} inputs, {good} of them decoded, at most {most_held} bytes held, {:.1} s",
            began.elapsed().as_secs_f64()
        );
    }
}

/// What has no driver of its own: cycling and running measurements of every flag, and noise.
#[test]
fn noise_ends_no_cadence() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut noise = Noise(7);
    let mut bytes = Vec::new();
    let (mut good, inputs) = (0_u64, wished_inputs());
    for _ in 0..inputs {
        let length = noise.below(40);
        bytes.clear();
        noise.fill(&mut bytes, length);
        bytes.truncate(length);
        let characteristic = [cadence::CYCLING, cadence::RUNNING, cadence::POWER][noise.below(3)];
        if let Ok(named) = cadence::parse(characteristic, &bytes) {
            assert!(
                named.len() <= bytes.len(),
                "more fields than bytes: {named:?}"
            );
            assert!(
                named.iter().all(|(_, value)| value.is_finite()),
                "{named:?}"
            );
            good += 1;
        }
    }
    println!("cadence: {inputs} inputs, {good} of them decoded");
    assert!(good > 0 && good < inputs);
}
