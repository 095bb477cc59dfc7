//! How are seconds written as a date, and read back?
//!
//! [`http_date`] is on the hot path (the `~time~` token, `Last-Modified`), [`parse`] reads what
//! clients resume with, and the statistics print [`iso_date`]. All times are UTC.
//!
//! The parser is our own because the common crate for HTTP dates refuses years before 1970 and a
//! wrong weekday, which nginx itself and therefore existing clients' requests get away with.

/// A moment of the calendar.
struct Civil {
    year: u32,
    /// 0 is January.
    month: u32,
    day: u32,
    /// 0 is Monday.
    weekday: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

const SECONDS_PER_DAY: u32 = 86_400;
/// Days of a Gregorian cycle of 400 years, after which the calendar repeats.
const CYCLE_DAYS: u32 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: u32 = 719_468;

const MONTHS: [[u8; 3]; 12] = [
    *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct",
    *b"Nov", *b"Dec",
];
const WEEKDAYS: [[u8; 3]; 7] = [*b"Mon", *b"Tue", *b"Wed", *b"Thu", *b"Fri", *b"Sat", *b"Sun"];

impl Civil {
    /// Howard Hinnant's `civil_from_days`: years begin in March, so that leap days come last.
    const fn from_unix(time: u32) -> Self {
        let (days, second) = (time / SECONDS_PER_DAY, time % SECONDS_PER_DAY);
        let (cycle, day) = ((days + EPOCH_DAYS) / CYCLE_DAYS, (days + EPOCH_DAYS) % CYCLE_DAYS);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day + 2) / 153;
        let month = (from_march + 2) % 12;
        Self {
            year: cycle * 400 + year + (from_march >= 10) as u32,
            month,
            day: day - (153 * from_march + 2) / 5 + 1,
            weekday: (days + 3) % 7,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// The date form HTTP prescribes (RFC 9110 section 5.6.7, IMF-fixdate):
/// `Mon, 23 Nov 2026 06:31:47 GMT`.
#[must_use]
pub fn http_date(time: u32) -> [u8; 29] {
    let civil = Civil::from_unix(time);
    let [w0, w1, w2] = WEEKDAYS.get(civil.weekday as usize).copied().unwrap_or_default();
    let [b0, b1, b2] = MONTHS.get(civil.month as usize).copied().unwrap_or_default();
    let ([y0, y1], [y2, y3]) = (two(civil.year / 100), two(civil.year));
    let ([d0, d1], [h0, h1]) = (two(civil.day), two(civil.hour));
    let ([m0, m1], [s0, s1]) = (two(civil.minute), two(civil.second));
    [
        w0, w1, w2, b',', b' ', d0, d1, b' ', b0, b1, b2, b' ', y0, y1, y2, y3, b' ', h0, h1, b':',
        m0, m1, b':', s0, s1, b' ', b'G', b'M', b'T',
    ]
}

/// `2026-11-23T06:31:47`, as the statistics print it: UTC, no zone suffix.
#[must_use]
pub fn iso_date(time: u32) -> [u8; 19] {
    let civil = Civil::from_unix(time);
    let ([y0, y1], [y2, y3]) = (two(civil.year / 100), two(civil.year));
    let ([b0, b1], [d0, d1]) = (two(civil.month + 1), two(civil.day));
    let ([h0, h1], [m0, m1], [s0, s1]) = (two(civil.hour), two(civil.minute), two(civil.second));
    [y0, y1, y2, y3, b'-', b0, b1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1]
}

/// The last two decimal digits of `number`.
const fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// Reads any of the three HTTP date forms (RFC 9110 section 5.6.7) as seconds since 1970:
///
/// ```text
/// Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate
/// Sunday, 06-Nov-94 08:49:37 GMT     obsolete, RFC 850; 70 to 99 are 1970 to 1999
/// Sun Nov  6 08:49:37 1994           obsolete, asctime
/// ```
///
/// Anything else is `None`. A date before 1970 is 0, one after 2106 `u32::MAX`. As in nginx, the
/// weekday is not looked at, nor is what follows the date (old browsers append `; length=N`).
#[must_use]
pub fn parse(value: &[u8]) -> Option<u32> {
    if let Some(time) = value.first_chunk().and_then(parse_fixdate) {
        return Some(time);
    }
    let weekday = value.iter().position(|byte| matches!(byte, b',' | b' '))?;
    let (_, rest) = value.split_at(weekday);
    let mut rest = Scanner(rest);
    let (year, month, day, seconds);
    if rest.byte(b',').is_some() {
        rest.spaces();
        day = rest.digits::<2>()?;
        let obsolete = rest.byte(b'-').is_some();
        let separator = if obsolete { b'-' } else { b' ' };
        if !obsolete {
            rest.byte(b' ')?;
        }
        month = rest.month()?;
        rest.byte(separator)?;
        year = if obsolete { rest.short_year()? } else { rest.digits::<4>()? };
        rest.byte(b' ')?;
        seconds = rest.time_of_day()?;
    } else {
        rest.byte(b' ')?;
        month = rest.month()?;
        rest.byte(b' ')?;
        day = if rest.byte(b' ').is_some() { rest.digits::<1>()? } else { rest.digits::<2>()? };
        rest.byte(b' ')?;
        seconds = rest.time_of_day()?;
        rest.byte(b' ')?;
        year = rest.digits::<4>()?;
    }
    time_of(year, month, day, seconds)
}

/// The same for an IMF-fixdate up to its seconds: that form is sent here, so clients send it back. Everything stands at its place, which makes
/// it a third of the work. `None` is no verdict.
fn parse_fixdate(date: &[u8; 25]) -> Option<u32> {
    let [
        w0,
        w1,
        w2,
        b',',
        b' ',
        d0,
        d1,
        b' ',
        b0,
        b1,
        b2,
        b' ',
        y0,
        y1,
        y2,
        y3,
        b' ',
        h0,
        h1,
        b':',
        m0,
        m1,
        b':',
        s0,
        s1,
    ] = *date
    else {
        return None;
    };
    if [w0, w1, w2].iter().any(|byte| matches!(byte, b',' | b' ')) {
        return None;
    }
    let digits = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
    };
    let (hour, minute, second) = (digits(h0, h1)?, digits(m0, m1)?, digits(s0, s1)?);
    let year = digits(y0, y1)? * 100 + digits(y2, y3)?;
    time_of(year, month_of([b0, b1, b2])?, digits(d0, d1)?, second_of_day(hour, minute, second)?)
}

/// Seconds since 1970 of a moment; `None` if there is no such day.
fn time_of(year: u32, month: u32, day: u32, seconds: u32) -> Option<u32> {
    if day == 0 || day > days_of(month, year) {
        return None;
    }
    let time = days_since_epoch(year, month, day) * i64::from(SECONDS_PER_DAY) + i64::from(seconds);
    Some(u32::try_from(time.max(0)).unwrap_or(u32::MAX))
}

/// A match on one word, where comparing with `MONTHS` would be a loop over twelve.
const fn month_of(name: [u8; 3]) -> Option<u32> {
    Some(match &name {
        b"Jan" => 0,
        b"Feb" => 1,
        b"Mar" => 2,
        b"Apr" => 3,
        b"May" => 4,
        b"Jun" => 5,
        b"Jul" => 6,
        b"Aug" => 7,
        b"Sep" => 8,
        b"Oct" => 9,
        b"Nov" => 10,
        b"Dec" => 11,
        _ => return None,
    })
}

/// Seconds since midnight; second 60 is a leap second.
fn second_of_day(hour: u32, minute: u32, second: u32) -> Option<u32> {
    let valid = hour < 24 && minute < 60 && second <= 60;
    valid.then_some(hour * 3_600 + minute * 60 + second)
}

/// `month` counts from 0 here and below.
const fn days_of(month: u32, year: u32) -> u32 {
    match month {
        1 if year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 }) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The inverse of [`Civil::from_unix`] for whole days; negative before 1970.
fn days_since_epoch(year: u32, month: u32, day: u32) -> i64 {
    // One more cycle keeps January and February of year 0 above zero.
    let year = year + 400 - u32::from(month < 2);
    let from_march = (month + 10) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400;
    let days = days + (153 * from_march + 2) / 5 + day - 1;
    i64::from(days) - i64::from(EPOCH_DAYS) - i64::from(CYCLE_DAYS)
}

/// What is left of a date; each method takes one part off, or answers `None`.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn byte(&mut self, expected: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[expected])?;
        Some(())
    }

