"""Reads PromQL expressions of dashboards and rules: which series they select, and by which function."""

import datetime
from typing import NamedTuple

import promql_parser

# Durations that no expression contains, by which Grafana's variables are recognised again.
RATE_INTERVAL, RANGE = datetime.timedelta(seconds=61), datetime.timedelta(minutes=67)
VARIABLES = {"$__rate_interval": "61s", "$__range": "67m", "$instance": ".*"}


class Selector(NamedTuple):
    metric: str
    # Pairs of a label and a matcher, such as ("status", 'status=~"5.."').
    matchers: tuple
    # The function around it, such as "rate", or None.
    function: str | None
    # Of its range, or None.
    range: datetime.timedelta | None

    def text(self):
        return self.metric + "{" + ",".join(text for _, text in self.matchers) + "}"


def replaced(expression, values):
    """With the values of Grafana's variables, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expression = expression.replace(name, values[name])
    return expression


def parsed(expression):
    return promql_parser.parse(replaced(expression, VARIABLES))


def children(node):
    found = list(getattr(node, "args", None) or [])
    return found + [child for child in (getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")) if child]


def selectors(node, function=None, window=None):
    """Every selector in the expression."""
    if isinstance(node, promql_parser.MatrixSelector):
        yield from selectors(node.vector_selector, function, node.range)
    elif isinstance(node, promql_parser.VectorSelector):
        matchers = [(one.name, f'{one.name}{SIGNS[str(one.op)]}"{one.value}"') for one in node.matchers.matchers]
        yield Selector(node.name or "", tuple(matchers), function, window)
    else:
        if isinstance(node, promql_parser.Call):
            function = node.func.name
        for child in children(node):
            yield from selectors(child, function, None)


def groupings(node):
    """The labels of each aggregation, with the selectors inside it."""
    labels = getattr(getattr(node, "modifier", None), "labels", None)
    if isinstance(node, promql_parser.AggregateExpr) and labels and "By" in str(node.modifier.type):
        yield list(labels), list(selectors(node.expr))
    for child in children(node):
        yield from groupings(child)


SIGNS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
