"""Draws a dashboard from the results of its queries: panels in their places, with units, legends and thresholds.

It is no Grafana: it shows what a panel says, not how Grafana looks.
"""

import math
import re

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

# Inches of a column and of a row of Grafana's grid.
COLUMN, ROW = 0.62, 0.34
COLOURS = {"green": "#3a9b4b", "orange": "#e8862a", "red": "#d1344a", "blue": "#3274d9"}


def scaled(value, steps):
    """In the largest of these units that is not more than the value."""
    for size, suffix in steps:
        if abs(value) >= size:
            return f"{value / size:.3g} {suffix}"
    return f"{value / steps[-1][0]:.3g} {steps[-1][1]}"


def formatted(value, unit, decimals=None):
    if not math.isfinite(value):
        return str(value)
    if decimals is not None and unit in ("short", "none"):
        return f"{value:,.{decimals}f}"
    if unit == "percentunit":
        return f"{value * 100:.4g} %"
    if unit == "currencyUSD":
        return f"${value:,.2f}"
    if unit == "bytes":
        return scaled(value, [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")])
    if unit in ("s", "dtdurations"):
        return "0 s" if value == 0 else scaled(value, [(86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")])
    rate = {"reqps": " req/s", "cps": " /s"}.get(unit, "")
    return f"{value:,.4g}{rate}"


def legend(target, labels):
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), target["legendFormat"])


def override(panel, target, name, identity):
    """The property of this name that a query has of its own."""
    key = target["legendFormat"] if panel["type"] == "table" else target["refId"]
    rules = (rule for rule in panel["fieldConfig"]["overrides"] if rule["matcher"]["options"] == key)
    return next((one["value"] for rule in rules for one in rule["properties"] if one["id"] == name), identity)


def colour(value, thresholds):
    steps = [step for step in thresholds["steps"] if step["value"] is None or value >= step["value"]]
    return COLOURS.get(steps[-1]["color"], "black")


def last(samples):
    finite = [value for _, value in samples if math.isfinite(value)]
    return finite[-1] if finite else math.nan


def draw_graph(axes, panel, results, start):
    defaults = panel["fieldConfig"]["defaults"]
    right, lines, number = None, [], 0
    for target, series in zip(panel["targets"], results):
        unit = override(panel, target, "unit", defaults["unit"])
        if unit != defaults["unit"]:
            right = right or axes.twinx()
            right.yaxis.set_major_formatter(FuncFormatter(lambda value, _, unit=unit: formatted(value, unit)))
            right.tick_params(labelsize=6)
        for labels, samples in series:
            points = [(at - start, value) for at, value in samples]
            place = right if unit != defaults["unit"] else axes
            lines += place.plot(*zip(*points), color=f"C{number % 10}", linestyle="--" if place is right else "-",
                                linewidth=1, label=legend(target, labels))
            number += 1
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, defaults["unit"])))
    low, high = axes.get_ylim()
    low, high = defaults.get("min", low), defaults.get("max", high)
    high = high if high > low else low + 1
    # So that a line at the edge is seen.
    axes.set_ylim(low - (high - low) / 50, high + (high - low) / 30)
    if defaults["custom"]["thresholdsStyle"]["mode"] != "off":
        for step in defaults["thresholds"]["steps"][1:]:
            if low <= step["value"] <= high:
                axes.axhline(step["value"], color=COLOURS[step["color"]], linestyle=":", linewidth=1)
    axes.tick_params(labelsize=6)
    axes.grid(alpha=0.3)
    if lines:
        axes.legend(handles=lines, fontsize=5.5, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False)
    else:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center")


def draw_stat(axes, panel, results):
    defaults = panel["fieldConfig"]["defaults"]
    values = [(legend(target, labels), samples) for target, series in zip(panel["targets"], results) for labels, samples in series]
    axes.set_axis_off()
    for number, (name, samples) in enumerate(values):
        value, middle = last(samples), (number + 0.5) / len(values)
        text = formatted(value, defaults["unit"], defaults.get("decimals")) + (f"\n{name}" if len(values) > 1 else "")
        axes.text(middle, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=12,
                  color=colour(value, defaults["thresholds"]))
    if not values:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center")


def draw_table(axes, panel, results):
    unit, decimals = (panel["fieldConfig"]["defaults"].get(name) for name in ("unit", "decimals"))
    columns = [target["legendFormat"] for target in panel["targets"]]
    keys, rows = [], {}
    for column, series in zip(columns, results):
        for labels, samples in series:
            keys += [name for name in labels if name not in keys]
            rows.setdefault(tuple(sorted(labels.items())), {})[column] = last(samples)
    sort = panel["options"]["sortBy"][0]
    missing = -math.inf if sort["desc"] else math.inf
    def order(row):
        return row[1].get(sort["displayName"], missing) if sort["displayName"] in columns else dict(row[0]).get(sort["displayName"], "")
    texts, colours = [], []
    for labels, values in sorted(rows.items(), key=order, reverse=sort["desc"]):
        cells = [(dict(labels).get(key, ""), "black") for key in keys]
        for target, column in zip(panel["targets"], columns):
            value = values.get(column)
            thresholds = override(panel, target, "thresholds", None)
            text = "" if value is None else formatted(value, override(panel, target, "unit", unit), decimals)
            cells.append((text, colour(value, thresholds) if thresholds and value is not None else "black"))
        texts.append([text for text, _ in cells])
        colours.append([shade for _, shade in cells])
    axes.set_axis_off()
    if not texts:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center")
        return
    table = axes.table(cellText=texts, colLabels=keys + columns, loc="upper left", cellLoc="left", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    table.auto_set_column_width(range(len(keys + columns)))
    for (row, column), cell in table.get_celld().items():
        if row:
            cell.get_text().set_color(colours[row - 1][column])


def draw(dashboard, panels, path):
    """Writes the picture to `path`. `panels` are panels with the series of each of their queries."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) + 2
    figure = pyplot.figure(figsize=(24 * COLUMN, height * ROW))
    figure.text(0.01, 1 - 1 / height, dashboard["title"], fontsize=14, va="center")
    start = min((samples[0][0] for _, results in panels for series in results for _, samples in series), default=0)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        if panel["type"] == "row":
            figure.text(0.01, 1 - (place["y"] + 2.5) / height, panel["title"], fontsize=11, va="center", weight="bold")
    for panel, results in panels:
        place = panel["gridPos"]
        left, width = (place["x"] + 1) / 24, (place["w"] - 1.6) / 24
        # Room for the title above and, of a graph, for the legend below.
        below = 2.2 if panel["type"] == "timeseries" else 0.3
        bottom = 1 - (place["y"] + 2 + place["h"] - below) / height
        axes = figure.add_axes((left, bottom, width, (place["h"] - below - 1) / height))
        axes.set_title(panel["title"], fontsize=8, loc="left")
        if panel["type"] == "timeseries":
            draw_graph(axes, panel, results, start)
        elif panel["type"] == "stat":
            draw_stat(axes, panel, results)
        else:
            draw_table(axes, panel, results)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