    fn spaces(&mut self) {
        while self.byte(b' ').is_some() {}
    }

    #[inline]
    fn digits<const N: usize>(&mut self) -> Option<u32> {
        let (digits, rest) = self.0.split_first_chunk::<N>()?;
        let mut number = 0;
        for digit in digits {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number = number * 10 + u32::from(digit);
        }
        self.0 = rest;
        Some(number)
    }

    fn month(&mut self) -> Option<u32> {
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        self.0 = rest;
        month_of(*name)
    }

    /// Without a clock the 50-year rule of RFC 9110 cannot be applied; nginx's rule needs none.
    fn short_year(&mut self) -> Option<u32> {
        let year = self.digits::<2>()?;
        Some(if year < 70 { 2_000 + year } else { 1_900 + year })
    }

    fn time_of_day(&mut self) -> Option<u32> {
        let hour = self.digits::<2>()?;
        self.byte(b':')?;
        let minute = self.digits::<2>()?;
        self.byte(b':')?;
        let second = self.digits::<2>()?;
        second_of_day(hour, minute, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_and_iso_prescribe() {
        for (time, http, iso) in [
            (0, b"Thu, 01 Jan 1970 00:00:00 GMT", b"1970-01-01T00:00:00"),
            (784_111_777, b"Sun, 06 Nov 1994 08:49:37 GMT", b"1994-11-06T08:49:37"),
            (951_782_400, b"Tue, 29 Feb 2000 00:00:00 GMT", b"2000-02-29T00:00:00"),
            (978_307_199, b"Sun, 31 Dec 2000 23:59:59 GMT", b"2000-12-31T23:59:59"),
            (1_795_415_507, b"Mon, 23 Nov 2026 06:31:47 GMT", b"2026-11-23T06:31:47"),
            (4_107_542_400, b"Mon, 01 Mar 2100 00:00:00 GMT", b"2100-03-01T00:00:00"),
            (u32::MAX, b"Sun, 07 Feb 2106 06:28:15 GMT", b"2106-02-07T06:28:15"),
        ] {
            assert_eq!(&http_date(time), http);
            assert_eq!(&iso_date(time), iso);
            assert_eq!(parse(http), Some(time));
        }
    }

    #[test]
    fn all_three_forms_are_read() {
        for value in [
            &b"Sun, 06 Nov 1994 08:49:37 GMT"[..],
            b"Sunday, 06-Nov-94 08:49:37 GMT",
            b"Sun Nov  6 08:49:37 1994",
            b"Sun Nov 06 08:49:37 1994",
            b"Mon, 06 Nov 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49:37 GMT; length=5",
        ] {
            assert_eq!(parse(value), Some(784_111_777), "{}", value.escape_ascii());
        }
        assert_eq!(parse(b"Thu, 29-Feb-24 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(parse(b"Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_800));
    }

    #[test]
    fn dates_outside_the_range_are_clamped() {
        assert_eq!(parse(b"Wed, 31 Dec 1969 23:59:59 GMT"), Some(0));
        assert_eq!(parse(b"Sat, 01 Jan 0000 00:00:00 GMT"), Some(0));
        assert_eq!(parse(b"Sun, 07 Feb 2106 06:28:16 GMT"), Some(u32::MAX));
        assert_eq!(parse(b"Fri, 31 Dec 9999 23:59:59 GMT"), Some(u32::MAX));
    }

    #[test]
    fn anything_else_is_no_date() {
        for value in [
            &b""[..],
            b"null",
            b"0",
            b"1795415507",
            b"2026-11-23T06:31:47",
            b"Mon,+23+Nov+2026+06:31:47+GMT",
            b"Mon, 23 Nov 2026",
            b"Mon, 23 Nov 2026 06:31",
            b"Mon, 3 Nov 2026 06:31:47 GMT",
            b"Mon, 23 nov 2026 06:31:47 GMT",
            b"Mon, 23-Nov 2026 06:31:47 GMT",
            b"Mon, 00 Nov 2026 06:31:47 GMT",
            b"Mon, 31 Nov 2026 06:31:47 GMT",
            b"Sun, 29 Feb 2026 06:31:47 GMT",
            b"Mon, 29 Feb 2100 06:31:47 GMT",
            b"Mon, 23 Nov 2026 24:00:00 GMT",
            b"Mon, 23 Nov 2026 06:60:47 GMT",
            b"Mon, 23 Nov 2026 06:31:61 GMT",
            b"Mon, 23 Nov 2026 06:31:-7 GMT",
            b"Mon Nov 23 06:31:47",
            b"Mon Nov 23 06:31:47 GMT 2026",
            b"Mon,",
            b" ",
        ] {
            assert_eq!(parse(value), None, "{}", value.escape_ascii());
        }
    }
}
