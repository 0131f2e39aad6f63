#!/usr/bin/env python3
"""Draws the house: wings, rooms and who uses whom, as CMake has them (house.py), for README.

    scripts/draw_house.py [BUILD/house.json]      writes docs/house.svg

A wing is a band, and stands on those below it. In it, an arrow goes from a room to one that it uses;
below a room's name are the rooms of other wings that it uses. Of both, what a room has through
others that it uses is left out. Same rooms, same bytes: nothing but these names is drawn.
"""

import pathlib
import sys

import house

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "house.svg"

# Pixels. README shows the picture at about this width.
WIDTH, MARGIN, WING_GAP = 880, 10, 24
MOST_ROOM_WIDTH, NAME_HEIGHT, LINE_HEIGHT, ROOM_PADDING = 122, 20, 12, 7
COLUMN_GAP, ROW_GAP, TITLE_HEIGHT, PADDING = 17, 10, 27, 12
NAME_SIZE, USES_SIZE, USES_LETTER = 13, 10, 5.3  # USES_LETTER: width of a letter of that size

# From above to below; wings of one story do not use each other.
STORIES = [["doors"], ["simulator", "switch", "runtime"], ["brain"], ["ground"]]
LOOKS = {  # colour, what the wing is
    "doors": ("#4a5560", "programs and packages over the rooms"),
    "simulator": ("#1f6f8b", "a body of the brain: a training job, its flows and packets"),
    "switch": ("#3f7d4e", "a body of the brain: the optical switch and its daemon"),
    "runtime": ("#6b4fa0", "a body of the brain: collectives between real processes"),
    "brain": ("#b3541e", "decides which circuits, and does not know which body it is in"),
    "ground": ("#8d6e3f", "what all speak"),
}


def columns_of(rooms, wing):
    """The wing's rooms by how long a chain of its rooms each one stands on, none first."""
    names = [room.name for room in rooms.values() if room.wing == wing]

    def depth(name):
        return max((1 + depth(used) for used in house.needed(rooms, name) if used in names), default=0)
    most = max(map(depth, names))
    return [[name for name in names if depth(name) == at] for at in range(most + 1)]


def wrapped(words, width):
    """Words in lines of at most `width` pixels."""
    lines = []
    for word in words:
        if lines and (len(lines[-1]) + 1 + len(word)) * USES_LETTER <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


