//! The list of patterns and their functions.

use domain::BarsView;
use ta_lib::{Core, OutRange, RetCode};

/// Number of patterns.
pub const PATTERNS: usize = 61;

type Recognize = fn(&Core, &BarsView<'_>, usize, usize, &mut [i32]) -> Result<OutRange, RetCode>;

/// Defines [`NAMES`] and their functions from one list; a number after a name is TA-Lib's default penetration.
macro_rules! catalogue {
    ($($method:ident $name:literal $($penetration:literal)?,)*) => {
        /// TA-Lib's names, in alphabetical order.
        pub const NAMES: [&str; PATTERNS] = [$($name),*];

        const RECOGNIZE: [Recognize; PATTERNS] = [$(
            |core, bars, first, last, out| {
                core.$method(first, last, bars.open, bars.high, bars.low, bars.close, $($penetration,)? out)
            }
        ),*];
    };
}

catalogue! {
    cdl2crows "CDL2CROWS",
    cdl3blackcrows "CDL3BLACKCROWS",
    cdl3inside "CDL3INSIDE",
    cdl3linestrike "CDL3LINESTRIKE",
    cdl3outside "CDL3OUTSIDE",
    cdl3starsinsouth "CDL3STARSINSOUTH",
    cdl3whitesoldiers "CDL3WHITESOLDIERS",
    cdlabandonedbaby "CDLABANDONEDBABY" 0.3,
    cdladvanceblock "CDLADVANCEBLOCK",
    cdlbelthold "CDLBELTHOLD",
    cdlbreakaway "CDLBREAKAWAY",
    cdlclosingmarubozu "CDLCLOSINGMARUBOZU",
    cdlconcealbabyswall "CDLCONCEALBABYSWALL",
    cdlcounterattack "CDLCOUNTERATTACK",
    cdldarkcloudcover "CDLDARKCLOUDCOVER" 0.5,
    cdldoji "CDLDOJI",
    cdldojistar "CDLDOJISTAR",
    cdldragonflydoji "CDLDRAGONFLYDOJI",
    cdlengulfing "CDLENGULFING",
    cdleveningdojistar "CDLEVENINGDOJISTAR" 0.3,
    cdleveningstar "CDLEVENINGSTAR" 0.3,
    cdlgapsidesidewhite "CDLGAPSIDESIDEWHITE",
    cdlgravestonedoji "CDLGRAVESTONEDOJI",
    cdlhammer "CDLHAMMER",
    cdlhangingman "CDLHANGINGMAN",
    cdlharami "CDLHARAMI",
    cdlharamicross "CDLHARAMICROSS",
    cdlhighwave "CDLHIGHWAVE",
    cdlhikkake "CDLHIKKAKE",
    cdlhikkakemod "CDLHIKKAKEMOD",
    cdlhomingpigeon "CDLHOMINGPIGEON",
    cdlidentical3crows "CDLIDENTICAL3CROWS",
    cdlinneck "CDLINNECK",
    cdlinvertedhammer "CDLINVERTEDHAMMER",
    cdlkicking "CDLKICKING",
    cdlkickingbylength "CDLKICKINGBYLENGTH",
    cdlladderbottom "CDLLADDERBOTTOM",
    cdllongleggeddoji "CDLLONGLEGGEDDOJI",
    cdllongline "CDLLONGLINE",
    cdlmarubozu "CDLMARUBOZU",
    cdlmatchinglow "CDLMATCHINGLOW",
    cdlmathold "CDLMATHOLD" 0.5,
    cdlmorningdojistar "CDLMORNINGDOJISTAR" 0.3,
    cdlmorningstar "CDLMORNINGSTAR" 0.3,
    cdlonneck "CDLONNECK",
    cdlpiercing "CDLPIERCING",
    cdlrickshawman "CDLRICKSHAWMAN",
    cdlrisefall3methods "CDLRISEFALL3METHODS",
    cdlseparatinglines "CDLSEPARATINGLINES",
    cdlshootingstar "CDLSHOOTINGSTAR",
    cdlshortline "CDLSHORTLINE",
    cdlspinningtop "CDLSPINNINGTOP",
    cdlstalledpattern "CDLSTALLEDPATTERN",
    cdlsticksandwich "CDLSTICKSANDWICH",
    cdltakuri "CDLTAKURI",
    cdltasukigap "CDLTASUKIGAP",
    cdlthrusting "CDLTHRUSTING",
    cdltristar "CDLTRISTAR",
    cdlunique3river "CDLUNIQUE3RIVER",
    cdlupsidegap2crows "CDLUPSIDEGAP2CROWS",
    cdlxsidegap3methods "CDLXSIDEGAP3METHODS",
}

/// Pattern number `pattern` at bars `first..=last`, into `out`.
pub(super) fn recognize(
    core: &Core,
    pattern: usize,
    bars: &BarsView<'_>,
    first: usize,
    last: usize,
    out: &mut [i32],
) -> OutRange {
    RECOGNIZE[pattern](core, bars, first, last, out)
        .expect("the range lies within the bars and the penetration within TA-Lib's bounds")
}
