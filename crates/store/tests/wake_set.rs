//! The set of worker slots that must be woken.

#![allow(missing_docs, reason = "tests")]

use store::WakeSet;

#[test]
fn each_slot_comes_out_once_and_in_order() {
    let mut wake = WakeSet::default();
    assert!(wake.is_empty());
    for slot in [1023, 64, 0, 63, 64, 65, 1023, 640] {
        wake.insert(slot);
    }
    assert!(!wake.is_empty());
    assert_eq!(wake.drain().collect::<Vec<_>>(), [0, 63, 64, 65, 640, 1023]);
    assert!(wake.is_empty());
    assert_eq!(wake.drain().next(), None);
}

#[test]
fn what_was_not_drained_is_still_there() {
    let mut wake = WakeSet::default();
    for slot in [5, 70, 71] {
        wake.insert(slot);
    }
    assert_eq!(wake.drain().next(), Some(5));
    assert_eq!(wake.drain().next(), Some(70));
    assert!(!wake.is_empty());
    wake.insert(3);
    assert_eq!(wake.drain().collect::<Vec<_>>(), [3, 71]);
}

#[test]
fn there_is_no_slot_beyond_its_capacity() {
    let mut wake = WakeSet::default();
    wake.insert(WakeSet::CAPACITY as usize);
    assert!(wake.is_empty());
}
