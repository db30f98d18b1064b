"""Compares dashboards and rules with a live server and the Prometheus that scraped it, and draws each panel from what it returns.

    live.py PROMETHEUS_URL METRICS_URL SECONDS FOLDER

SECONDS is how long Prometheus has scraped. It prints each fault; exit code 1 if there is one.
"""

import copy
import itertools
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

import draw
import lint
import promql

RULES = lint.ROOT / "configs/prometheus"
EXCEPTIONS = Path(__file__).parent / "exceptions.yaml"
SCRAPE_INTERVAL_S = 1
# Grafana's, for this scrape interval and this step, with room for a scrape that is late.
RATE_INTERVAL_S = 10
LEGEND_ENTRIES_MAX = 12


class Live:
    """What Prometheus and the server answer."""

    def __init__(self, prometheus, metrics, seconds):
        self.prometheus, self.end = prometheus, math.floor(time.time())
        self.start = self.end - seconds
        text = urllib.request.urlopen(metrics).read().decode()
        # The kind of each metric.
        self.exported = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
        self.labels, self.series = {}, {}
        for labels in self.get("series", {"match[]": '{__name__!=""}', "start": self.start, "end": self.end}):
            self.labels.setdefault(labels["__name__"], set()).update(labels)

    def get(self, path, parameters):
        url = f"{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        return json.load(urllib.request.urlopen(url))["data"]

    def has(self, selector):
        """Whether a series matches."""
        if selector not in self.series:
            self.series[selector] = bool(self.get("series", {"match[]": selector, "start": self.start, "end": self.end}))
        return self.series[selector]

    def query(self, target):
        """Series as pairs of labels and samples, the latter as pairs of a time and a value."""
        values = {"$__rate_interval": f"{RATE_INTERVAL_S}s", "$__range": f"{self.end - self.start}s", "$instance": ".*"}
        query = promql.replaced(target["expr"], values)
        if target["instant"]:
            result = self.get("query", {"query": query, "time": self.end})["result"]
            return [(one["metric"], [number(one["value"])]) for one in result]
        result = self.get("query_range", {"query": query, "start": self.start, "end": self.end, "step": SCRAPE_INTERVAL_S})["result"]
        return [(one["metric"], [number(sample) for sample in one["values"]]) for one in result]


def number(sample):
    return float(sample[0]), float(sample[1])


def rules():
    """Expressions with the names of their rules, and the names that are recorded."""
    found, recorded = [], set()
    for path in sorted(RULES.glob("**/*.yml")):
        for group in yaml.safe_load(path.read_text()).get("groups", []):
            for rule in group["rules"]:
                found.append((rule.get("alert") or rule["record"], rule["expr"]))
                recorded.update([rule["record"]] if "record" in rule else [])
    return found, recorded


def excused(metric, entries):
    return any(re.fullmatch(entry["match"], metric) for entry in entries)


def of_expression(where, expression, live, may_be_absent):
    node = promql.parsed(expression)
    for one in promql.selectors(node):
        if not excused(one.metric, may_be_absent):
            if one.metric not in live.labels:
                yield f"{where}: no metric {one.metric}"
            elif lost := [label for label, _ in one.matchers if label not in live.labels[one.metric]]:
                yield f"{where}: {one.metric} has no label {lost[0]}"
            elif not live.has(one.text()):
                yield f"{where}: no series {one.text()}"
    # By label_replace.
    made = set(re.findall(r'"(\w+)",\s*"[^"]*",\s*"\w+",\s*"[^"]*"\s*\)', expression))
    for labels, inside in promql.groupings(node):
        known = made.union(*(live.labels.get(one.metric, set()) for one in inside))
        if inside and not any(excused(one.metric, may_be_absent) for one in inside):
            yield from (f"{where}: no label {label} to group by" for label in labels if label not in known)


