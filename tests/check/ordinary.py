"""Ordinary functions, as programmers and models write them: no rule may refuse one of them. The last function counts."""

ORDINARY = '''
def factorial(n):
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result
---
def primes(limit: int) -> list[int]:
    sieve = [True] * (limit + 1)
    sieve[:2] = [False, False]
    for i in range(2, int(limit ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = [False] * len(sieve[i * i :: i])
    return [i for i, prime in enumerate(sieve) if prime]
---
def fibonacci(count):
    a, b = 0, 1
    out = []
    while len(out) < count:
        out.append(a)
        a, b = b, a + b
    return out
---
def quicksort(values):
    if len(values) <= 1:
        return values
    pivot, *rest = values
    return quicksort([v for v in rest if v < pivot]) + [pivot] + quicksort([v for v in rest if v >= pivot])
---
from collections import Counter

def most_common_words(text, top):
    words = [w.strip(".,!?;:").lower() for w in text.split()]
    return [[w, c] for w, c in Counter(words).most_common(top)]
---
import re

def extract_emails(text):
    return re.findall(r"[\\w.+-]+@[\\w-]+\\.[\\w.]+", text)
---
import json

def parse_config(text):
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return {"error": error.msg, "line": error.lineno}
    return data
---
from datetime import date, timedelta

def working_days(start, end):
    day, last, count = date.fromisoformat(start), date.fromisoformat(end), 0
    while day <= last:
        count += day.weekday() < 5
        day += timedelta(days=1)
    return count
---
import statistics

def summary(values):
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "stdev": statistics.pstdev(values)}
---
class Node:
    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

def build_tree(values):
    root = None
    for value in values:
        if root is None:
            root = Node(value)
            continue
        at = root
        while True:
            side = "left" if value < at.value else "right"
            following = at.left if side == "left" else at.right
            if following is None:
                if side == "left":
                    at.left = Node(value)
                else:
                    at.right = Node(value)
                break
            at = following
    def walk(node):
        return [] if node is None else walk(node.left) + [node.value] + walk(node.right)
    return walk(root)
---
class UnionFind:
    """Disjoint sets with path compression."""

    def __init__(self, n):
        self._parent = list(range(n))
        self._size = [1] * n

    def find(self, x):
        while self._parent[x] != x:
            self._parent[x] = self._parent[self._parent[x]]
            x = self._parent[x]
        return x

    def union(self, a, b):
        a, b = self.find(a), self.find(b)
        if a == b:
            return False
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]
        return True

def components(n, edges):
    sets = UnionFind(n)
    for a, b in edges:
        sets.union(a, b)
    return len({sets.find(i) for i in range(n)})
---
import heapq

def dijkstra(graph, source):
    distances = {source: 0}
    queue = [(0, source)]
    while queue:
        distance, node = heapq.heappop(queue)
        if distance > distances[node]:
            continue
        for neighbour, weight in graph.get(node, {}).items():
            candidate = distance + weight
            if candidate < distances.get(neighbour, float("inf")):
                distances[neighbour] = candidate
                heapq.heappush(queue, (candidate, neighbour))
    return distances
---
from collections import deque

def bfs(graph, start, goal):
    seen, queue = {start}, deque([[start]])
    while queue:
        path = queue.popleft()
        if path[-1] == goal:
            return path
        for node in graph.get(path[-1], []):
            if node not in seen:
                seen.add(node)
                queue.append([*path, node])
    return None
---
def topological(graph):
    order, state = [], {}
    def visit(node):
        if state.get(node) == 1:
            raise ValueError(f"cycle at {node}")
        if node not in state:
            state[node] = 1
            for following in graph.get(node, ()):
                visit(following)
            state[node] = 2
            order.append(node)
    for node in graph:
        visit(node)
    return order[::-1]
---
from dataclasses import dataclass, field

@dataclass
class Invoice:
    lines: list[dict] = field(default_factory=list)
    tax: float = 0.2

    @property
    def net(self) -> float:
        return sum(line["price"] * line["count"] for line in self.lines)

    def gross(self) -> float:
        return round(self.net * (1 + self.tax), 2)

def invoice_total(lines, tax):
    return Invoice(lines, tax).gross()
---
from dataclasses import dataclass

@dataclass(frozen=True, order=True)
class Version:
    major: int
    minor: int = 0
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> "Version":
        return cls(*(int(part) for part in text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

def newest(versions):
    return str(max(Version.parse(v) for v in versions))
---
from enum import Enum, auto

class Light(Enum):
    RED = auto()
    GREEN = auto()
    AMBER = auto()

    def after(self):
        order = [Light.RED, Light.GREEN, Light.AMBER]
        return order[(order.index(self) + 1) % 3]

def lights(start, steps):
    light = Light[start]
    for _ in range(steps):
        light = light.after()
    return light.name
---
import csv

def read_rows(text):
    return [dict(row) for row in csv.DictReader(text.splitlines())]
---
import hashlib

def checksum(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
---
from functools import lru_cache

@lru_cache(maxsize=None)
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)

def stairs(n):
    return ways(n)
---
def matrix_multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]
---
def transpose(matrix):
    return [list(row) for row in zip(*matrix)]
---
def edit_distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y)))
        previous = current
    return previous[-1]
---
def knapsack(items, capacity):
    best = [0] * (capacity + 1)
    for weight, value in items:
        for room in range(capacity, weight - 1, -1):
            best[room] = max(best[room], best[room - weight] + value)
    return best[capacity]
---
def is_palindrome(text):
    cleaned = "".join(c.lower() for c in text if c.isalnum())
    return cleaned == cleaned[::-1]
---
import string

def caesar(text, shift):
    lower = string.ascii_lowercase
    table = str.maketrans(lower, lower[shift:] + lower[:shift])
    return text.lower().translate(table)
---
def roman(number):
    out = ""
    for value, sign in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
                        (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while number >= value:
            out, number = out + sign, number - value
    return out
---
def flatten(value):
    if not isinstance(value, list):
        return [value]
    return [leaf for part in value for leaf in flatten(part)]
---
def group_by(rows, key):
    groups: dict[str, list] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups
---
from itertools import groupby
from operator import itemgetter

def totals_by(rows, key, amount):
    rows = sorted(rows, key=itemgetter(key))
    return {k: sum(r[amount] for r in part) for k, part in groupby(rows, key=itemgetter(key))}
---
def merge(intervals):
    out = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([start, end])
    return out
---
def binary_search(values, target):
    low, high = 0, len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        if values[middle] == target:
            return middle
        if values[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return -1
---
from decimal import ROUND_HALF_UP, Decimal

def round_money(amount):
    return str(Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
---
from fractions import Fraction

def add_fractions(parts):
    total = sum((Fraction(p) for p in parts), Fraction(0))
    return f"{total.numerator}/{total.denominator}"
---
import math

def haversine(lat1, lon1, lat2, lon2):
    p1, p2 = math.radians(lat1), math.radians(lat2)
    a = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 6371.0 * 2 * math.asin(math.sqrt(a))
---
def temperature(value, unit):
    match unit:
        case "C":
            return value * 9 / 5 + 32
        case "F":
            return (value - 32) * 5 / 9
        case _:
            raise ValueError(f"unknown unit: {unit}")
---
def evaluate(expression):
    def parse_expression(tokens):
        value = parse_term(tokens)
        while tokens and tokens[0] in "+-":
            sign = tokens.pop(0)
            other = parse_term(tokens)
            value = value + other if sign == "+" else value - other
        return value
    def parse_term(tokens):
        value = parse_factor(tokens)
        while tokens and tokens[0] in "*/":
            sign = tokens.pop(0)
            other = parse_factor(tokens)
            value = value * other if sign == "*" else value / other
        return value
    def parse_factor(tokens):
        token = tokens.pop(0)
        if token == "(":
            value = parse_expression(tokens)
            tokens.pop(0)
            return value
        return float(token)
    import re
    return parse_expression(re.findall(r"\\d+\\.?\\d*|[-+*/()]", expression))
---
def balanced(text):
    pairs, stack = {")": "(", "]": "[", "}": "{"}, []
    for c in text:
        if c in pairs.values():
            stack.append(c)
        elif c in pairs and (not stack or stack.pop() != pairs[c]):
            return False
    return not stack
---
def validate_order(order):
    errors = []
    if not order.get("items"):
        errors.append("an order needs items")
    for index, item in enumerate(order.get("items", [])):
        if item.get("quantity", 0) <= 0:
            errors.append(f"item {index}: quantity must be positive")
    return errors
---
def delete_item(items, index):
    """Delete an item from a list."""
    items = list(items)
    del items[index]
    return items
---
def remove_duplicates(items):
    return list(dict.fromkeys(items))
---
def running_mean(values, window):
    out = []
    for i in range(len(values) - window + 1):
        out.append(sum(values[i : i + window]) / window)
    return out
---
def histogram(values, bins):
    low, high = min(values), max(values)
    width = (high - low) / bins or 1
    counts = [0] * bins
    for v in values:
        counts[min(int((v - low) / width), bins - 1)] += 1
    return counts
---
def linear_fit(xs, ys):
    n, sx, sy = len(xs), sum(xs), sum(ys)
    sxx, sxy = sum(x * x for x in xs), sum(x * y for x, y in zip(xs, ys))
    slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    return {"slope": slope, "intercept": (sy - slope * sx) / n}
---
def game_of_life(grid):
    rows, columns = len(grid), len(grid[0])
    def neighbours(r, c):
        return sum(grid[(r + i) % rows][(c + j) % columns] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
    return [[int(n == 3 or (n == 2 and grid[r][c])) for c in range(columns) for n in [neighbours(r, c)]]
            for r in range(rows)]
---
def permutations_of(items):
    if not items:
        yield []
    for i, item in enumerate(items):
        for rest in permutations_of(items[:i] + items[i + 1:]):
            yield [item, *rest]

def all_orders(items):
    return list(permutations_of(items))
---
import textwrap

def wrap(text, width):
    return textwrap.fill(text, width=width)
---
def slug(title):
    import re
    import unicodedata
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
---
import calendar

def days_in_month(year, month):
    return calendar.monthrange(year, month)[1]
---
import difflib

def suggest(word, known):
    return difflib.get_close_matches(word, known, n=3)
---
import bisect

def grade(score):
    return "FDCBA"[bisect.bisect([60, 70, 80, 90], score)]
---
import copy

def without(record, names):
    record = copy.deepcopy(record)
    for name in names:
        record.pop(name, None)
    return record
---
from typing import Any, Optional

def dig(data: Any, path: list[str], default: Optional[Any] = None) -> Any:
    for part in path:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return default
    return data
---
class Stack:
    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        if not self._items:
            raise IndexError("pop from an empty stack")
        return self._items.pop()

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)

def reverse_polish(tokens):
    stack = Stack()
    for token in tokens:
        if token in {"+", "-", "*"}:
            b, a = stack.pop(), stack.pop()
            stack.push(a + b if token == "+" else a - b if token == "-" else a * b)
        else:
            stack.push(int(token))
    return stack.pop()
---
class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return isinstance(other, Vector) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))

def walk(steps):
    at = Vector(0, 0)
    for dx, dy in steps:
        at = at + Vector(dx, dy)
    return [at.x, at.y]
---
class LRU:
    def __init__(self, size):
        from collections import OrderedDict
        self._kept, self._size = OrderedDict(), size

    def get(self, key):
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key, value):
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

def simulate(requests, size):
    cache, hits = LRU(size), 0
    for request in requests:
        hits += cache.get(request) is not None
        cache.put(request, True)
    return hits
---
class InsufficientFunds(ValueError):
    def __init__(self, missing):
        super().__init__(f"{missing} is missing")
        self.missing = missing

def withdraw(balance, amount):
    try:
        if amount > balance:
            raise InsufficientFunds(amount - balance)
    except InsufficientFunds as error:
        return {"ok": False, "missing": error.missing, "reason": str(error)}
    return {"ok": True, "balance": balance - amount}
---
def compile_report(rows):
    header = "| {:<10} | {:>8} |"
    lines = [header.format("name", "amount")]
    for row in rows:
        lines.append(header.format(row["name"], row["amount"]))
    return "\\n".join(lines)
---
def percent(part, whole):
    if not whole:
        return None
    return "%.1f%%" % (100 * part / whole)
---
def render(template, values):
    from string import Template
    return Template(template).safe_substitute(values)
---
def queens(n):
    def place(row, columns, left, right):
        if row == n:
            return 1
        return sum(
            place(row + 1, columns | {c}, left | {row - c}, right | {row + c})
            for c in range(n)
            if c not in columns and row - c not in left and row + c not in right
        )
    return place(0, frozenset(), frozenset(), frozenset())
---
def base_convert(number, base):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    if number == 0:
        return "0"
    out = ""
    while number:
        number, rest = divmod(number, base)
        out = digits[rest] + out
    return out
---
def allocate(stock, orders):
    left, done = dict(stock), []
    for order in orders:
        if (available := left.get(order["sku"], 0)) >= order["quantity"]:
            left[order["sku"]] = available - order["quantity"]
            done.append(order["id"])
    return {"output": {"done": done}, "writes": [["stock", sku, count] for sku, count in left.items()]}
---
def parse_log(lines):
    levels = {"INFO": 0, "WARNING": 0, "ERROR": 0}
    for number, line in enumerate(lines, start=1):
        level, _, message = line.partition(": ")
        if level not in levels:
            raise ValueError(f"line {number} has no level: {line!r}")
        levels[level] += bool(message)
    return levels
---
def shortest_format(value):
    return min((f"{value:g}", f"{value:.3f}", str(value)), key=len)
---
def eval_poly(coefficients, x):
    result = 0
    for coefficient in reversed(coefficients):
        result = result * x + coefficient
    return result
---
def open_orders(orders):
    opened = [order for order in orders if order["status"] == "open"]
    return sorted(opened, key=lambda order: (-order["priority"], order["id"]))
---
def schedule(tasks):
    tasks = sorted(tasks, key=lambda t: t["end"])
    chosen, free = [], float("-inf")
    for task in tasks:
        if task["start"] >= free:
            chosen.append(task["name"])
            free = task["end"]
    return chosen
'''.strip().split("\n---\n")  # fmt: skip
