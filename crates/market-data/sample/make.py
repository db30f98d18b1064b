#!/usr/bin/env python3
"""Makes the bundled sample from two published Python packages, byte for byte the same on every machine.

    pip download --no-deps bokeh-sampledata==2026.1 zipline-reloaded==3.2.1
    python3 make.py bokeh_sampledata-2026.1-*.whl zipline_reloaded-3.2.1-*.whl

Writes *.bars, spy_returns.bin and treasury_3_month.bin beside itself. Standard library only. No compression: the
columns are packed, so the output does not depend on anybody's version of zlib. All integers are little-endian.

*.bars               u32 n; n × i32 date (days since 1970-01-01); n × u32 open, high, low, close (units of 0.0001 USD,
                     as traded); n × u32 volume (shares, as traded); n × f64 adjusted close (USD, the source's)
spy_returns.bin      u32 n; n × i32 date; n × f64 simple daily total return
treasury_3_month.bin u32 n; n × i32 date; n × f64 annual rate, as a fraction
"""

import csv
import datetime
import decimal
import gzip
import hashlib
import io
import pathlib
import struct
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
FIRST, LAST = datetime.date(2000, 2, 1), datetime.date(2013, 3, 1)
INPUTS = {
    "bokeh_sampledata/_data/stocks.csv.gz": "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd",
    "zipline/resources/market_data/SPY_benchmark.csv": "8eab338c14685db192a341be27f20192c394932e4967743ad1a117e21ebd19b5",
    "zipline/resources/market_data/treasury_curves.csv": "3e8e514f057011ae523e82071fcde62dfba70d37bc03c43b6c113c9eceaea4cf",
}


def rows(wheels, name):
    """The rows of one CSV inside one of the wheels, once its checksum is the expected one."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if name in archive.namelist():
                content = archive.read(name)
                break
    else:
        sys.exit(f"{name} is in none of the wheels")
    if hashlib.sha256(content).hexdigest() != INPUTS[name]:
        sys.exit(f"{name} is not the file that this script was written for")
    text = gzip.decompress(content) if name.endswith(".gz") else content
    return list(csv.DictReader(io.StringIO(text.decode("utf-8"))))


def days(date):
    return (date - datetime.date(1970, 1, 1)).days


def units(price):
    """A price in units of 0.0001 USD, exactly."""
    scaled = decimal.Decimal(price) * 10_000
    if scaled != scaled.to_integral_value():
        sys.exit(f"price {price} has more than four decimals")
    return int(scaled)


def write(name, count, *columns):
    packed = struct.pack("<I", count) + b"".join(struct.pack(f"<{count}{kind}", *values) for kind, values in columns)
    (HERE / name).write_bytes(packed)
    print(hashlib.sha256(packed).hexdigest(), f"{len(packed):>7}", name)


def write_bars(symbol, bars):
    dates = [days(datetime.date.fromisoformat(bar["Date"])) for bar in bars]
    prices = [("I", [units(bar[field]) for bar in bars]) for field in ("Open", "High", "Low", "Close")]
    volume = ("I", [int(bar["Volume"]) for bar in bars])
    adjusted = ("d", [float(bar["Adj Close"]) for bar in bars])
    write(f"{symbol}.bars", len(bars), ("i", dates), *prices, volume, adjusted)


def write_series(name, table, date_field, value_field):
    pairs = [(datetime.date.fromisoformat(row[date_field][:10]), row[value_field]) for row in table]
    pairs = [(days(date), float(value)) for date, value in pairs if FIRST <= date <= LAST and value]
    write(name, len(pairs), ("i", [date for date, _ in pairs]), ("d", [value for _, value in pairs]))


def main(wheels):
    stocks, market, curve = (rows(wheels, name) for name in INPUTS)
    for symbol in SYMBOLS:
        write_bars(symbol, [bar for bar in stocks if bar["Ticker"] == symbol])
    write_series("spy_returns.bin", market, "date", "return")
    write_series("treasury_3_month.bin", curve, "Time Period", "3month")


if __name__ == "__main__":
    main(sys.argv[1:])