def contract(dashboards, rules, exceptions, live, documented):
    """What panels and rules read and the server does not export; what it exports and nobody reads, or docs/METRICS.md lacks."""
    used = [(f"{name}, {title}", text) for name, dashboard in dashboards.items() for title, text in lint.expressions(dashboard)]
    used += rules
    may_be_absent = exceptions["elsewhere"] + exceptions["not_here"] + exceptions["not_yet"]
    for where, expression in used:
        yield from of_expression(where, expression, live, may_be_absent)
    read = {one.metric for _, expression in used for one in promql.selectors(promql.parsed(expression))}
    for metric, kind in live.exported.items():
        names = {metric, *(metric + part for part in lint.PARTS_OF_HISTOGRAM if kind == "histogram")}
        if metric not in documented:
            yield f"docs/METRICS.md lacks {metric}"
        is_excused = excused(metric, exceptions["not_shown"])
        if not names & read and not is_excused:
            yield f"{metric} is in no panel and in no rule"
        if names & read and is_excused:
            yield f"exceptions: {metric} is shown"
    for entry in exceptions["not_shown"]:
        if not any(re.fullmatch(entry["match"], metric) for metric in live.exported):
            yield f"exceptions: {entry['match']} is not exported"
    for entry in exceptions["not_yet"]:
        if any(re.fullmatch(entry["match"], metric) for metric in live.labels):
            yield f"exceptions: {entry['match']} is exported now"
    for entry in exceptions["elsewhere"] if rules else []:
        if not any(re.fullmatch(entry["match"], metric) for metric in read):
            yield f"exceptions: nothing reads {entry['match']}"


def of_results(name, panel, results, exceptions):
    """Queries that return nothing, legends with unknown labels, and legends that are too long to read."""
    where, entries = f"{name}, {panel['title']}", 0
    may_be_absent = exceptions["not_here"] + exceptions["not_yet"]
    for target, series in zip(panel["targets"], results):
        metrics = [one.metric for one in promql.selectors(promql.parsed(target["expr"]))]
        if any(excused(metric, may_be_absent) for metric in metrics):
            continue
        if not any(math.isfinite(value) for _, samples in series for _, value in samples):
            yield f"{where}: {target['expr']} returns nothing"
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            if not all(label in labels for labels, _ in series):
                yield f"{where}: no label {label} for the legend"
        entries += len(series)
    if panel["type"] != "table" and entries > LEGEND_ENTRIES_MAX:
        yield f"{where}: {entries} entries in the legend"


# Each returns changed dashboards, rules and exceptions, and is a fault that contains the text.
def planted(dashboards, rules, exceptions):
    def in_panel(old, new):
        return json.loads(json.dumps(dashboards).replace(old, new)), rules, exceptions
    yield "no metric investiq_http_requests", in_panel("investiq_http_requests_total{", "investiq_http_requests{")
    yield "has no label code", in_panel('status=~\\"5..\\"', 'code=~\\"5..\\"')
    yield 'outcome="receivd"', in_panel('outcome=\\"received\\"', 'outcome=\\"receivd\\"')
    yield "no label path to group by", in_panel("by (route)", "by (path)")
    yield "investiq_aum_usd is in no panel", in_panel("investiq_aum_usd", "investiq_aum_unpriced")
    yield "HighErrorRate: no metric http_requests_total", (dashboards, [*rules, ("HighErrorRate", "rate(http_requests_total[5m]) > 1")], exceptions)
    shown = copy.deepcopy(exceptions)
    shown["not_shown"].append({"match": "investiq_aum_usd", "reason": "none"})
    yield "investiq_aum_usd is shown", (dashboards, rules, shown)
    unread = copy.deepcopy(exceptions)
    unread["elsewhere"].append({"match": "mysql_.*", "reason": "none"})
    yield "nothing reads mysql_.*", (dashboards, [*rules, ("Any", "vector(1)")], unread)


def main():
    prometheus, metrics, seconds, folder = sys.argv[1:]
    live, documented = Live(prometheus, metrics, int(seconds)), lint.kinds()
    dashboards, exceptions, (all_rules, recorded) = lint.dashboards(), yaml.safe_load(EXCEPTIONS.read_text()), rules()
    faults = list(contract(dashboards, all_rules, exceptions, live, documented))
    faults += [f"the rule {name} recorded nothing" for name in sorted(recorded - live.labels.keys())]
    for text, changed in planted(dashboards, all_rules, exceptions):
        if not any(text in fault for fault in contract(*changed, live, documented)):
            faults.append(f"a planted fault was not found: {text}")
    if not list(contract(dashboards, all_rules, exceptions, live, {})):
        faults.append("a metric that is not documented was not found")
    for name, dashboard in dashboards.items():
        panels = [(panel, [live.query(target) for target in panel["targets"]]) for panel in lint.graphs(dashboard)]
        faults += itertools.chain.from_iterable(of_results(name, panel, results, exceptions) for panel, results in panels)
        draw.draw(dashboard, panels, Path(folder) / f"{name.removesuffix('.json')}.png")
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
