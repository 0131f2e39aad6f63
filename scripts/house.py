"""The house as CMake has it: wings, rooms, who may use whom. For tests/house_test.py, draw_house.py.

Read from BUILD/house.json, which CMake writes (cmake/MixnetHouse.cmake). A room is a folder of src/
and the targets made of its sources; the rooms that these link, or have the headers of, it may use.
src/WING/ROOM/ is room ROOM of wing WING.
"""

import dataclasses
import json
import pathlib

# From the ground up; a wing may use itself and what is named beside it.
WINGS = {
    "ground": [],
    "brain": ["ground"],
    "simulator": ["ground", "brain"],
    "switch": ["ground", "brain"],
    "runtime": ["ground", "brain"],
    "doors": ["ground", "brain", "simulator", "switch", "runtime"],
}


@dataclasses.dataclass
class Room:
    name: str
    wing: str
    uses: set = dataclasses.field(default_factory=set)  # names of rooms, as CMake has them
    targets: list = dataclasses.field(default_factory=list)


def read(file, root):
    """The rooms of house.json by name, in the order in which CMake has them. `root`: the project."""
    targets = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    sources = pathlib.Path(root).resolve() / "src"
    rooms, room_of, room_seen = {}, {}, {}  # room_seen: by the folder through which headers are seen
    for target in targets:
        place = place_of(target, sources)
        if place is None or is_check(target):
            continue
        wing, name = place
        room = rooms.setdefault(name, Room(name, wing))
        room.targets.append(target["name"])
        room_of[target["name"]] = name
        room_seen.update(dict.fromkeys(target["INTERFACE_INCLUDE_DIRECTORIES"], name))
    for target in targets:
        if target["name"] in room_of:
            room = rooms[room_of[target["name"]]]
            linked = target["LINK_LIBRARIES"] + target["INTERFACE_LINK_LIBRARIES"]
            room.uses |= {room_of[one] for one in linked if one in room_of}
            room.uses |= {room_seen[one] for one in target["INCLUDE_DIRECTORIES"] if one in room_seen}
            room.uses.discard(room.name)
    return rooms


def is_check(target):
    """Whether it is a room's test, benchmark or fuzz target."""
    return target["type"] == "EXECUTABLE" and any(
        source.endswith(("_test.cc", "_bench.cc", "_fuzz.cc")) for source in target["SOURCES"])


def place_of(target, sources):
    """(wing, room) of a target; None when it has nothing to do with src/."""
    places = [pathlib.Path(target["SOURCE_DIR"][0], source) for source in target["SOURCES"]]
    # Without sources: the folder that its headers are seen through.
    places += [one for folder in target["INTERFACE_INCLUDE_DIRECTORIES"] if pathlib.Path(folder).is_dir()
               for one in sorted(pathlib.Path(folder).iterdir()) if one.is_symlink()]
    for place in places:
        place = place.resolve()
        if place.is_relative_to(sources):
            parts = place.relative_to(sources).parts
            return parts[0], parts[1] if len(parts) > 1 else parts[0]
    return None


def reach(rooms, name):
    """All that a room uses, and what these use, and so on."""
    found, todo = set(), [name]
    while todo:
        for used in rooms[todo.pop()].uses - found:
            found.add(used)
            todo.append(used)
    return found


def needed(rooms, name):
    """What a room uses but for what it has through others that it uses."""
    uses = rooms[name].uses
    return {one for one in uses if not any(one in reach(rooms, other) for other in uses - {one})}


def cycle(rooms):
    """Rooms that use each other in a circle, as a list; empty when there are none."""
    for name in rooms:
        if name in reach(rooms, name):
            return [name, *sorted(one for one in reach(rooms, name) if name in reach(rooms, one) and
                                  one != name)]
    return []
