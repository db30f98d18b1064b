//! Events of the broker. Bodies follow the samples of alpacahq/alpaca-docs (oas/broker/openapi.yaml, x-examples) and the
//! schema `ActivityEventV2` of docs.alpaca.markets.

mod splits;

use domain::{
    AccountStatus, CashKind, Direction, EntryStatus, Fact, FactKind, OrderStatus, PostingMode, Side, Subject,
    TransferStatus,
};
use webhooks::{Interpretation, ProviderSettings, SettingValue};

use super::{Expected, facts, id, money, read, reason};

const ACCOUNT: &str = "alpaca:529248ad-c4cc-4a50-bea4-6bfd2953f83a";
const ORDER: &str = "alpaca:edada91a-8b55-4916-a153-8c7a9817e708";
const EXECUTION: &str = "alpaca:7e544af3-3104-4e1a-8cbc-dab2624949ff";

/// The sample `new` of the vendor, with parts of event and order exchanged.
fn trade(event: &str, order: &str, more: &str) -> String {
    format!(
        r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","at":"2022-04-19T14:12:30.656741Z","event":"{event}",
        "event_id":37782,"execution_id":"7e544af3-3104-4e1a-8cbc-dab2624949ff",
        "order":{{"asset_class":"us_equity","id":"edada91a-8b55-4916-a153-8c7a9817e708","symbol":"TSLA","type":"limit",{order}}},
        {more}"timestamp":"2022-04-19T14:12:30.602193534Z"}}"#
    )
}

fn of_holding(at: &str, kind: FactKind) -> Fact {
    let subject = Subject::Holding { account: id(ACCOUNT), symbol: "TSLA".parse().unwrap() };
    Fact { subject, at: at.parse().unwrap(), kind }
}

/// An order of 4 shares.
fn order(side: Side, status: OrderStatus, reserve: Option<&str>) -> Fact {
    order_of(Some("4"), side, status, reserve)
}

fn order_of(shares: Option<&str>, side: Side, status: OrderStatus, reserve: Option<&str>) -> Fact {
    let quantity = shares.map(|shares| shares.parse().unwrap());
    let kind = FactKind::Order { order: id(ORDER), side, status, quantity, reserve: reserve.map(money) };
    of_holding("2022-04-19T14:12:30.602193534Z", kind)
}

fn fill(side: Side, cumulative: &str, notional: &str) -> Fact {
    let (order, execution, cumulative) = (id(ORDER), id(EXECUTION), cumulative.parse().unwrap());
    let kind = FactKind::Fill { order, execution, side, cumulative, notional: money(notional) };
    of_holding("2022-04-19T14:12:30.602193534Z", kind)
}