class Band:
    """A wing as it is drawn, once put() has said where."""

    def __init__(self, rooms, wing):
        self.wing = wing
        self.colour, self.what = LOOKS[wing]
        self.columns = columns_of(rooms, wing)
        inside = WIDTH - 2 * MARGIN - 2 * PADDING
        self.room_width = min(MOST_ROOM_WIDTH, (inside + COLUMN_GAP) / len(self.columns) - COLUMN_GAP)
        names = [name for column in self.columns for name in column]
        self.arrows = [(name, used) for name in names for used in sorted(house.needed(rooms, name))
                       if used in names]
        self.uses = {name: wrapped(sorted(house.needed(rooms, name) - set(names)), self.room_width - 8)
                     for name in names}
        self.room_height = (2 * ROOM_PADDING + NAME_HEIGHT - 4 +
                            LINE_HEIGHT * max(len(lines) for lines in self.uses.values()))
        tallest = max(map(len, self.columns))
        self.rooms_height = tallest * (self.room_height + ROW_GAP) - ROW_GAP
        self.height = TITLE_HEIGHT + self.rooms_height + PADDING
        self.y = 0
        self.places = {}  # of rooms: left, top

    def put(self, y):
        self.y = y
        step = self.room_width + COLUMN_GAP
        left = MARGIN + PADDING
        for at, column in enumerate(self.columns):
            spare = self.rooms_height - len(column) * (self.room_height + ROW_GAP) + ROW_GAP
            for row, name in enumerate(column):
                top = y + TITLE_HEIGHT + spare / 2 + row * (self.room_height + ROW_GAP)
                self.places[name] = (left + at * step, top)

    def draw(self):
        lines = [rectangle(MARGIN, self.y, WIDTH - 2 * MARGIN, self.height, 8, self.colour,
                           f'fill="{self.colour}" fill-opacity="0.1"'),
                 f'<text x="{MARGIN + PADDING}" y="{number(self.y + 19)}" font-size="15" '
                 f'fill="{self.colour}"><tspan font-weight="bold">{self.wing}/</tspan>'
                 f'<tspan dx="10" font-size="12" fill="#444c56">{self.what}</tspan></text>']
        for name, used in self.arrows:
            x, y = self.places[name]
            to_x, to_y = self.places[used]
            lines.append(arrow(x, y + self.room_height / 2, to_x + self.room_width,
                               to_y + self.room_height / 2, self.colour))
        for name, (x, y) in self.places.items():
            lines.append(rectangle(x, y, self.room_width, self.room_height, 5, self.colour,
                                   'fill="#ffffff"'))
            middle = x + self.room_width / 2
            # A name without a line below it stands in the middle.
            spare = self.room_height - 2 * ROOM_PADDING - NAME_HEIGHT + 4
            top = y + ROOM_PADDING + (spare - LINE_HEIGHT * len(self.uses[name])) / 2
            lines.append(text(middle, top + 12, name, NAME_SIZE, "#1f2328", "bold"))
            for at, words in enumerate(self.uses[name]):
                lines.append(text(middle, top + NAME_HEIGHT + 5 + at * LINE_HEIGHT, words, USES_SIZE,
                                  "#57606a", "normal"))
        return lines


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def rectangle(x, y, width, height, radius, colour, look):
    return (f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
            f'rx="{radius}" stroke="{colour}" {look}/>')


def text(x, y, words, size, colour, weight):
    return (f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" fill="{colour}" '
            f'font-weight="{weight}" text-anchor="middle">{words}</text>')


def arrow(x, y, to_x, to_y, colour):
    """From the left side of a room to the right side of another, farther left."""
    end = to_x + 2
    bend = max(8, (x - end) / 2)
    return (f'<path d="M{number(x)} {number(y)}C{number(x - bend)} {number(y)} {number(end + bend)} '
            f'{number(to_y)} {number(end)} {number(to_y)}" fill="none" stroke="{colour}" '
            f'stroke-width="1.4" marker-end="url(#head)"/>')


def stands_on(y):
    """The arrow from a story to the one below, in the gap that ends at y."""
    middle = WIDTH / 2
    return (f'<path d="M{number(middle)} {number(y - WING_GAP)}V{number(y - 3)}" stroke="#57606a" '
            f'stroke-width="3" marker-end="url(#head)"/>')


def uses_wings(rooms, wings):
    """The wings whose rooms the rooms of `wings` use."""
    return {rooms[used].wing for room in rooms.values() if room.wing in wings for used in room.uses}


def draw(rooms):
    """The picture as SVG."""
    bodies, lines, y, above = {room.wing for room in rooms.values()}, [], MARGIN, None
    for story in STORIES:
        wings = [wing for wing in story if wing in bodies]
        if not wings:
            continue
        if above is not None:
            if uses_wings(rooms, above) & set(wings):
                lines.append(stands_on(y))
        for wing in wings:
            band = Band(rooms, wing)
            band.put(y)
            lines += band.draw()
            y += band.height + (6 if wing != wings[-1] else WING_GAP)
        above = wings
    height = number(y - WING_GAP + MARGIN)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">',
        "<title>The wings and rooms of src/, and which uses which</title>",
        "<!-- Made by scripts/draw_house.py from CMake's targets. -->",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker>'
        '</defs>', f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *lines, "</svg>"]) + "\n"


def main():
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "house.json"
    if not file.is_file():
        sys.exit(f"draw_house: {file}: no such file; CMake writes it (cmake -S . -B build)")
    PICTURE.write_text(draw(house.read(file, ROOT)), encoding="utf-8")
    print(f"{PICTURE}: drawn")


if __name__ == "__main__":
    main()
