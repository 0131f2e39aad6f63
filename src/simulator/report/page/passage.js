'use strict';
// How one micro-batch passes through a layer: what overlaps, and where the switch is dark.

const TRACKS = ['compute', 'scale-up', 'all-to-all', 'EPS', 'switch'];
const TRACK_NAMES = {'scale-up': 'in server', 'EPS': 'packet NICs'};

// By part: colours in the light and in the dark, what is drawn over it, and the colour of its name.
const SPANS = {
  'attention': ['#6c7580', '#97a0ab', '', 'paper'],
  'gate': ['#a9afb6', '#c3c8ce', '', 'ink'],
  'experts': ['#3f4852', '#6f7883', '', 'light'],
  'shared experts': ['#8d959f', '#aab1b9', '/', 'ink'],
  'dense FFN': ['#3f4852', '#6f7883', '', 'light'],
  'TP': ['#56b4e9', '#56b4e9', '', 'black'],
  'gather, scatter': ['#0072b2', '#4da3dd', '/', 'light'],
  'wait for switch': ['#cc79a7', '#d889b5', 'x', 'black'],
  'dispatch': ['#d55e00', '#ff8534', '', 'black'],
  'combine': ['#e69f00', '#f0b030', '\\', 'black'],
  'lit': ['#bfe3d6', '#14604a', '', 'ink'],
  'dark': ['#1d1d1b', '#000000', '', 'white'],
  'dark, as counted': ['#1d1d1b', '#000000', '/', 'white'],
  'partly dark': ['#6b6a66', '#3a3936', '/', 'white'],
};

function spanLook(part) {
  const [light, inDark, marks, name] = Object.hasOwn(SPANS, part) ? SPANS[part] : SPANS.gate;
  const {ink, paper} = theme();
  const names = {ink, paper, light: '#ffffff', black: '#111111', white: '#ffffff'};
  return {colour: isDark() ? inDark : light, marks, text: names[name]};
}

/// Fills for the parts that have marks, as patterns of one drawing.
function spanPatterns(id, parts) {
  return drawing('defs', {}, parts.filter((part) => spanLook(part).marks).map((part) => {
    const {colour, marks} = spanLook(part);
    const lines = {'/': 'M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6', '\\': 'M-2 6 L2 10 M0 0 L8 8 M6 -2 L10 2'};
    const d = marks === 'x' ? lines['/'] + lines['\\'] : lines[marks];
    return drawing('pattern', {id: `${id}-${parts.indexOf(part)}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse'},
        drawing('rect', {width: 8, height: 8, fill: colour}),
        drawing('path', {d, stroke: isDark() ? '#e9e7e2' : '#ffffff', 'stroke-opacity': 0.6, 'stroke-width': 1.2}));
  }));
}

let drawings = 0;

function passageDrawing(spans, width, label) {
  const id = 'spans-' + ++drawings;
  const tracks = TRACKS.filter((track) => spans.some((span) => span.track === track));
  const parts = unique(spans.map((span) => span.part));
  const ticks = ticksTo(Math.max(...spans.map((span) => span.end)), width > 560 ? 8 : 4);
  const end = ticks.at(-1);
  const tickText = tickTimes(ticks);
  const [left, top, bar, step] = [78, 8, 24, 34];
  const height = top + step * tracks.length + 26;
  const x = (seconds) => left + (width - left - 8) * seconds / end;
  const {ink, soft, lines, line} = theme();
  const marks = [spanPatterns(id, parts)];
  for (const tick of ticks) {
    const at = x(tick);
    const anchor = tick === 0 ? 'start' : at > width - 24 ? 'end' : 'middle';
    marks.push(drawing('path', {d: `M${at} ${top - 4} V${height - 20}`, stroke: lines}),
        drawing('text', {x: at, y: height - 6, 'font-size': 11, fill: soft, 'text-anchor': anchor}, tickText(tick)));
  }
  tracks.forEach((track, row) => {
    const y = top + row * step;
    marks.push(drawing('text', {x: left - 8, y: y + 16, 'font-size': 12, fill: ink, 'text-anchor': 'end'},
        TRACK_NAMES[track] || track));
    for (const span of spans.filter((one) => one.track === track)) {
      const {colour, marks: over, text} = spanLook(span.part);
      const wide = Math.max(1, x(span.end) - x(span.start));
      const fillOf = over ? `url(#${id}-${parts.indexOf(span.part)})` : colour;
      const group = drawing('g', {},
          drawing('title', {}, `${span.part}: ${time(span.end - span.start)}, from ${time(span.start)}`),
          drawing('rect', {x: x(span.start), y, width: wide, height: bar, fill: fillOf, stroke: line,
            'stroke-width': 0.75}));
      if (wide > span.part.length * 6.6 + 10) {
        if (over) {
          group.append(drawing('rect', {x: x(span.start) + wide / 2 - span.part.length * 3.1 - 4, y: y + 4,
            width: span.part.length * 6.2 + 8, height: bar - 8, rx: 3, fill: colour}));
        }
        group.append(drawing('text', {x: x(span.start) + wide / 2, y: y + 16, 'font-size': 11.5, fill: text,
          'text-anchor': 'middle'}, span.part));
      }
      marks.push(group);
    }
  });
  return drawing('svg', {viewBox: `0 0 ${width} ${height}`, width, role: 'img', 'aria-label': label}, marks);
}

function spanSample(part) {
  const id = 'spans-' + ++drawings;
  const {colour, marks} = spanLook(part);
  return drawing('svg', {width: 18, height: 14, 'aria-hidden': 'true'}, spanPatterns(id, [part]),
      drawing('rect', {width: 18, height: 14, fill: marks ? `url(#${id}-0)` : colour, stroke: theme().line}));
}

/// "31.2 ms: 12 ms compute, 8 ms of all-to-all, 25 ms of waiting for the switch"
function passageTitle(spans) {
  const sum = (wanted) => spans.filter(wanted).reduce((all, span) => all + span.end - span.start, 0);
  const waits = sum((span) => span.part === 'wait for switch');
  const isDarkPart = (span) => span.part.includes('dark');
  const dark = sum(isDarkPart);
  const end = Math.max(...spans.filter((span) => span.track !== 'switch').map((span) => span.end));
  const compute = sum((span) => span.track === 'compute');
  const exchange = sum((span) => span.track === 'all-to-all' && span.part !== 'wait for switch');
  const format = times([end, compute, exchange, waits, waits > 0 ? 0 : dark]);
  const text = `${format(end)}: compute ${format(compute)}, all-to-all ${format(exchange)}`;
  if (waits > 0) return `${text}, waiting for the dark switch ${format(waits)}`;
  return dark > 0 ? `${text}; the switch is dark for ${format(dark)}, beneath other work` : text;
}

function passageFigure(name, layer, spans, frame) {
  const visible = spans.filter((span) => TRACKS.includes(span.track) && span.end > span.start);
  if (visible.length === 0) return null;
  const box = element('figure', {class: 'passage'});
  frame.append(box);
  const heading = `${name} through layer ${layer} takes ${passageTitle(visible)}`;
  box.append(element('figcaption', {}, element('h3', {}, heading)),
      passageDrawing(visible, Math.max(280, box.clientWidth - 32), heading),
      legend(unique(visible.map((span) => span.part)), spanSample, (part) => part),
      alternative(heading, [{title: 'Track'}, {title: 'Part'}, {title: 'Start', even: times},
        {title: 'Length', even: times}], () => visible.map((span) =>
        [span.track, span.part, span.start, span.end - span.start])));
}