#[test]
fn an_order_sets_its_limit_or_its_amount_aside() {
    let limit = trade(
        "new",
        r#""side":"buy","qty":"4","limit_price":"700","notional":null,"filled_qty":"0","status":"new""#,
        "",
    );
    assert_eq!(facts("alpaca/trade", &limit), [order(Side::Buy, OrderStatus::Open, Some("2800 usd"))]);
    let amount =
        trade("new", r#""side":"buy","qty":null,"notional":"50.25","filled_qty":"0","status":"new""#, "");
    assert_eq!(
        facts("alpaca/trade", &amount),
        [order_of(None, Side::Buy, OrderStatus::Open, Some("50.25 usd"))]
    );
    let market = trade(
        "accepted",
        r#""side":"buy","qty":"4","limit_price":null,"notional":null,"filled_qty":"0","status":"accepted""#,
        "",
    );
    assert_eq!(facts("alpaca/trade", &market), [order(Side::Buy, OrderStatus::Open, None)]);
    let sale =
        trade("new", r#""side":"sell","qty":"4","limit_price":"700","filled_qty":"0","status":"new""#, "");
    assert_eq!(facts("alpaca/trade", &sale), [order(Side::Sell, OrderStatus::Open, None)]);
}

#[test]
fn a_fill_counts_what_the_order_cost_so_far() {
    // 1.5 × 187.3333 = 280.99995, by hand.
    let part = trade(
        "partial_fill",
        r#""side":"buy","qty":"4","filled_qty":"1.5","filled_avg_price":"187.3333","status":"partially_filled""#,
        r#""price":"188","qty":"1","position_qty":"1.5","#,
    );
    let expected =
        [order(Side::Buy, OrderStatus::PartiallyFilled, None), fill(Side::Buy, "1.5", "281.00 usd")];
    assert_eq!(facts("alpaca/trade", &part), expected);
    let whole = trade(
        "fill",
        r#""side":"sell","qty":"4","filled_qty":"4","filled_avg_price":"700.10","status":"filled""#,
        "",
    );
    let expected = [order(Side::Sell, OrderStatus::Filled, None), fill(Side::Sell, "4", "2800.40 usd")];
    assert_eq!(facts("alpaca/trade", &whole), expected);
}

/// ISO 4217 for the digits; for orders of a local currency, the sample of Alpaca's docs (broker/integration/lct.md).
#[test]
fn the_currency_is_read_and_never_assumed() {
    let filled = |more: &str| {
        trade(
            "fill",
            &format!(
                r#""side":"buy","qty":"10","filled_qty":"10","filled_avg_price":"3100","status":"filled"{more}"#
            ),
            "",
        )
    };
    for (more, expected) in [
        (r#","currency":"JPY""#, "31000 jpy"),
        (r#","currency":"JPY","swap_rate":"150.2""#, "31000 jpy"),
        (r#","currency":"KWD""#, "31000 kwd"),
        (r#","currency":"USD","swap_rate":"1""#, "31000 usd"),
        (r#","currency":null,"swap_rate":null"#, "31000 usd"),
    ] {
        let expected =
            [order_of(Some("10"), Side::Buy, OrderStatus::Filled, None), fill(Side::Buy, "10", expected)];
        assert_eq!(facts("alpaca/trade", &filled(more)), expected, "{more}");
    }
    for (more, expected) in [
        (r#","swap_rate":"150.2""#, "currency"),
        (r#","usd":{"filled_avg_price":"20.6"}"#, "currency"),
        (r#","currency":"USD","swap_rate":"150.2""#, "currency"),
        (r#","currency":"XTS""#, "currency"),
        (r#","currency":"""#, "currency"),
        // 400 EUR are 396.20 for shares and 3.80 of fee, and shares × price tells only the former.
        (r#","currency":"EUR","swap_rate":"1.0043","swap_fee_bps":"95""#, "by_hand"),
    ] {
        assert_eq!(reason("alpaca/trade", &filled(more)), expected, "{more}");
    }
    // Its order sets nothing aside, for its executions would not release it.
    let lct = r#","currency":"EUR","swap_rate":"1.0043","swap_fee_bps":"95""#;
    for event in ["new", "canceled", "trade_bust"] {
        let body = filled(lct).replace(r#""event":"fill""#, &format!(r#""event":"{event}""#));
        assert_eq!(reason("alpaca/trade", &body), "by_hand", "{event}");
    }
    let beside = filled("").replace(r#""event":"fill""#, r#""event":"fill","currency":"JPY""#);
    assert_eq!(facts("alpaca/trade", &beside)[1], fill(Side::Buy, "10", "31000 jpy"));
    let dividend = |more: &str| nta("DIV", "1.5", more);
    assert_eq!(reason("alpaca/nta", &dividend(r#","currency":"JPY""#)), "unreadable");
    assert_eq!(reason("alpaca/nta", &dividend(r#","swap_rate":"150.2""#)), "currency");
}

#[test]
fn an_average_of_many_digits_is_an_average() {
    // Python: 562 / 3.
    let filled =
        r#""side":"buy","qty":"3","filled_qty":"3","filled_avg_price":187.33333333333334,"status":"filled""#;
    let expected =
        [order_of(Some("3"), Side::Buy, OrderStatus::Filled, None), fill(Side::Buy, "3", "562.00 usd")];
    assert_eq!(facts("alpaca/trade", &trade("fill", filled, "")), expected);
}

/// Fractions have up to nine digits (docs.alpaca.markets/docs/fractional-trading). By hand: 0.000000005 × 150 = 0.00000075.
#[test]
fn shares_of_less_than_a_cent_are_shares() {
    let filled =
        r#""side":"buy","qty":"4","filled_qty":"0.000000005","filled_avg_price":"150","status":"filled""#;
    let expected = [order(Side::Buy, OrderStatus::Filled, None), fill(Side::Buy, "0.000000005", "0 usd")];
    assert_eq!(facts("alpaca/trade", &trade("fill", filled, "")), expected);
    let free = filled.replace(r#""150""#, r#""0""#);
    assert_eq!(reason("alpaca/trade", &trade("fill", &free, "")), "unreadable");
}

#[test]
fn amounts_too_large_to_post_are_left_for_review() {
    let filled =
        r#""side":"buy","qty":"1000000","filled_qty":"1000000","filled_avg_price":"PRICE","status":"filled""#;
    for (price, is_booked) in [("10000", true), ("10000.01", false)] {
        let body = trade("fill", &filled.replace("PRICE", price), "");
        let is_read =
            matches!(read("alpaca/trade", &body, &ProviderSettings::default()), Interpretation::Facts(_));
        assert_eq!(is_read, is_booked, "{price}");
    }
    for amount in ["10000000000.01", "-10000000000.01", "92233720368547758.07"] {
        assert_eq!(reason("alpaca/nta", &nta("CSD", amount, "")), "unreadable", "{amount}");
    }
    assert_eq!(facts("alpaca/nta", &nta("CSD", "10000000000", "")).len(), 1);
}

#[test]
fn every_event_of_an_order_has_a_status() {
    let open = r#""side":"sell","qty":"4","filled_qty":"0","status":"new""#;
    let part = r#""side":"sell","qty":"4","filled_qty":"1","status":"pending_cancel""#;
    let done = r#""side":"sell","qty":"4","filled_qty":"4","status":"calculated""#;
    for (event, of_order, expected) in [
        ("new", open, OrderStatus::Open),
        ("pending_new", open, OrderStatus::Open),
        ("accepted", open, OrderStatus::Open),
        ("held", open, OrderStatus::Open),
        ("restated", open, OrderStatus::Open),
        ("done_for_day", part, OrderStatus::PartiallyFilled),
        ("done_for_day", open, OrderStatus::Open),
        ("stopped", open, OrderStatus::Open),
        ("pending_cancel", part, OrderStatus::PartiallyFilled),
        ("pending_replace", open, OrderStatus::Open),
        ("calculated", done, OrderStatus::Filled),
        ("suspended", open, OrderStatus::Open),
        ("order_replace_rejected", open, OrderStatus::Open),
        ("order_cancel_rejected", part, OrderStatus::PartiallyFilled),
        ("canceled", part, OrderStatus::Canceled),
        ("expired", part, OrderStatus::Expired),
        ("rejected", open, OrderStatus::Rejected),
        ("replaced", open, OrderStatus::Replaced),
    ] {
        let got = facts("alpaca/trade", &trade(event, of_order, ""));
        assert_eq!(got, [order(Side::Sell, expected, None)], "{event}");
    }
}

#[test]
fn a_bust_undoes_and_a_correction_replaces_an_execution() {
    let bust =
        |execution| of_holding("2022-04-19T14:12:30.602193534Z", FactKind::Bust { execution: id(execution) });
    let busted = r#""side":"buy","qty":"4","filled_qty":"0","status":"canceled""#;
    let state = order(Side::Buy, OrderStatus::Canceled, None);
    let named = trade("trade_bust", busted, r#""previous_execution_id":"aaaa","#);
    assert_eq!(facts("alpaca/trade", &named), [state.clone(), bust("alpaca:aaaa")]);
    assert_eq!(facts("alpaca/trade", &trade("trade_bust", busted, "")), [state, bust(EXECUTION)]);
    let corrected =
        r#""side":"buy","qty":"4","filled_qty":"3","filled_avg_price":"10","status":"partially_filled""#;
    let got = facts("alpaca/trade", &trade("trade_correct", corrected, r#""previous_execution_id":"aaaa","#));
    let state = order(Side::Buy, OrderStatus::PartiallyFilled, None);
    assert_eq!(got, [state, bust("alpaca:aaaa"), fill(Side::Buy, "3", "30 usd")]);
    assert_eq!(reason("alpaca/trade", &trade("trade_correct", corrected, "")), "unreadable");
}

#[test]
fn trades_that_cannot_be_read_for_certain_are_not_guessed() {
    let filled = r#""side":"buy","qty":"4","filled_qty":"4","filled_avg_price":"700","status":"filled""#;
    for (body, expected) in [
        (trade("fill", filled, "").replace("TSLA", "BTC/USD"), "symbol"),
        (trade("fill", filled, "").replace("us_equity", "crypto").replace("TSLA", "BTCUSD"), "symbol"),
        (trade("fill", filled, "").replace("TSLA", "AAPL240119C00100000"), "symbol"),
        (trade("fill", filled, "").replace("\"700\"", "null"), "unreadable"),
        (trade("fill", filled, "").replace("\"700\"", "\"0\""), "unreadable"),
        (trade("fill", filled, "").replace("\"buy\"", "\"hold\""), "unreadable"),
        (trade("fill", filled, "").replace(r#""filled_qty":"4""#, r#""filled_qty":"0""#), "unreadable"),
        (trade("fill", filled, "").replace("2022-04-19T14:12:30.656741Z", "yesterday"), "unreadable"),
        (trade("fill", filled, "").replace("7e544af3-3104", "a/b"), "unreadable"),
        (trade("teleported", filled, ""), "unknown_type"),
        ("{}".to_owned(), "unknown_type"),
        ("[]".to_owned(), "unreadable"),
    ] {
        assert_eq!(reason("alpaca/trade", &body), expected, "{body}");
    }
}

#[test]
fn accounts_stand_as_the_broker_says() {
    for (status, expected) in [
        ("SUBMITTED", AccountStatus::Submitted),
        ("APPROVAL_PENDING", AccountStatus::InReview),
        ("ACTION_REQUIRED", AccountStatus::InReview),
        ("ACCOUNT_UPDATED", AccountStatus::InReview),
        ("APPROVED", AccountStatus::Approved),
        ("ACTIVE", AccountStatus::Active),
        ("DISABLED", AccountStatus::Restricted),
        ("REJECTED", AccountStatus::Rejected),
        ("ACCOUNT_CLOSED", AccountStatus::Closed),
    ] {
        let at = "2021-06-14T09:59:15.558338Z";
        for body in [
            format!(
                r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","account_number":"937975699","at":"{at}","event_id":122040,"kyc_results":null,"status_from":"","status_to":"{status}"}}"#
            ),
            // The seed's server's form.
            format!(
                r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","account_number":"937975699","status":"{status}","status_from":"APPROVED","reason":"","at":"{at}"}}"#
            ),
        ] {
            let kind = FactKind::Account { status: expected };
            let expected = Fact { subject: Subject::Account(id(ACCOUNT)), at: at.parse().unwrap(), kind };
            assert_eq!(facts("alpaca/account", &body), [expected], "{body}");
        }
    }
    let blocked =
        r#"{"account_id":"a","at":"2021-06-14T09:59:15Z","status_to":"ACTIVE","trading_blocked":true}"#;
    assert_eq!(
        facts("alpaca/account", blocked)[0].kind,
        FactKind::Account { status: AccountStatus::Restricted }
    );
    for (body, expected) in [
        (r#"{"account_id":"a","at":"2021-06-14T09:59:15Z","status_to":"DREAMING"}"#, "unknown_status"),
        (
            r#"{"account_id":"a","at":"2021-06-14T09:59:15Z","status_to":"","crypto_status_to":"ACTIVE"}"#,
            "no_effect",
        ),
        (r#"{"at":"2021-06-14T09:59:15Z","status_to":"ACTIVE"}"#, "unreadable"),
    ] {
        assert_eq!(reason("alpaca/account", body), expected);
    }
}

#[test]
fn transfers_are_posted_only_where_entries_are_not() {
    for (status, expected) in [
        ("QUEUED", TransferStatus::Pending),
        ("SENT_TO_CLEARING", TransferStatus::Pending),
        ("COMPLETE", TransferStatus::Settled),
        ("REJECTED", TransferStatus::Failed),
        ("CANCELED", TransferStatus::Failed),
        ("RETURNED", TransferStatus::Returned),
    ] {
        let body = format!(
            r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","at":"2021-06-10T19:52:24.066998Z","event_id":15961,"status_from":"QUEUED","status_to":"{status}","transfer_id":"c4ed4206-697b-4859-ab71-b9de6649859d"}}"#
        );
        for (cash, posting_mode) in [("activities", PostingMode::Memo), ("transfers", PostingMode::Post)] {
            let fact = Expected {
                transfer: "alpaca:c4ed4206-697b-4859-ab71-b9de6649859d",
                at: "2021-06-10T19:52:24.066998Z",
                account: Some(ACCOUNT),
                direction: None,
                amount: None,
                status: expected,
                posting_mode,
            };
            let config = crate::settings("ledger.alpaca_cash", cash);
            assert_eq!(
                read("alpaca/transfer", &body, &config),
                Interpretation::Facts(vec![fact.fact()]),
                "{status}"
            );
        }
    }
    let funding = r#"{"account_id":"a","at":"2026-01-02T00:00:00Z","entity_type":"Transfer","entity_id":"t","status_to":"COMPLETE","direction":"INCOMING","amount":"100.00"}"#;
    let FactKind::Transfer { direction, amount, .. } = facts("alpaca/transfer", funding)[0].kind else {
        panic!("a transfer")
    };
    assert_eq!((direction, amount), (Some(Direction::Inbound), Some(money("100 usd"))));
    assert_eq!(reason("alpaca/transfer", &funding.replace("\"Transfer\"", "\"FundingWallet\"")), "no_effect");
    assert_eq!(reason("alpaca/transfer", &funding.replace("COMPLETE", "LOST")), "unknown_status");
}

fn cash(entry: &str, kind: CashKind, amount: &str, status: EntryStatus, posting_mode: PostingMode) -> Fact {
    let (account, amount) = (id(ACCOUNT), money(amount));
    let kind = FactKind::Cash { account, kind, amount, status, posting_mode };
    Fact { subject: Subject::CashEntry(id(entry)), at: "2026-01-02T15:04:05Z".parse().unwrap(), kind }
}

fn nta(kind: &str, net_amount: &str, more: &str) -> String {
    format!(
        r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","at":"2026-01-02T15:04:05Z","entry_type":"{kind}","event_id":5,"id":"e1","net_amount":{net_amount},"per_share_amount":null,"price":"","qty":0,"settle_date":"2026-01-02","status":"executed","symbol":"TSLA"{more}}}"#
    )
}

#[test]
fn entries_are_read_to_the_cent_from_json_numbers() {
    for (kind, amount, expected_kind, expected) in [
        ("CSD", "9999999999.07", CashKind::Deposit, "9999999999.07 usd"),
        // As a double times 100: 434.99999999999994.
        ("CSW", "-4.35", CashKind::Withdrawal, "-4.35 usd"),
        ("DIV", "1.2", CashKind::Dividend, "1.20 usd"),
        ("DIVNRA", "-0.18", CashKind::Tax, "-0.18 usd"),
        ("INT", "1e-2", CashKind::Interest, "0.01 usd"),
        ("FEE", "-0.05", CashKind::Fee, "-0.05 usd"),
        ("JNLC", "25", CashKind::Journal, "25 usd"),
    ] {
        let expected = cash("alpaca:e1", expected_kind, expected, EntryStatus::Executed, PostingMode::Post);
        assert_eq!(facts("alpaca/nta", &nta(kind, amount, "")), [expected], "{kind}");
    }
    assert_eq!(reason("alpaca/nta", &nta("DIV", "0.005", "")), "unreadable");
    assert_eq!(reason("alpaca/nta", &nta("DIV", "null", "")), "unreadable");
    assert_eq!(reason("alpaca/nta", &nta("DIV", "1e300", "")), "unreadable");
    assert_eq!(reason("alpaca/nta", &nta("SPIN", "0", "")), "by_hand");
    assert_eq!(reason("alpaca/nta", &nta("MEM", "0", "")), "no_effect");
    assert_eq!(reason("alpaca/nta", &nta("NEW", "0", "")), "unknown_type");
    assert_eq!(reason("alpaca/nta", &nta("DIV", "1", r#","currency":"DOGE""#)), "currency");
}

#[test]
fn deposits_are_booked_by_one_of_two_that_tell_of_them() {
    let nta_list = SettingValue::Text(Some("nta".to_owned()));
    let config = crate::settings("ledger.alpaca_cash", "transfers").with("ledger.alpaca_entries", &nta_list);
    for (kind, expected_kind, posting_mode) in [
        ("CSD", CashKind::Deposit, PostingMode::Memo),
        ("CSW", CashKind::Withdrawal, PostingMode::Memo),
        ("DIV", CashKind::Dividend, PostingMode::Post),
    ] {
        let expected = cash("alpaca:e1", expected_kind, "5 usd", EntryStatus::Executed, posting_mode);
        assert_eq!(
            read("alpaca/nta", &nta(kind, "5", ""), &config),
            Interpretation::Facts(vec![expected]),
            "{kind}"
        );
    }
}

fn activity(kind: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"account_id":"529248ad-c4cc-4a50-bea4-6bfd2953f83a","activity_type":"{kind}","at":"2026-01-02T15:04:05Z","currency":"USD","event_id":"01KD","executed_at":"2026-01-01T00:00:00Z","ref_id":"r1","settle_date":"2026-01-02","status":"{status}",{more}}}"#
    )
}

#[test]
fn a_correction_stands_in_for_what_it_corrects() {
    let corrects = activity("DIV", "correct", r#""net_amount":"2.00","previous_id":"r0","details":{}"#);
    let supersedes = Fact {
        subject: Subject::CashEntry(id("alpaca:r0")),
        at: "2026-01-02T15:04:05Z".parse().unwrap(),
        kind: FactKind::Superseded { by: id("alpaca:r1") },
    };
    let holds = cash("alpaca:r1", CashKind::Dividend, "2 usd", EntryStatus::Executed, PostingMode::Post);
    assert_eq!(facts("alpaca/activity", &corrects), [holds, supersedes.clone()]);
    let cancels = activity("DIV", "canceled", r#""net_amount":"-1.00","previous_id":"r0","details":{}"#);
    let gone = cash("alpaca:r1", CashKind::Dividend, "-1 usd", EntryStatus::Canceled, PostingMode::Post);
    assert_eq!(facts("alpaca/activity", &cancels), [gone, supersedes]);
    let itself = activity("CSD", "pending", r#""net_amount":"1.00","previous_id":"r1","details":{}"#);
    let pending = cash("alpaca:r1", CashKind::Deposit, "1 usd", EntryStatus::Pending, PostingMode::Post);
    assert_eq!(facts("alpaca/activity", &itself), [pending]);
    assert_eq!(
        reason("alpaca/activity", &activity("DIV", "dreaming", r#""net_amount":"1","details":{}"#)),
        "unknown_status"
    );
    let tax = activity("DIV", "executed", r#""activity_subtype":"DIVNRA","net_amount":"-1","details":{}"#);
    let expected = cash("alpaca:r1", CashKind::Tax, "-1 usd", EntryStatus::Executed, PostingMode::Post);
    assert_eq!(facts("alpaca/activity", &tax), [expected]);
}

#[test]
fn the_older_shape_names_its_subtype_in_its_own_way() {
    let stock_dividend = nta("DIV", "0", r#","entry_sub_type":"SDIV""#);
    assert_eq!(reason("alpaca/nta", &stock_dividend), "by_hand");
    let tax = nta("DIV", "-1", r#","entry_sub_type":"DIVNRA""#);
    let expected = cash("alpaca:e1", CashKind::Tax, "-1 usd", EntryStatus::Executed, PostingMode::Post);
    assert_eq!(facts("alpaca/nta", &tax), [expected]);
}

#[test]
fn fills_among_activities_are_left_to_trades_but_busts_are_not() {
    let details = r#""qty":"1","price":"10","details":{"order_id":"o","side":"buy","symbol":"TSLA","cum_qty":"1","leaves_qty":"0","execution_type":"fill"}"#;
    assert_eq!(reason("alpaca/activity", &activity("FILL", "executed", details)), "no_effect");
    let bust = format!(r#""previous_id":"x1",{}"#, details.replace("\"fill\"", "\"trade_bust\""));
    let kind = FactKind::Bust { execution: id("alpaca:x1") };
    assert_eq!(
        facts("alpaca/activity", &activity("FILL", "canceled", &bust)),
        [of_holding("2026-01-02T15:04:05Z", kind)]
    );
    let journal = r#"{"at":"2021-05-07T10:28:23.163857Z","entry_type":"JNLC","event_id":1406,"journal_id":"2f144d2a","status_from":"","status_to":"queued"}"#;
    assert_eq!(reason("alpaca/journal", journal), "no_effect");
}

#[test]
fn one_book_of_entries_is_read_where_it_is_named() {
    let nta = r#"{"account_id":"a","at":"2026-01-02T00:00:00Z","entry_type":"DIV","id":"n1","net_amount":1.5,"status":"executed"}"#;
    let activity = r#"{"account_id":"a","at":"2026-01-02T00:00:00Z","activity_type":"DIV","details":{},"event_id":"e1","net_amount":"1.5","ref_id":"r1","status":"executed"}"#;
    for (entries, reads_nta, reads_activity) in
        [("either", true, true), ("nta", true, false), ("activities", false, true)]
    {
        let config = crate::settings("ledger.alpaca_entries", entries);
        let is_read = |channel, body| matches!(read(channel, body, &config), Interpretation::Facts(_));
        assert_eq!(is_read("alpaca/nta", nta), reads_nta, "{entries}");
        assert_eq!(is_read("alpaca/activity", activity), reads_activity, "{entries}");
    }
    // One dividend in both lists, with an id in each, is one dividend unless somebody asks for both.
    let is_read =
        |channel, body| matches!(read(channel, body, &ProviderSettings::default()), Interpretation::Facts(_));
    assert_eq!((is_read("alpaca/nta", nta), is_read("alpaca/activity", activity)), (false, true));
}
