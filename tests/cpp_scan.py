"""C++ as house_test.py reads it: tokens, functions and their lengths, copies.

No compiler: a lexer, and brackets. It knows enough of declarations to tell a function's body from a
class, a namespace, an initialiser and the braces of a constructor's member list. Code that the
preprocessor would leave out is read as well.
"""

import collections
import dataclasses
import re

TOKEN = re.compile(r"""
    (?P<skip> //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:[^\n\\]|\\.)* )
  | (?P<text> (?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)" | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
            | (?:u8|[uUL])?'(?:\\.|[^'\\\n])+' )
  | (?P<number> \.?\d(?:[eEpP][-+]|'?[\w.])* )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<sign> <=>|::|->|\+\+|--|<<=|<<|>=|<=|==|!=|&&|\|\||[-+*/%&|^]= | \S )
""", re.VERBOSE | re.DOTALL | re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str  # text, number, name, sign
    text: str
    line: int  # the first one
    last_line: int


def tokens(source):
    """All tokens but comments and preprocessor lines. `>>` is two, as templates want it."""
    found, line, at = [], 1, 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", at, match.start())
        at = match.start()
        if match.lastgroup != "skip" and match.group("skip") is None:
            kind = next(k for k in ("text", "number", "name", "sign") if match.group(k) is not None)
            found.append(Token(kind, match.group(), line, line + match.group().count("\n")))
    return found


# Functions.

@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.line + 1


CLOSING = {"(": ")", "[": "]", "{": "}"}
# What may stand between a function's parameters and its body, besides a trailing type.
BEFORE_BODY = {")", "}", "const", "noexcept", "override", "final", "&", "&&", "try", "]", "mutable",
               "constexpr"}


def matching(code, at):
    """Index of the bracket that closes the one at `at`; the last token's where none does."""
    depth = 0
    for i in range(at, len(code)):
        text = code[i].text
        if code[i].kind != "sign":
            continue
        if text in CLOSING:
            depth += 1
        elif text in CLOSING.values():
            depth -= 1
            if depth == 0:
                return i
    return len(code) - 1


def after_template(code, at):
    """Index behind `template <...>` (or several) at `at`."""
    while at + 1 < len(code) and code[at].text == "template" and code[at + 1].text == "<":
        depth = 0
        at += 1
        while at < len(code):
            text = code[at].text
            if text in ("(", "[", "{"):
                at = matching(code, at)
            elif text == "<":
                depth += 1
            elif text == ">":
                depth -= 1
            at += 1
            if depth == 0:
                break
    return at


class Head:
    """A declaration up to one of its `{`: tokens, with what is in brackets left out."""

    def __init__(self, code, begin, brace):
        self.flat, i = [], after_template(code, begin)
        while i < brace:
            self.flat.append(code[i])
            i = matching(code, i) if code[i].kind == "sign" and code[i].text in CLOSING else i
            if code[i].text in CLOSING.values() and code[i].kind == "sign":
                self.flat.append(code[i])
            i += 1
        self.words = [token.text for token in self.flat]
        self.last = self.words[-1] if self.words else ""

    def first(self):
        """The first word that is no attribute or specifier."""
        for word in self.words:
            if word not in ("inline", "static", "constexpr", "typedef", "extern", "[", "]", "friend",
                            "export"):
                return word
        return ""

    def is_scope(self):
        """Of namespaces, classes, `extern "C"`."""
        if self.first() in ("namespace", "class", "struct", "union"):
            return "(" not in self.words or self.first() == "namespace"
        return bool(self.words) and self.words[0] == "extern" and len(self.words) == 2

    def is_initialised(self):
        """Has an = of its own, which is no part of an operator's name."""
        return any(word == "=" and (i == 0 or self.words[i - 1] != "operator")
                   for i, word in enumerate(self.words))

    def parameters_end(self):
        """Index in words of the `)` of the parameters; None without any."""
        start = 0
        for i, word in enumerate(self.words):
            if word == "operator":
                start = i + (3 if self.words[i + 1:i + 3] == ["(", ")"] else 1)
        for i in range(start, len(self.words)):
            if self.words[i] == ")":
                return i
        return None

    def has_parameters(self):
        return self.parameters_end() is not None and not self.is_initialised()

    def is_function(self):
        """Whether the brace behind is a function's body."""
        if self.first() == "enum" or self.is_initialised():
            return False
        end = self.parameters_end()
        if end is None:
            return False
        rest = self.words[end + 1:]
        if ":" in rest:  # members' initialisers: theirs follow a name, the body does not
            return self.last in (")", "}")
        return self.last in BEFORE_BODY or "->" in rest or "requires" in rest

    def name(self):
        for i, word in enumerate(self.words):
            if word == "operator":
                return "operator" + self.words[i + 1]
            if word == "(":
                return self.words[i - 1] if i else "?"
        return next((t.text for t in reversed(self.flat) if t.kind == "name"), "?")


def functions(source):
    """Every function that is defined, members and operators among them, from the first line of its
    declaration (template, attributes) to that of its closing brace. Lambdas and local classes count
    to the function that they are in; a lambda that is none's is a function of its own."""
    code = tokens(source)
    found = []
    scan_scope(code, 0, len(code), found)
    return found


def scan_scope(code, at, end, found):
    """Declarations of code[at:end]."""
    begin = at
    while at < end:
        token = code[at]
        if token.kind != "sign":
            # An access label is no part of what follows it.
            if token.text in ("public", "private", "protected") and code[at + 1].text == ":":
                at, begin = at + 2, at + 2
                continue
        elif token.text == ";":
            begin = at + 1
        elif token.text in ("(", "["):
            at = matching(code, at)
        elif token.text == "{":
            close = matching(code, at)
            head = Head(code, begin, at)
            if head.is_scope():
                scan_scope(code, at + 1, close, found)
                begin = close + 1
            elif head.is_function():
                found.append(Function(head.name(), code[begin].line, code[close].line))
                begin = close + 1
            elif not head.has_parameters():  # else of a constructor's members
                scan_initialiser(code, begin, at, close, found)
            at = close
        at += 1


def scan_initialiser(code, begin, at, close, found):
    """Lambdas between the braces of an initialiser, or the one whose body they are."""
    i = at
    while i < close:
        if code[i].kind == "sign" and code[i].text == "{":
            start = lambda_start(code, begin, i)
            if start is not None:
                end = matching(code, i)
                name = next((t.text for t in reversed(code[begin:start]) if t.kind == "name"), "?")
                found.append(Function(f"lambda near {name}", code[i].line, code[end].line))
                i = end
        i += 1


def lambda_start(code, begin, brace):
    """Index of the [ when the brace begins a lambda's body: `[...] {`, `[...](...) {`, or with a type
    between; else None."""
    i = brace - 1
    while i >= begin and not (code[i].kind == "sign" and code[i].text in ("=", ",", ";", "{", "}")):
        if code[i].kind == "sign" and code[i].text == ")":
            i = matching_back(code, i, "(", ")")
        elif code[i].kind == "sign" and code[i].text == "]":
            start = matching_back(code, i, "[", "]")
            before = code[start - 1]  # of a subscript, a name or what is in brackets
            return start if before.kind == "sign" and before.text not in (")", "]") else None
        i -= 1
    return None


def matching_back(code, at, opening, closing):
    """Index of the bracket that the one at `at` closes; 0 where none does."""
    depth = 0
    for i in range(at, -1, -1):
        if code[i].kind == "sign":
            depth += {closing: 1, opening: -1}.get(code[i].text, 0)
        if depth == 0:
            return i
    return 0


# Copies.

@dataclasses.dataclass(frozen=True)
class Copy:
    tokens: int
    first: str  # file
    first_lines: tuple
    second: str
    second_lines: tuple

    def __str__(self):
        return (f"{self.tokens} tokens: {self.first}:{self.first_lines[0]}-{self.first_lines[1]} and "
                f"{self.second}:{self.second_lines[0]}-{self.second_lines[1]}")


def copies(sources, least):
    """Runs of at least `least` tokens that stand in two places of `sources` (file -> text). Names
    count as they are written; all numbers are alike, and all texts. Of a run that repeats itself, as
    a table's rows do, the first pair of places that do not overlap."""
    stream, places = [], []
    for file, source in sources.items():
        for token in tokens(source):
            stream.append(token.text if token.kind in ("name", "sign") else token.kind)
            places.append((file, token))
        stream.append((file,))  # equal to nothing else
        places.append((file, None))
    seen = collections.defaultdict(list)
    for i in range(len(stream) - least + 1):
        window = tuple(stream[i:i + least])
        if all(isinstance(word, str) for word in window):
            seen[window].append(i)
    found, covered = [], set()
    for at in sorted(seen.values()):
        for a, b in ((a, b) for n, a in enumerate(at) for b in at[n + 1:]):
            if b - a < least or (a, b) in covered:
                continue
            length = least
            while stream[a + length] == stream[b + length] and a + length < b:
                length += 1
            covered.update((a + k, b + k) for k in range(length - least + 1))
            found.append(copy_of(places, a, b, length))
    return without_shifts(sorted(found, key=lambda one: (-one.tokens, one.first, one.first_lines)))


def copy_of(places, a, b, length):
    def lines(i):
        return places[i][1].line, places[i + length - 1][1].last_line
    return Copy(length, places[a][0], lines(a), places[b][0], lines(b))


def without_shifts(found):
    """Each pair of places once: not again a few tokens further on, as the rows of a table give it."""
    kept = []
    for one in found:
        if not any(same_place(one, other) for other in kept):
            kept.append(one)
    return kept


def same_place(one, other):
    def meet(a, b):
        return a[0] <= b[1] and b[0] <= a[1]
    return ((one.first, one.second) == (other.first, other.second) and
            meet(one.first_lines, other.first_lines) and meet(one.second_lines, other.second_lines))
